#include "gate_text.hpp"

#include <algorithm>

namespace stagemark {

std::size_t count_of(const GateResult& result, GateOutcome outcome) {
  return static_cast<std::size_t>(std::ranges::count(result.checks, outcome, &GateCheck::outcome));
}

std::string in_capitals(GateOutcome outcome) {
  std::string text(to_string(outcome));
  std::ranges::transform(text, text.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return text;
}

}  // namespace stagemark
