#include "stagemark/serving/batch_queue.hpp"

#include <algorithm>
#include <utility>

#include "core/require.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

void expect_count(std::size_t value, const char* name) {
  constexpr std::size_t most = 100'000;
  if (value == 0 || value > most) {
    throw UsageError("is not between 1 and " + thousands(most), name, "give such a number");
  }
}

std::size_t first_capacity(const ServingSettings& settings, std::size_t expected_waiting) {
  // One more than may wait: a query that arrives may complete a batch before it is counted.
  return settings.queue_limit ? *settings.queue_limit + 1 : std::max<std::size_t>(expected_waiting, 1);
}

}  // namespace

void expect_usable(const ServingSettings& settings) {
  expect_count(settings.instances, "`instances`");
  expect_count(settings.threads, "`threads`");
  expect_count(settings.max_batch, "`max_batch`");
  constexpr std::size_t longest_queue = 10'000'000;
  if (settings.queue_limit && *settings.queue_limit > longest_queue) {
    throw UsageError("is above " + thousands(longest_queue), "`queue_limit`", "lower it, or leave it out for no limit");
  }
  constexpr Nanoseconds longest = std::chrono::hours(24);
  if (settings.max_batch_delay < Nanoseconds::zero() || settings.max_batch_delay > longest) {
    throw UsageError("is not between 0 and a day", "`max_batch_delay`", "give such a time");
  }
  if (settings.deadline && (*settings.deadline <= Nanoseconds::zero() || *settings.deadline > longest)) {
    throw UsageError("is not above 0 and at most a day", "`deadline`", "give such a time, or leave it out for none");
  }
}

BatchQueue::BatchQueue(const ServingSettings& settings, std::size_t expected_waiting)
    : settings_((expect_usable(settings), settings)),
      now_(Nanoseconds::min()),
      last_scheduled_(Nanoseconds::min()),
      ring_(first_capacity(settings, expected_waiting)),
      free_(settings.instances),
      free_since_(settings.instances),
      batch_(settings.max_batch) {
  expired_.reserve(ring_.size());
}

Decisions BatchQueue::arrive(Nanoseconds now, QueryId query, Nanoseconds scheduled, bool others_follow) {
  require(scheduled >= last_scheduled_, "a query was scheduled before one that arrived earlier");
  begin(now);
  last_scheduled_ = scheduled;
  push({.query = query, .arrived = now, .scheduled = scheduled});
  drop_expired(now);
  Decisions decisions{.expired = expired_, .dispatch = others_follow ? std::nullopt : dispatch(now)};
  // Before it came, the limit was kept: if it is not now, the last one is the one that came.
  decisions.accepted = !settings_.queue_limit || waiting_ <= *settings_.queue_limit;
  if (!decisions.accepted) --waiting_;
  return decisions;
}

Decisions BatchQueue::instance_free(Nanoseconds now, std::size_t instance) {
  require(instance < settings_.instances, "there is no such instance");
  require(!free_since_[instance], "the instance is free already");
  begin(now);
  free_since_[instance] = now;
  free_[(free_first_ + free_count_++) % free_.size()] = instance;
  return decide(now);
}

Decisions BatchQueue::advance(Nanoseconds now) {
  begin(now);
  return decide(now);
}

std::optional<Nanoseconds> BatchQueue::next_wake_up() const {
  if (waiting_ == 0) return std::nullopt;
  std::optional<Nanoseconds> due;
  // At the deadline itself it is still in time.
  if (settings_.deadline) due = oldest().scheduled + *settings_.deadline + Nanoseconds(1);
  // Where an instance is free, what waits is a batch that fills.
  if (free_count_ > 0) {
    const Nanoseconds full = oldest().arrived + settings_.max_batch_delay;
    due = due ? std::min(*due, full) : full;
  }
  return due;
}

void BatchQueue::begin(Nanoseconds now) {
  require(now >= now_, "time went back");
  now_ = now;
}

void BatchQueue::drop_expired(Nanoseconds now) {
  expired_.clear();
  if (!settings_.deadline) return;
  while (waiting_ > 0 && now > oldest().scheduled + *settings_.deadline) expired_.push_back(pop());
}

std::optional<Dispatch> BatchQueue::dispatch(Nanoseconds now) {
  if (free_count_ == 0 || waiting_ == 0) return std::nullopt;
  if (waiting_ < settings_.max_batch && now < oldest().arrived + settings_.max_batch_delay) return std::nullopt;
  const std::size_t instance = free_[free_first_];
  free_first_ = (free_first_ + 1) % free_.size();
  --free_count_;
  const std::span<QueryId> batch = std::span(batch_).first(std::min(waiting_, settings_.max_batch));
  for (QueryId& query : batch) query = pop();
  return Dispatch{.instance = instance,
                  .queries = batch,
                  .instance_free_since = *std::exchange(free_since_[instance], std::nullopt)};
}

Decisions BatchQueue::decide(Nanoseconds now) {
  drop_expired(now);
  return {.expired = expired_, .dispatch = dispatch(now)};
}

void BatchQueue::push(const Waiting& query) {
  if (waiting_ == ring_.size()) {
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
    first_ = 0;
    ring_.resize(2 * ring_.size());
    expired_.reserve(ring_.size());
  }
  ring_[(first_ + waiting_++) % ring_.size()] = query;
}

QueryId BatchQueue::pop() {
  const QueryId query = ring_[first_].query;
  first_ = (first_ + 1) % ring_.size();
  --waiting_;
  return query;
}

}  // namespace stagemark
