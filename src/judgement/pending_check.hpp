#pragma once

#include <optional>
#include <string>

#include "stagemark/core/error.hpp"
#include "stagemark/core/margin.hpp"
#include "stagemark/judgement/gate.hpp"

namespace stagemark {

/// One check of a family, before the family is adjusted.
struct PendingCheck {
  GateCheck check;
  std::optional<MarginTest> test;  ///< absent: the outcome is decided already
};

/// What cannot be judged is never a pass.
[[noreturn]] inline void refuse(const std::string& problem, const std::string& remedy = {}) {
  throw InputError(problem, "the gate", remedy);
}

}  // namespace stagemark
