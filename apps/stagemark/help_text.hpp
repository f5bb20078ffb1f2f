#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace stagemark {

// What --help and the manual page say of an option, once for both.

/// "-o,--output DIR", "images..."
std::string synopsis_of(const CLI::Option& option);

/// Its description, with the default where that is not said already.
std::string description_of(const CLI::Option& option);

/// Writes help that fits 100 columns.
std::shared_ptr<CLI::Formatter> make_help_formatter();

}  // namespace stagemark
