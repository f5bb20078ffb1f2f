#include "stagemark/core/stored_baseline.hpp"

#include <cmath>
#include <stdexcept>

#include "log_margin.hpp"
#include "t_estimate.hpp"

namespace stagemark {

std::optional<StoredBaselineComparison> compare_with_stored(std::span<const double> stored_log_medians,
                                                            std::span<const double> new_log_medians, double margin,
                                                            double level) {
  const double limit = log_margin(margin);
  const bool is_level = level > 0 && level < 0.5;  // false for NaN
  if (!is_level) throw std::invalid_argument("the level must be between 0 and 0.5");
  const auto stored_deviation = standard_deviation(stored_log_medians);
  const auto new_deviation = standard_deviation(new_log_medians);
  if (stored_log_medians.size() < stored_runs_needed || new_log_medians.size() < new_runs_needed) return std::nullopt;

  const auto stored = static_cast<double>(stored_log_medians.size());
  const auto fresh = static_cast<double>(new_log_medians.size());
  const double degrees = stored + fresh - 2;
  const double variance =
      ((stored - 1) * *stored_deviation * *stored_deviation + (fresh - 1) * *new_deviation * *new_deviation) / degrees;
  const TEstimate slowdown{.value = mean(new_log_medians) - mean(stored_log_medians),
                           .standard_error = std::sqrt(variance * (1 / stored + 1 / fresh)),
                           .degrees = degrees};
  const Interval interval = slowdown.interval(1 - 2 * level);
  // Noncentral t by a shift of the central one: its power differs from 0.8 by less than 0.02 from these counts on.
  const double excess =
      (student_t_quantile(1 - level, degrees) + student_t_quantile(0.8, degrees)) * slowdown.standard_error;
  return StoredBaselineComparison{.slowdown = std::expm1(slowdown.value),
                                  .interval = {.low = std::expm1(interval.low), .high = std::expm1(interval.high)},
                                  .test = slowdown.test(limit),
                                  .smallest_detectable_excess = (1 + margin) * std::expm1(excess)};
}

}  // namespace stagemark
