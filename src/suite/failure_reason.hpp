#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace stagemark {

/// Does the work, which may be an engine of anyone's. Why it failed, in one line, or absent if it did not: a failure that
/// says nothing of itself is a failure all the same.
template <class Work>
std::optional<std::string> failure_reason(Work&& work) {
  try {
    std::forward<Work>(work)();
    return std::nullopt;
  } catch (const std::exception& error) {
    const std::string text = error.what();
    // Some runtimes append a stack trace to their messages.
    const std::string line = text.substr(0, text.find('\n'));
    return line.empty() ? "it threw an exception without a message" : line;
  } catch (...) {
    return "it threw something that is no std::exception";
  }
}

}  // namespace stagemark
