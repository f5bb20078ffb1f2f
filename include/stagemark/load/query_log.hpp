#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stagemark/core/duration.hpp"
#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// What became of a query.
enum class QueryOutcome : std::uint8_t { completed, refused, expired, failed };
template <>
inline constexpr EnumNames<QueryOutcome, 4> enum_names<QueryOutcome> = {{{QueryOutcome::completed, "completed"},
                                                                         {QueryOutcome::refused, "refused"},
                                                                         {QueryOutcome::expired, "expired"},
                                                                         {QueryOutcome::failed, "failed"}}};

/// One query, or one sample of a query of several. Times count from the start of the load. A log of them stands in the
/// order of `scheduled`, those that were sent to warm up included.
struct QueryRecord {
  Nanoseconds scheduled{0};
  Nanoseconds sent{0};        ///< when the generator came to it
  Nanoseconds dispatched{0};  ///< of one that never was: its end
  Nanoseconds completed{0};   ///< or refused, expired, failed
  /// How long it waited while an instance was free, for its batch to fill.
  Nanoseconds batch_formation{0};
  std::uint32_t image = 0;       ///< by index
  std::uint32_t instance = 0;    ///< that took it
  std::uint32_t batch_size = 0;  ///< of the batch it was in; 0 in none
  QueryOutcome outcome = QueryOutcome::completed;

  /// From when it should have come, not from when it did: a late generator hides no wait.
  [[nodiscard]] Nanoseconds latency() const noexcept { return completed - scheduled; }
  [[nodiscard]] Nanoseconds queue_wait() const noexcept { return dispatched - scheduled - batch_formation; }
  [[nodiscard]] Nanoseconds formation() const noexcept { return batch_formation; }
  [[nodiscard]] Nanoseconds service() const noexcept { return completed - dispatched; }
  [[nodiscard]] Nanoseconds lateness() const noexcept { return sent - scheduled; }
};
static_assert(sizeof(QueryRecord) <= 64);

/// The records of whole queries whose samples arrived together and stand side by side: completed when the last sample is,
/// and with the worst of their outcomes. \throws std::invalid_argument if the log does not divide by `samples_per_query`
std::vector<QueryRecord> whole_queries(std::span<const QueryRecord> log, std::size_t samples_per_query);

/// How many queries each one found in the system, waiting or served, at the moment it was scheduled.
/// \param log in the order of `scheduled`
std::vector<std::uint32_t> found_in_system(std::span<const QueryRecord> log);

/// How many each one found waiting.
std::vector<std::uint32_t> found_waiting(std::span<const QueryRecord> log);

/// What is judged of a load: the queries that were scheduled in [begin, end), warm-up and run-out being outside.
struct MeasuredLog {
  std::span<const QueryRecord> log;
  Nanoseconds begin{0};
  Nanoseconds end{0};

  [[nodiscard]] bool counts(const QueryRecord& query) const noexcept {
    return query.scheduled >= begin && query.scheduled < end;
  }
};

}  // namespace stagemark
