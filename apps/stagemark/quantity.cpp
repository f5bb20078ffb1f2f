#include "quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A number with the unit of a time behind it.
std::optional<double> nanoseconds_in(std::string_view text) {
  // The first that fits decides: "ms" before "s".
  constexpr std::array<std::pair<std::string_view, double>, 5> units = {
      {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  for (const auto& [name, nanoseconds] : units) {
    if (!text.ends_with(name)) continue;
    const auto number = number_in<double>(text.substr(0, text.size() - name.size()));
    if (!number) break;
    return *number * nanoseconds;
  }
  return std::nullopt;
}

}  // namespace

std::variant<std::size_t, double> parse_count_or_share(const std::string& option, const std::string& text) {
  if (text.ends_with('%')) {
    const auto percent = number_in<double>(std::string_view(text).substr(0, text.size() - 1));
    if (percent && *percent >= 0 && *percent <= 100) return *percent / 100;
  } else if (const auto count = number_in<std::size_t>(text)) {
    return *count;
  }
  throw UsageError("'" + text + "' is neither a number of images nor a percentage", option, "e.g. 3 or 5%");
}

std::size_t parse_bytes(const std::string& option, const std::string& text) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 4> units = {
      {{"KB", 10}, {"MB", 20}, {"GB", 30}, {"B", 0}}};
  for (const auto& [unit, shift] : units) {
    if (!text.ends_with(unit)) continue;
    const auto count = number_in<std::size_t>(std::string_view(text).substr(0, text.size() - unit.size()));
    constexpr std::size_t largest = std::size_t{1} << 32U;
    if (count && *count > 0 && *count <= largest) return *count << shift;
    break;
  }
  throw UsageError("'" + text + "' is not a size", option, "e.g. 64MB or 1GB");
}

double parse_percent(const std::string& option, const std::string& text) {
  if (text.ends_with('%')) {
    const auto number = number_in<double>(std::string_view(text).substr(0, text.size() - 1));
    if (number && *number >= 0 && *number <= 10'000) return *number / 100;
  }
  throw UsageError("'" + text + "' is not a percentage", option, "e.g. 5%");
}

double parse_points(const std::string& option, const std::string& text) {
  if (text.ends_with("pp")) {
    const auto number = number_in<double>(std::string_view(text).substr(0, text.size() - 2));
    if (number && *number >= 0 && *number < 100) return *number / 100;
  }
  throw UsageError("'" + text + "' is not a number of percentage points", option, "e.g. 0.5pp");
}

std::chrono::milliseconds parse_duration(const std::string& option, const std::string& text) {
  // The first that fits decides: "ms" before "s".
  constexpr std::array<std::pair<std::string_view, std::size_t>, 4> units = {
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
  for (const auto& [name, milliseconds] : units) {
    if (!text.ends_with(name)) continue;
    const auto number = number_in<std::size_t>(std::string_view(text).substr(0, text.size() - name.size()));
    constexpr std::size_t largest = 30UL * 24 * 3600 * 1000;
    if (number && *number > 0 && *number <= largest / milliseconds)
      return std::chrono::milliseconds(*number * milliseconds);
    break;
  }
  throw UsageError("'" + text + "' is not a duration", option, "e.g. 500ms, 90s or 5m");
}

std::chrono::nanoseconds parse_time(const std::string& option, const std::string& text) {
  constexpr double largest = 30.0 * 24 * 3600 * 1e9;
  if (const auto nanoseconds = nanoseconds_in(text); nanoseconds && *nanoseconds >= 0 && *nanoseconds <= largest)
    return std::chrono::nanoseconds(std::llround(*nanoseconds));
  throw UsageError("'" + text + "' is not a time with its unit", option, "e.g. 0s, 5s, 250us or 0.5ms");
}

double parse_rate(const std::string& option, const std::string& text) {
  const auto rate = number_in<double>(text);
  if (rate && *rate > 0 && std::isfinite(*rate)) return *rate;
  throw UsageError("'" + text + "' is not a rate", option, "give queries a second, e.g. 12.5");
}

ServiceLevel parse_service_level(const std::string& option, const std::string& text) {
  constexpr double an_hour = 3600e9;
  const std::string_view level = text;
  const std::size_t equals = level.find('=');
  if (level.starts_with('p') && equals != std::string_view::npos) {
    const auto percentile = number_in<double>(level.substr(1, equals - 1));
    const auto bound = nanoseconds_in(level.substr(equals + 1));
    // All false for NaN.
    if (percentile && *percentile > 0 && *percentile < 100 && bound && *bound >= 1 && *bound <= an_hour)
      return {.quantile = *percentile / 100, .bound = Nanoseconds(std::llround(*bound))};
  }
  throw UsageError("'" + text + "' is not a service level", option,
                   "give a percentile and the time that bounds it, e.g. p99=50ms or p99.9=1s");
}

std::pair<std::size_t, std::size_t> parse_size(const std::string& option, const std::string& text) {
  const std::size_t x = text.find('x');
  if (x != std::string::npos) {
    const auto width = number_in<std::size_t>(std::string_view(text).substr(0, x));
    const auto height = number_in<std::size_t>(std::string_view(text).substr(x + 1));
    if (width && height) return {*width, *height};
  }
  throw UsageError("'" + text + "' is not a width and a height", option, "e.g. 224x224");
}

std::array<float, 3> parse_three_numbers(const std::string& option, const std::string& text) {
  std::array<float, 3> numbers{};
  std::string_view rest = text;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t comma = rest.find(',');
    const auto number = number_in<float>(rest.substr(0, comma));
    if (!number || (comma == std::string_view::npos) != (i == 2)) {
      throw UsageError("'" + text + "' is not three numbers", option, "e.g. 0.485,0.456,0.406");
    }
    numbers[i] = *number;
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return numbers;
}

}  // namespace stagemark
