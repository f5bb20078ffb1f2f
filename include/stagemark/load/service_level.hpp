#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "stagemark/core/duration.hpp"
#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/margin.hpp"
#include "stagemark/load/query_log.hpp"

namespace stagemark {

/// A promise: a share `quantile` of the queries is answered within `bound`. "p99=50ms" is {.99, 50 ms}.
struct ServiceLevel {
  double quantile = 0.99;
  Nanoseconds bound{0};

  bool operator==(const ServiceLevel&) const = default;
};

/// "p99" of 0.99, "p99.9" of 0.999.
std::string quantile_name(double quantile);

/// As people write it: `p99=50ms`, `p99.9=1s`.
std::string to_string(const ServiceLevel& level);

/// \throws UsageError if the quantile is not in (0, 1) or the bound is not above 0
void expect_usable(const ServiceLevel& level);

enum class LevelVerdict : std::uint8_t { within, beyond, undecided };
template <>
inline constexpr EnumNames<LevelVerdict, 3> enum_names<LevelVerdict> = {
    {{LevelVerdict::within, "within"}, {LevelVerdict::beyond, "beyond"}, {LevelVerdict::undecided, "undecided"}}};

/// Whether a service level holds, from queries that depend on one another.
struct ServiceLevelTest {
  std::size_t queries = 0;
  std::size_t over = 0;    ///< answered after the bound, refused, expired or failed
  std::size_t cycles = 0;  ///< parts of the runs that hardly depend on one another
  /// So many queries tell as much as one that depends on no other would. At least 1.
  double variance_inflation = 1;
  MarginTest p_values;  ///< of the share over the bound against 1 - quantile
  LevelVerdict verdict = LevelVerdict::undecided;
  /// Of `undecided`: how much longer to measure, if the shares stay as they are. Absent where that is more than a
  /// thousand times as long: the rate is too near the boundary.
  std::optional<Nanoseconds> more = std::nullopt;
  std::string reason;  ///< of `undecided`; else empty
};

/// Smallest number of cycles from which the dependence is read.
inline constexpr std::size_t fewest_cycles = 100;
/// One-sided level of either verdict of a service level.
inline constexpr double service_level_error = 0.05;

/// How many queries of a run are judged, and how many of them were answered after the bound, refused, expired or failed.
struct OverCount {
  std::size_t queries = 0;
  std::size_t over = 0;
};
OverCount count_over(const MeasuredLog& run, const ServiceLevel& level);

/// Tests a level on queries that depend on no other, as those of one caller that waits for each answer.
/// \throws UsageError as `expect_usable`
LevelVerdict test_independent_queries(const MeasuredLog& run, const ServiceLevel& level);

/// Tests whether a share of at most 1 - quantile of the queries is over the bound.
///
/// One slow batch makes the queries after it late, so a binomial test takes dependent queries for many and finds at the
/// very boundary up to three runs in four within it. Here the runs are cut where a query finds the system idle: from
/// there on nothing depends on what was before (regeneration; Crane & Iglehart 1975). The variance of the sums over these
/// cycles of the indicator [latency above this run's p90], relative to that of independent queries, is the variance
/// inflation V, to which one standard error of its own is added. Where that of [latency above this run's `quantile`] is
/// larger, as where a few batches of several make the tail, it is V. Of [over the bound] itself it could not be read: a
/// run that is lucky in that has too small a V too. The tests are those of Clopper & Pearson (1934) with n/V queries.
///
/// With fewer than `fewest_cycles` such cycles the cut is where a query finds no more than one other per instance, and
/// what neighbouring cycles share is added to V. With too few of those too it is `undecided`, or `beyond` where in each
/// of ten parts of the runs, long enough that one query may be over the bound, more are than may be: a sign test, since
/// waits are skewed, so that at the boundary most parts have fewer.
///
/// Simulated exactly at the boundary: tests/performance/load_proofs.cpp.
/// \param runs independent runs of one load: generations
/// \param instances that served them
/// \throws UsageError as `expect_usable`; std::invalid_argument if there are no instances
ServiceLevelTest test_service_level(std::span<const MeasuredLog> runs, const ServiceLevel& level,
                                    std::size_t instances);

}  // namespace stagemark
