#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stagemark/core/duration.hpp"

namespace stagemark {

/// How an approach is served, wherever it is.
struct ServingSettings {
  std::size_t instances = 1;       ///< opened engines, each of which takes one batch at a time
  std::size_t threads = 1;         ///< of each instance
  std::size_t max_batch = 1;       ///< most queries in one call
  Nanoseconds max_batch_delay{0};  ///< longest that a batch which is not full waits for more queries
  std::optional<std::size_t> queue_limit = std::nullopt;  ///< most queries that wait; a further one is refused
  /// A query that still waits when so long has passed since it was scheduled is dropped.
  std::optional<Nanoseconds> deadline = std::nullopt;

  bool operator==(const ServingSettings&) const = default;
};

/// \throws UsageError naming the setting that is out of range
void expect_usable(const ServingSettings& settings);

/// What the caller knows a query by: any number of its own.
using QueryId = std::uint64_t;

/// A batch to run now.
struct Dispatch {
  std::size_t instance = 0;
  std::span<const QueryId> queries;  ///< from 1 to `max_batch`, in the order they arrived
  /// Since when this instance, and so at least one, had nothing to do. What a query waited after that it waited for its
  /// batch to fill.
  Nanoseconds instance_free_since{0};
};

/// What to do after an event. The spans hold until the next event. No event makes more than one batch: what waits beside
/// a free instance never is a full one, unless several arrived together.
struct Decisions {
  std::span<const QueryId> expired;  ///< dropped: their deadline has passed
  std::optional<Dispatch> dispatch;
  bool accepted = true;  ///< false where the query that arrived is refused
};

/// The queue of waiting queries and the dynamic batcher behind it: a state machine without thread and clock. The caller
/// tells it what happens and when; it answers what to do. Every query that arrives leaves once: refused, expired or
/// dispatched, the dispatched ones first in, first out.
///
/// A batch is dispatched as soon as an instance is free: as many queries as wait, up to `max_batch`. With a
/// `max_batch_delay` one that is not full waits until its oldest query has waited so long. Instances that are free take
/// turns, the one that was free longest first. A deadline is kept whether or not an instance is free.
///
/// Not thread-safe: callers guard it, and read their clock inside the guard. All times count from one origin of the
/// caller's. Nothing is allocated after construction where there is a queue limit; without one the queue doubles when
/// more wait than ever before.
class BatchQueue {
 public:
  /// No instance is free before `instance_free` says so.
  /// \param expected_waiting without a queue limit: how many queries may wait before memory is needed
  /// \throws UsageError as `expect_usable`
  explicit BatchQueue(const ServingSettings& settings, std::size_t expected_waiting = 1024);

  /// A query arrives, whose deadline counts from `scheduled`.
  /// \param others_follow that arrive together with it: nothing is dispatched until the last of them came, after which
  ///                      `advance` makes one batch more each time
  /// \throws std::invalid_argument if `now` is before an earlier event, or `scheduled` before that of an earlier query
  Decisions arrive(Nanoseconds now, QueryId query, Nanoseconds scheduled, bool others_follow = false);

  /// An instance can take its first or its next batch.
  /// \throws std::invalid_argument if `now` is before an earlier event, or there is no such instance, or it is free
  Decisions instance_free(Nanoseconds now, std::size_t instance);

  /// Time has passed. \throws std::invalid_argument if `now` is before an earlier event
  Decisions advance(Nanoseconds now);

  /// When `advance` is due, unless something else happens before: absent if nothing waits for time to pass.
  [[nodiscard]] std::optional<Nanoseconds> next_wake_up() const;

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] std::size_t free_instances() const noexcept { return free_count_; }

 private:
  struct Waiting {
    QueryId query = 0;
    Nanoseconds arrived{0};
    Nanoseconds scheduled{0};
  };

  void begin(Nanoseconds now);
  void drop_expired(Nanoseconds now);
  std::optional<Dispatch> dispatch(Nanoseconds now);
  Decisions decide(Nanoseconds now);
  [[nodiscard]] const Waiting& oldest() const { return ring_[first_]; }
  void push(const Waiting& query);
  QueryId pop();

  ServingSettings settings_;
  Nanoseconds now_;
  Nanoseconds last_scheduled_;
  std::vector<Waiting> ring_;
  std::size_t first_ = 0;
  std::size_t waiting_ = 0;
  std::vector<std::size_t> free_;  // a ring: instances in the order they became free
  std::size_t free_first_ = 0;
  std::size_t free_count_ = 0;
  std::vector<std::optional<Nanoseconds>> free_since_;
  std::vector<QueryId> expired_;
  std::vector<QueryId> batch_;
};

}  // namespace stagemark
