#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace stagemark {

/// Appends the shortest decimal that reads back as the same double; `null` for NaN and infinities.
void append_json_number(std::string& out, double value);

template <std::integral T>
void append_json_number(std::string& out, T value) {
  std::array<char, 24> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

/// Appends a JSON string. Bytes that are not UTF-8 become U+FFFD, one for each maximal part that could have
/// begun a character, as the Unicode standard recommends.
void append_json_text(std::string& out, std::string_view text);

}  // namespace stagemark
