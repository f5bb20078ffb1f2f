#pragma once

#include <iosfwd>

#include "stagemark/judgement/gate.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// Two Markdown tables: what each approach takes and how accurate it is, and how the approaches compare. Of a load test:
/// the capacities, how they compare, and every point.
void write_markdown(std::ostream& out, const Report& report);

/// A table of the checks, for a step summary or a comment.
void write_markdown(std::ostream& out, const GateResult& result);

}  // namespace stagemark
