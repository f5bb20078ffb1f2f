#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "stagemark/load/arrivals.hpp"
#include "stagemark/load/query_log.hpp"
#include "stagemark/serving/batch_queue.hpp"

namespace stagemark {

/// What an instance does with a batch, in that instance's own thread: one call at a time for each instance, calls of
/// different instances at the same time. Sets the outcome of each query that fails; the others are completed. Must not
/// throw.
/// \param first how many queries were dispatched before these: batches follow one another without a gap, whatever was
///              refused or has expired in between
using ServeBatch = std::function<void(std::size_t instance, std::size_t first, std::span<const QueryId> queries,
                                      std::span<QueryOutcome> outcomes)>;

/// Follows a live load, from the generator's thread, at least every 0.1 s.
class LiveLoadObserver {
 public:
  virtual ~LiveLoadObserver() = default;

  /// Whether to end the load now: what is being served is still answered, what waits is not.
  virtual bool interrupted() { return false; }

  /// \param now      since the start of the load
  /// \param sent     samples so far
  /// \param answered of these
  virtual void progressed(Nanoseconds /*now*/, std::size_t /*sent*/, std::size_t /*answered*/) {}
};

/// What a live load was.
struct LiveLoadResult {
  /// A record for each sample that was sent, in the order of `scheduled`; its index is the sample's QueryId. Its `image`
  /// is how many were dispatched before it.
  std::vector<QueryRecord> log;
  /// Until when every query that was scheduled has left: the end of the schedule, or where it was ended early.
  Nanoseconds complete_until{0};
  bool interrupted = false;
};

/// Serves the arrivals on the real clock: a generator, which is the calling thread, and a thread for each instance, around
/// the queue and batcher that serve in virtual time too. The generator never waits for an answer: it sleeps until the next
/// arrival is due, and counts how late it was. No lock is held while an instance works. Memory for all queries of an open
/// loop is taken before the first is sent; a closed loop's log doubles.
///
/// \param longest_run_out how long what still waits after the last arrival may take; the rest then expires
/// \throws UsageError as `expect_usable(settings, arrivals)`, BackendError if a thread cannot be started
LiveLoadResult serve_live(const ServingSettings& settings, const Arrivals& arrivals, const ServeBatch& serve,
                          Nanoseconds longest_run_out, LiveLoadObserver& observer);

}  // namespace stagemark
