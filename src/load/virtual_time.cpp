#include "stagemark/load/virtual_time.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "load/traffic.hpp"
#include "load/uniform_draw.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

class VirtualServer {
 public:
  VirtualServer(const ServingSettings& settings, const Arrivals& arrivals, const ServiceTime& service_time,
                std::uint64_t seed)
      : queue_(settings), traffic_(arrivals), service_time_(service_time), random_(seed), running_(settings.instances) {
    log_.reserve(traffic_.expected_samples());
    for (std::size_t i = 0; i < settings.instances; ++i) apply(queue_.instance_free(now_, i));
  }

  std::vector<QueryRecord> run() {
    for (;;) {
      const std::optional<Nanoseconds> arrival = traffic_.next();
      const std::optional<Nanoseconds> wake_up = queue_.next_wake_up();
      const auto is_first = [](std::optional<Nanoseconds> a, std::optional<Nanoseconds> b) {
        return a && (!b || *a <= *b);
      };
      if (!ends_.empty() && !(arrival && *arrival < ends_.top().first) && !(wake_up && *wake_up < ends_.top().first)) {
        end_of_batch();
      } else if (is_first(arrival, wake_up)) {
        arrive(*arrival);
      } else if (wake_up) {
        now_ = *wake_up;
        apply(queue_.advance(now_));
      } else {
        return std::move(log_);
      }
    }
  }

 private:
  void end_of_batch() {
    const auto [at, instance] = ends_.top();
    ends_.pop();
    now_ = at;
    for (const QueryId query : running_[instance]) traffic_.answered(query, now_);
    apply(queue_.instance_free(now_, instance));
  }

  void arrive(Nanoseconds at) {
    now_ = at;
    const std::size_t together = traffic_.take();
    for (std::size_t left = together; left > 0; --left) {
      const QueryId query = log_.size();
      log_.push_back({.scheduled = now_, .sent = now_});
      const Decisions decisions = queue_.arrive(now_, query, now_, left > 1);
      if (!decisions.accepted) leave(query, QueryOutcome::refused);
      apply(decisions);
    }
    // What arrived together may be several batches.
    for (bool dispatched = together > 1; dispatched;) {
      const Decisions decisions = queue_.advance(now_);
      apply(decisions);
      dispatched = decisions.dispatch.has_value();
    }
  }

  void apply(const Decisions& decisions) {
    for (const QueryId query : decisions.expired) leave(query, QueryOutcome::expired);
    if (decisions.dispatch) begin_batch(*decisions.dispatch);
  }

  void begin_batch(const Dispatch& batch) {
    const Nanoseconds service = service_time_(
        {.instance = batch.instance, .batch_size = batch.queries.size(), .begin = now_, .draw = uniform_draw(random_)});
    for (const QueryId query : batch.queries) {
      QueryRecord& record = log_[query];
      record.dispatched = now_;
      record.completed = now_ + service;
      record.batch_formation = now_ - std::max(record.sent, batch.instance_free_since);
      record.instance = static_cast<std::uint32_t>(batch.instance);
      record.batch_size = static_cast<std::uint32_t>(batch.queries.size());
    }
    running_[batch.instance].assign(batch.queries.begin(), batch.queries.end());
    ends_.emplace(now_ + service, batch.instance);
  }

  void leave(QueryId query, QueryOutcome outcome) {
    log_[query].dispatched = log_[query].completed = now_;
    log_[query].outcome = outcome;
    traffic_.answered(query, now_);
  }

  using End = std::pair<Nanoseconds, std::size_t>;

  BatchQueue queue_;
  Traffic traffic_;
  const ServiceTime& service_time_;
  SplitMix64 random_;
  Nanoseconds now_{0};
  std::vector<QueryRecord> log_;
  std::vector<std::vector<QueryId>> running_;  // the batch of each instance
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
};

}  // namespace

void expect_usable(const ServingSettings& settings, const Arrivals& arrivals) {
  expect_usable(settings);
  const auto* closed = std::get_if<ClosedLoop>(&arrivals);
  if (closed != nullptr && settings.queue_limit &&
      *settings.queue_limit < closed->concurrency * closed->samples_per_query) {
    throw UsageError("is below the number of queries that callers wait for", "`queue_limit`",
                     "raise it, or leave it out: these callers never send more than they wait for");
  }
}

std::vector<QueryRecord> serve_in_virtual_time(const ServingSettings& settings, const Arrivals& arrivals,
                                               const ServiceTime& service_time, std::uint64_t seed) {
  expect_usable(settings, arrivals);
  return VirtualServer(settings, arrivals, service_time, seed).run();
}

}  // namespace stagemark
