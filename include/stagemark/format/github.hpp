#pragma once

#include <iosfwd>

#include "stagemark/judgement/gate.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// Workflow commands of GitHub Actions: an error per failed check, a warning per inconclusive one.
void write_github_annotations(std::ostream& out, const GateResult& result);

/// What github-action-benchmark calls customSmallerIsBetter, as JSON: medians by stage in milliseconds, and the share of
/// wrong decisions in per cent.
void write_github_benchmark(std::ostream& out, const Report& report);

}  // namespace stagemark
