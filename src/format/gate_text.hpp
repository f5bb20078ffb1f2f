#pragma once

#include <cstddef>
#include <string>

#include "stagemark/judgement/gate.hpp"

// What the formats of a gate's result have in common.

namespace stagemark {

/// Number of checks with this outcome.
std::size_t count_of(const GateResult& result, GateOutcome outcome);

/// PASS, FAIL or INCONCLUSIVE.
std::string in_capitals(GateOutcome outcome);

}  // namespace stagemark
