#pragma once

#include <iosfwd>

#include "stagemark/judgement/gate.hpp"

namespace stagemark {

/// JUnit's XML: one test case per check. An inconclusive check is a failure of its own type if `inconclusive_fails`, else
/// it is skipped with its finding.
void write_junit(std::ostream& out, const GateResult& result, bool inconclusive_fails);

}  // namespace stagemark
