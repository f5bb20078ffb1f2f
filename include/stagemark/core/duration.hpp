#pragma once

#include <chrono>

namespace stagemark {

/// Time as it is measured and stored: whole nanoseconds.
using Nanoseconds = std::chrono::nanoseconds;

/// Time as it is shown and reported: floating milliseconds. The one place where the conversion is made.
constexpr double to_milliseconds(Nanoseconds duration) noexcept {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace stagemark
