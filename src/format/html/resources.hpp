#pragma once

#include <string_view>

// Files that every page carries within it. Written by CMake.

namespace stagemark::html_resources {

extern const std::string_view style;
extern const std::string_view script;
extern const std::string_view chart_library;  ///< Chart.js, MIT license

}  // namespace stagemark::html_resources
