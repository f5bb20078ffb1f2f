#pragma once

#include <exception>
#include <string>

namespace stagemark {

/// Some runtimes append a stack trace to their messages.
inline std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

}  // namespace stagemark
