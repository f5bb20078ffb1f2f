#pragma once

#include <cmath>
#include <stdexcept>

namespace stagemark {

/// Far above the rounding of a difference of logarithms, far below anything that can be measured.
inline constexpr double logarithm_slack = 1e-12;

/// ln(1 + margin) and the slack: a slowdown of exactly the margin is within it.
inline double log_margin(double margin) {
  const bool is_margin = margin > -1 && std::isfinite(margin);  // false for NaN
  if (!is_margin) throw std::invalid_argument("the margin must be above -100 %");
  return std::log1p(margin) + logarithm_slack;
}

}  // namespace stagemark
