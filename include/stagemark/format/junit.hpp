#pragma once

#include <iosfwd>

#include "stagemark/judgement/gate.hpp"

namespace stagemark {

/// For people: one line per check, and the outcome.
void print_gate(std::ostream& out, const GateResult& result);

/// JUnit's XML: one test case per check. An inconclusive check is a failure of its own type if `inconclusive_fails`, else
/// it is skipped with its finding.
void write_junit(std::ostream& out, const GateResult& result, bool inconclusive_fails);

/// A table for a step summary or a comment.
void write_markdown(std::ostream& out, const GateResult& result);

/// Workflow commands of GitHub Actions: an error per failed check, a warning per inconclusive one.
void write_github_annotations(std::ostream& out, const GateResult& result);

}  // namespace stagemark
