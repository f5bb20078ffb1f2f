#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "stagemark/core/margin.hpp"
#include "stagemark/core/statistics.hpp"

// A candidate against a baseline measured on another day. The unit is the process run: what changes from one run to the
// next is not seen within any of them.

namespace stagemark {

inline constexpr std::size_t stored_runs_needed = 5;
inline constexpr std::size_t new_runs_needed = 3;

/// Slowdowns are ratios less one: 0.05 is candidate = 1.05 x baseline.
struct StoredBaselineComparison {
  double slowdown = 0;  ///< exp(difference of the mean log medians) - 1
  Interval interval;    ///< of `slowdown`, two-sided at 1 - 2 x level: 98 % by default
  MarginTest test;
  /// The slowdown in excess of the margin that this many runs, spread like these, find with power 0.8.
  double smallest_detectable_excess = 0;
};

/// Student's t of two samples with pooled variance, of the log median latency of each process run. Absent below five
/// stored or three new runs. \throws std::invalid_argument if a value is not finite, the margin is not above -1, or the
/// level is not in (0, 0.5).
std::optional<StoredBaselineComparison> compare_with_stored(std::span<const double> stored_log_medians,
                                                            std::span<const double> new_log_medians, double margin,
                                                            double level = stored_gate_level);

}  // namespace stagemark
