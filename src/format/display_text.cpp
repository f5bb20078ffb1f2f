#include "stagemark/format/display_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace stagemark {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
};

/// The character that the text begins with; what is not UTF-8 counts byte by byte. \pre not empty
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  const std::size_t bytes = lead < 0x80          ? 1
                            : lead >> 5U == 0x6  ? 2
                            : lead >> 4U == 0xE  ? 3
                            : lead >> 3U == 0x1E ? 4
                                                 : 0;
  if (bytes == 0 || bytes > text.size()) return {0xFFFD, 1};
  if (bytes == 1) return {lead, 1};
  std::uint32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if (byte(i) >> 6U != 0x2) return {0xFFFD, 1};
    code = code << 6U | (byte(i) & 0x3FU);
  }
  return {code, bytes};
}

using Ranges = std::initializer_list<std::pair<std::uint32_t, std::uint32_t>>;

bool within(Ranges ranges, std::uint32_t code) {
  return std::ranges::any_of(ranges, [code](const auto& range) { return range.first <= code && code <= range.second; });
}

/// Of Unicode's East Asian Width (wide, full) and of its combining marks, the blocks that names are likely to have.
std::size_t width_of(std::uint32_t code) {
  if (within({{0x0300, 0x036F},
              {0x0483, 0x0489},
              {0x0591, 0x05BD},
              {0x0610, 0x061A},
              {0x064B, 0x065F},
              {0x0900, 0x0902},
              {0x093C, 0x093C},
              {0x0941, 0x0948},
              {0x094D, 0x094D},
              {0x0E31, 0x0E31},
              {0x0E34, 0x0E3A},
              {0x0E47, 0x0E4E},
              {0x200B, 0x200F},
              {0x202A, 0x202E},
              {0x2060, 0x2064},
              {0x20D0, 0x20F0},
              {0xFE00, 0xFE0F},
              {0xFE20, 0xFE2F},
              {0xFEFF, 0xFEFF}},
             code)) {
    return 0;
  }
  const bool wide = within({{0x1100, 0x115F},
                            {0x2E80, 0x303E},
                            {0x3041, 0x33FF},
                            {0x3400, 0x4DBF},
                            {0x4E00, 0x9FFF},
                            {0xA000, 0xA4CF},
                            {0xAC00, 0xD7A3},
                            {0xF900, 0xFAFF},
                            {0xFE30, 0xFE6F},
                            {0xFF00, 0xFF60},
                            {0xFFE0, 0xFFE6},
                            {0x1F300, 0x1F64F},
                            {0x1F680, 0x1F6FF},
                            {0x1F900, 0x1F9FF},
                            {0x20000, 0x3FFFD}},
                           code);
  return wide ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    width += width_of(character.code);
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return text;
}

std::string_view fitting(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  std::size_t width = 0;
  while (bytes < text.size()) {
    const Character character = first_character(text.substr(bytes));
    width += width_of(character.code);
    if (width > columns) break;
    bytes += character.bytes;
  }
  return text.substr(0, bytes);
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  while (display_width(text) > columns) {
    std::string_view line = fitting(text, columns);
    // A blank may stand just behind the line.
    const std::size_t blank = text.substr(0, line.size() + 1).rfind(' ');
    const bool between_words = blank != std::string_view::npos && text.find_first_not_of(' ') < blank;
    // The parts of a path or an approach are easier to read whole.
    const std::size_t joint = line.find_last_of("/=@+,");
    if (between_words) {
      line = text.substr(0, blank);
    } else if (joint != std::string_view::npos && joint > 0) {
      line = line.substr(0, joint + 1);
    }
    lines.emplace_back(line);
    text.remove_prefix(line.size());
    if (between_words) text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  lines.emplace_back(text);
  return lines;
}

}  // namespace stagemark
