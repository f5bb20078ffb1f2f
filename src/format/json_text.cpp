#include "json_text.hpp"

#include <cmath>
#include <cstddef>

namespace stagemark {
namespace {

/// What a byte that begins a character asks of the next: how many bytes follow, and the range of the first of
/// them (table 3-7 of the Unicode standard; the others are in 80..BF).
struct Lead {
  std::size_t following = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

constexpr bool begins_nothing(unsigned char byte) { return byte < 0xC2 || byte > 0xF4; }

constexpr Lead lead_of(unsigned char byte) {
  if (byte < 0xE0) return {.following = 1};
  if (byte == 0xE0) return {.following = 2, .low = 0xA0};
  if (byte == 0xED) return {.following = 2, .high = 0x9F};  // not the surrogates
  if (byte < 0xF0) return {.following = 2};
  if (byte == 0xF0) return {.following = 3, .low = 0x90};
  if (byte == 0xF4) return {.following = 3, .high = 0x8F};  // not beyond U+10FFFF
  return {.following = 3};
}

/// Appends the character beyond ASCII that begins at `text[at]`, or U+FFFD. Returns the bytes used up.
std::size_t append_character(std::string& out, std::string_view text, std::size_t at) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  const auto first = static_cast<unsigned char>(text[at]);
  if (begins_nothing(first)) {
    out += replacement;
    return 1;
  }
  const Lead lead = lead_of(first);
  for (std::size_t i = 1; i <= lead.following; ++i) {
    const bool ended = at + i >= text.size();
    const auto byte = ended ? static_cast<unsigned char>(0) : static_cast<unsigned char>(text[at + i]);
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (ended || byte < low || byte > high) {
      out += replacement;
      return i;
    }
  }
  out.append(text, at, lead.following + 1);
  return lead.following + 1;
}

void append_ascii(std::string& out, char character) {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  switch (character) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(character);
  if (code >= 0x20 && code != 0x7F) {
    out += character;
    return;
  }
  out += "\\u00";
  out += hexadecimal[code >> 4U];
  out += hexadecimal[code & 0xFU];
}

}  // namespace

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
  // Readers take "-0" for an integer, and lose the sign.
  if (value == 0 && std::signbit(value)) out += ".0";
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      append_ascii(out, text[at]);
      ++at;
    } else {
      at += append_character(out, text, at);
    }
  }
  out += '"';
}

}  // namespace stagemark
