#include "t_estimate.hpp"

#include <cmath>

namespace stagemark {
namespace {

// P(T >= difference / standard_error). Where an estimate has no spread, it is taken as exact.
double upper_tail(double difference, double standard_error, double degrees) {
  if (standard_error == 0) return difference > 0 ? 0 : 1;
  return student_t_cdf(-difference / standard_error, degrees);
}

}  // namespace

MarginTest TEstimate::test(double limit) const {
  return {.p_beyond = upper_tail(value - limit, standard_error, degrees),
          .p_within = upper_tail(limit - value, standard_error, degrees)};
}

Interval TEstimate::interval(double confidence) const {
  const double half_width = -student_t_quantile((1 - confidence) / 2, degrees) * standard_error;
  return {.low = value - half_width, .high = value + half_width};
}

TEstimate t_estimate_of_mean(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  return {.value = mean(values), .standard_error = standard_deviation(values).value() / std::sqrt(n), .degrees = n - 1};
}

}  // namespace stagemark
