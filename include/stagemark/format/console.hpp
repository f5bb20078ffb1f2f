#pragma once

#include <iosfwd>

#include "stagemark/judgement/gate.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// Prints what a person wants to know of a run, at most 100 columns wide.
void print_results(std::ostream& out, const Report& report);

/// Prints how the report's approaches compare.
void print_comparisons(std::ostream& out, const Report& report);

/// Prints one line per check, and the outcome.
void print_gate(std::ostream& out, const GateResult& result);

}  // namespace stagemark
