#pragma once

#include <string>

namespace stagemark {

/// A word of a POSIX shell's command, quoted where it must be.
std::string shell_word(const std::string& text);

}  // namespace stagemark
