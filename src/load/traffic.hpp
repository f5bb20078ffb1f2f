#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "stagemark/load/arrivals.hpp"
#include "stagemark/serving/batch_queue.hpp"

namespace stagemark {

/// Who sends next, and when.
class Traffic {
 public:
  explicit Traffic(const Arrivals& arrivals)
      : open_(std::get_if<OpenLoop>(&arrivals)), closed_(std::get_if<ClosedLoop>(&arrivals)) {
    if (closed_ != nullptr) due_.assign(closed_->concurrency, Nanoseconds::zero());
  }

  [[nodiscard]] std::optional<Nanoseconds> next() const {
    if (open_ != nullptr)
      return sent_ < open_->scheduled.size() ? std::optional(open_->scheduled[sent_]) : std::nullopt;
    return due_.empty() ? std::nullopt : std::optional(due_.front());
  }

  /// The samples that arrive together at `next()`.
  std::size_t take() {
    if (open_ != nullptr) {
      ++sent_;
      return 1;
    }
    due_.pop_front();
    unanswered_.push_back(closed_->samples_per_query);
    return closed_->samples_per_query;
  }

  void answered(QueryId sample, Nanoseconds now) {
    if (closed_ != nullptr && --unanswered_[sample / closed_->samples_per_query] == 0 && now < closed_->duration) {
      due_.push_back(now);
    }
  }

  /// Whether no query will come any more.
  [[nodiscard]] bool has_ended(Nanoseconds now) const {
    return open_ != nullptr ? sent_ == open_->scheduled.size() : due_.empty() && now >= closed_->duration;
  }

  /// Whether the next query comes when an answer is there.
  [[nodiscard]] bool waits_for_answers() const { return closed_ != nullptr; }

  [[nodiscard]] std::size_t expected_samples() const { return open_ != nullptr ? open_->scheduled.size() : 0; }

 private:
  const OpenLoop* open_;
  const ClosedLoop* closed_;
  std::size_t sent_ = 0;
  std::deque<Nanoseconds> due_;          // callers about to send, in the order of their times
  std::vector<std::size_t> unanswered_;  // samples of each query
};

}  // namespace stagemark
