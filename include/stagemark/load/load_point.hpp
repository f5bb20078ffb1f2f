#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/core/enum_names.hpp"
#include "stagemark/load/query_log.hpp"
#include "stagemark/load/service_level.hpp"

namespace stagemark {

/// Times of the queries of one load, in milliseconds. Quantiles are type 7 of Hyndman & Fan (1996); bounds are
/// one-sided, 95 %, by the effective number of queries, which are correlated (`quantile_upper_bound`), and absent where
/// those are too few.
struct LatencySummary {
  std::size_t count = 0;
  double mean = 0;
  double p50 = 0, p90 = 0, p95 = 0, p99 = 0;
  std::optional<double> p999;  ///< from 1,000 on
  double max = 0;
  std::optional<double> p90_upper, p95_upper, p99_upper, p999_upper;

  bool operator==(const LatencySummary&) const = default;
};

/// What a load says of a service level, and of itself.
enum class LoadVerdict : std::uint8_t {
  within,     ///< the level holds
  beyond,     ///< it does not
  undecided,  ///< one cannot tell
  unstable,   ///< more came than could be served: the queue grew without end, and latencies say nothing
  invalid     ///< the generator was late: what was offered is not what was meant
};
template <>
inline constexpr EnumNames<LoadVerdict, 5> enum_names<LoadVerdict> = {{{LoadVerdict::within, "within"},
                                                                       {LoadVerdict::beyond, "beyond"},
                                                                       {LoadVerdict::undecided, "undecided"},
                                                                       {LoadVerdict::unstable, "unstable"},
                                                                       {LoadVerdict::invalid, "invalid"}}};

/// As a verdict on a load.
LoadVerdict to_load_verdict(LevelVerdict verdict) noexcept;

/// One load that was measured.
struct LoadPoint {
  std::optional<double> offered_rate;  ///< queries a second that were scheduled; absent where callers wait for answers
  double achieved_rate = 0;            ///< queries a second that were answered
  std::size_t generations = 0;         ///< that were pooled
  std::size_t queries = 0;
  std::size_t completed = 0, refused = 0, expired = 0, failed = 0;
  std::optional<LatencySummary> latency;  ///< of whole queries; absent where none was completed, as are the next three
  std::optional<LatencySummary> queue_wait, batch_formation, service;  ///< of samples
  std::map<std::size_t, std::size_t> batch_sizes;                      ///< samples by the size of their batch
  double utilisation = 0;                                              ///< mean share of the instances that is busy
  double lateness_p99 = 0, lateness_max = 0;                           ///< of the generator, in milliseconds
  std::optional<LoadVerdict> verdict;  ///< absent where there is no service level, and nothing against the load
  std::optional<Nanoseconds> more;     ///< of `undecided`: how much longer it would take; absent: unknown
  std::vector<std::string> reasons;    ///< of the verdict

  bool operator==(const LoadPoint&) const = default;
};

/// How a load came about.
struct LoadConditions {
  std::size_t instances = 1;
  std::size_t samples_per_query = 1;
  bool waits_for_answers = false;  ///< a closed loop: nothing is offered, and nothing can be unstable
  std::optional<ServiceLevel> level = std::nullopt;
};

/// Summary of one load that was measured in one or more generations, all of whose queries are pooled.
///
/// `invalid` if the p99 of the generator's lateness is above 5 % of the bound, or of the median latency without one.
/// `unstable` if in most generations less than 98 % of the offered rate is achieved, and queries of the last quarter find
/// at least half as many again waiting as those of the second: a queue that grows evenly from the start of the warm-up
/// has more than twice as many, or less after a long one. Else the verdict on the service level.
/// \throws UsageError as `expect_usable(level)`; std::invalid_argument if there is no generation, a measured time is not
///         above 0, there are no instances, or a log does not divide by `samples_per_query`
LoadPoint summarise(std::span<const MeasuredLog> generations, const LoadConditions& conditions);

}  // namespace stagemark
