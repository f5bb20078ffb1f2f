#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "stagemark/load/service_level.hpp"

namespace stagemark {

/// A limit given as a number of images or as a share of them: `3` or `5%` as a count, or as a ratio in [0, 1].
/// \throws UsageError naming the option
std::variant<std::size_t, double> parse_count_or_share(const std::string& option, const std::string& text);

/// A size with its unit: `4096B`, `64KB`, `256MB`, `2GB` (powers of 1024). \throws UsageError naming the option
std::size_t parse_bytes(const std::string& option, const std::string& text);

/// `5%` as 0.05, from 0 on. \throws UsageError naming the option
double parse_percent(const std::string& option, const std::string& text);

/// Percentage points as a proportion: `0.5pp` as 0.005, below 100. \throws UsageError naming the option
double parse_points(const std::string& option, const std::string& text);

/// A duration with its unit: `500ms`, `90s`, `5m`, `1h`; above zero. \throws UsageError naming the option
std::chrono::milliseconds parse_duration(const std::string& option, const std::string& text);

/// The same down to nanoseconds, from zero on, with fractions: `0s`, `250us`, `0.5ms`. \throws UsageError naming the option
std::chrono::nanoseconds parse_time(const std::string& option, const std::string& text);

/// Queries a second, above zero. \throws UsageError naming the option
double parse_rate(const std::string& option, const std::string& text);

/// `p99=50ms`, `p99.9=1s`, `p95=800us`: a percentile and its bound, with a unit, up to an hour.
/// \throws UsageError naming the option
ServiceLevel parse_service_level(const std::string& option, const std::string& text);

/// Width and height: `224x224`. \throws UsageError naming the option
std::pair<std::size_t, std::size_t> parse_size(const std::string& option, const std::string& text);

/// `0.485,0.456,0.406`. \throws UsageError naming the option
std::array<float, 3> parse_three_numbers(const std::string& option, const std::string& text);

}  // namespace stagemark
