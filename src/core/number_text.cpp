#include "stagemark/core/number_text.hpp"

#include <array>
#include <cstddef>
#include <cstdio>

namespace stagemark {

std::string decimal(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string signed_decimal(double value, int digits) {
  const std::string text = decimal(value, digits);
  return text.starts_with('-') ? text : "+" + text;
}

std::string significant(double value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return text.data();
}

std::string thousands(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string percent(double ratio, int digits) { return decimal(100 * ratio, digits) + " %"; }

std::string significant_percent(double ratio, int digits) { return significant(100 * ratio, digits) + " %"; }

std::string signed_percent(double ratio, int digits) { return signed_decimal(100 * ratio, digits) + " %"; }

}  // namespace stagemark
