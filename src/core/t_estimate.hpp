#pragma once

#include <algorithm>
#include <span>

#include "stagemark/core/margin.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {

/// A normally distributed estimate whose spread was estimated too: all that Student's t needs.
struct TEstimate {
  double value = 0;
  double standard_error = 0;
  double degrees = 0;

  /// p-values of the hypotheses that the truth is `limit` or less, and that it is `limit` or more.
  [[nodiscard]] MarginTest test(double limit) const;
  [[nodiscard]] Interval interval(double confidence) const;
};

/// The mean of two values or more.
TEstimate t_estimate_of_mean(std::span<const double> values);

/// For two tests of the same claim that rest on different assumptions: believed only where both find it.
inline MarginTest weaker_of(const MarginTest& a, const MarginTest& b) {
  return {.p_beyond = std::max(a.p_beyond, b.p_beyond), .p_within = std::max(a.p_within, b.p_within)};
}

/// The two-sided p-value of the limit itself.
inline double two_sided(const MarginTest& test) { return std::min(1.0, 2 * std::min(test.p_beyond, test.p_within)); }

}  // namespace stagemark
