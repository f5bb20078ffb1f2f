#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stagemark {

/// Columns that whatever is printed for reading stays within, on a terminal and off it.
inline constexpr std::size_t console_columns = 100;

/// Columns that a terminal needs for UTF-8 text: two for a Chinese character, none for a combining accent. A byte that
/// is not UTF-8 takes one.
std::size_t display_width(std::string_view text);

/// Without control characters: a file's name must not steer the terminal.
std::string printable(std::string text);

/// The longest beginning of the text that fits, never a part of a character.
std::string_view fitting(std::string_view text, std::size_t columns);

/// The text in lines, broken between words, and those that are longer than a line behind one of /=@+, or
/// anywhere. At least one line.
/// \pre columns >= 2
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

}  // namespace stagemark
