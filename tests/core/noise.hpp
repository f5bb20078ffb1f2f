#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "stagemark/core/statistics.hpp"

namespace stagemark {

/// Draws that are the same with every standard library, which std::normal_distribution does not promise.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : random_(seed) {}

  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }
  double normal() { return normal_quantile(uniform()); }

  std::vector<double> independent(std::size_t count) { return autoregressive(count, 0); }

  /// x(t) = phi x(t-1) + noise, stationary from the first value on.
  std::vector<double> autoregressive(std::size_t count, double phi) {
    std::vector<double> values;
    values.reserve(count);
    double value = normal();
    for (std::size_t t = 0; t < count; ++t) {
      values.push_back(value);
      value = phi * value + std::sqrt(1 - phi * phi) * normal();
    }
    return values;
  }

  /// Log-latencies as machines give them: a drift (AR(1), 2 %), independent noise (2 %), and 2 % of
  /// exponential spikes of mean 0.5. Their median is `log_latency_median`.
  std::vector<double> log_latencies(std::size_t count, double phi) {
    std::vector<double> values = autoregressive(count, phi);
    for (double& value : values) {
      value = .02 * value + .02 * normal();
      if (uniform() < .02) value -= .5 * std::log(uniform());
    }
    return values;
  }
  static constexpr double log_latency_median = .0006910245;

 private:
  std::mt19937_64 random_;
};

}  // namespace stagemark
