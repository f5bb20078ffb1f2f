#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace stagemark {

/// The text with some characters replaced: what a format has for those that mean something in it.
inline std::string escaped(std::string_view text,
                           std::initializer_list<std::pair<char, std::string_view>> replacements) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    std::string_view written(&c, 1);
    for (const auto& [character, replacement] : replacements) {
      if (c == character) written = replacement;
    }
    result += written;
  }
  return result;
}

}  // namespace stagemark
