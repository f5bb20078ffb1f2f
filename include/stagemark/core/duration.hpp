#pragma once

#include <chrono>

namespace stagemark {

/// Time as it is measured and stored: whole nanoseconds.
using Nanoseconds = std::chrono::nanoseconds;

/// Time as it is shown and reported: floating milliseconds. The conversions are made here and nowhere else.
constexpr double to_milliseconds(Nanoseconds duration) noexcept {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// Time as rates and sums are computed from it: floating seconds.
constexpr double to_seconds(Nanoseconds duration) noexcept { return std::chrono::duration<double>(duration).count(); }

}  // namespace stagemark
