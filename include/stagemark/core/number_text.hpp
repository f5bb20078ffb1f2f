#pragma once

#include <cstdint>
#include <string>

// Numbers as people read them, the same in every table and sentence.

namespace stagemark {

/// With so many digits after the point.
std::string decimal(double value, int digits);

/// The same with its sign: `+0.50`.
std::string signed_decimal(double value, int digits);

/// With so many digits that count, however small: 0.00123 as `0.0012`.
std::string significant(double value, int digits);

/// `24,049,089`.
std::string thousands(std::uint64_t value);

/// A ratio as a percentage, with so many digits after the point: 0.05 as `5.0 %`.
std::string percent(double ratio, int digits);

/// With so many digits that count: 0.00123 as `0.12 %`.
std::string significant_percent(double ratio, int digits);

/// With so many digits after the point and its sign: `+5.00 %`.
std::string signed_percent(double ratio, int digits);

}  // namespace stagemark
