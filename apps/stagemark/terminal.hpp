#pragma once

#include <cstddef>

namespace stagemark {

/// Whether the file descriptor is a terminal that can move its cursor.
bool is_terminal(int descriptor);

/// Whether what goes there may be coloured: a terminal, and nobody asked for none (https://no-color.org).
bool shows_colours(int descriptor);

/// Width of the terminal; 80 where it does not tell.
std::size_t terminal_columns(int descriptor);

}  // namespace stagemark
