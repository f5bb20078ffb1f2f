#pragma once

#include <algorithm>
#include <span>

#include "stagemark/core/gate.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {

/// A normally distributed estimate whose spread was estimated too: all that Student's t needs.
struct TEstimate {
  double value = 0;
  double standard_error = 0;
  double degrees = 0;

  /// p-value of the hypothesis that the truth is `limit` or less.
  [[nodiscard]] double p_above(double limit) const;
  /// p-value of the hypothesis that the truth is `limit` or more.
  [[nodiscard]] double p_below(double limit) const;
  [[nodiscard]] Interval interval(double confidence) const;
};

/// The mean of two values or more.
TEstimate t_estimate_of_mean(std::span<const double> values);

/// For two tests of the same claim that rest on different assumptions: believed only where both find it.
inline MarginTest weaker_of(const MarginTest& a, const MarginTest& b) {
  return {.p_beyond = std::max(a.p_beyond, b.p_beyond), .p_within = std::max(a.p_within, b.p_within)};
}

}  // namespace stagemark
