#include "stagemark/judgement/continuation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "preconditions.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/judgement/make_report.hpp"

namespace stagemark {
namespace {

bool failed(const Report& report, const std::string& approach) {
  const auto found = std::ranges::find(report.results, approach, &ApproachReport::approach);
  return found != report.results.end() && found->error.has_value();
}

/// Half the width of the interval, as a ratio less one: 0.01 is 1 % either way.
std::optional<double> half_width_of(const Speedup& speedup) {
  if (!speedup.ci95 || !(speedup.ci95->low > 0)) return std::nullopt;
  return std::sqrt(speedup.ci95->high / speedup.ci95->low) - 1;
}

}  // namespace

Continuation until_precise(double half_width, std::chrono::steady_clock::time_point deadline) {
  const bool is_width = half_width > 0;  // false for NaN
  if (!is_width)
    throw UsageError(significant(half_width, 4) + " is not above 0", "`half_width`", "0.01 is 1 % either way");
  return [=](const SuiteResult& so_far) -> std::variant<MoreRounds, std::string> {
    const Report report = make_report(so_far, {});
    std::optional<double> widest;
    bool comparable = false;
    for (const Comparison& comparison : report.comparisons) {
      if (failed(report, comparison.baseline) || failed(report, comparison.candidate)) continue;
      comparable = true;
      const auto width = half_width_of(comparison.speedup);
      // A comparison without an interval needs more rounds, however narrow those of the others are.
      widest = std::max(widest.value_or(0), width.value_or(std::numeric_limits<double>::infinity()));
    }
    if (!comparable) return "there is no pair to compare";
    const bool looked_enough = so_far.round_count >= rounds_before_first_look;
    if (looked_enough && *widest <= half_width) {
      return "all speed-ups are known to " + significant_percent(*widest, 3) + " either way, " +
             significant_percent(half_width, 3) + " was asked for";
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return "the time was up, with speed-ups known to " +
             (std::isfinite(*widest) ? significant_percent(*widest, 3) + " either way" : std::string("no interval")) +
             ", " + significant_percent(half_width, 3) + " was asked for";
    }
    return MoreRounds{looked_enough ? rounds_between_looks : rounds_before_first_look - so_far.round_count,
                      so_far.options.processes > 1 ? 1U : 0U};
  };
}

Continuation retry_if_inconclusive(GateCriteria criteria, std::optional<std::string> baseline) {
  criteria.level = retry_gate_level;
  expect_usable(criteria);
  return [criteria = std::move(criteria), baseline = std::move(baseline),
          retried = false](const SuiteResult& so_far) mutable -> std::variant<MoreRounds, std::string> {
    const std::string planned = stopped_with_the_plan;
    if (retried) return planned + " twice, because the gate could not tell";
    try {
      const GateResult result = gate(make_report(so_far, {}), criteria, baseline);
      // More rounds measure the same images again: only checks of latency, STAGE:STATISTIC, can become decided.
      const bool can_tell_more = std::ranges::any_of(result.checks, [](const GateCheck& check) {
        return check.outcome == GateOutcome::inconclusive && check.metric.find(':') != std::string::npos;
      });
      if (!can_tell_more) return planned;
    } catch (const InputError&) {
      return planned;  // the gate says it again of the report
    }
    retried = true;
    return MoreRounds{so_far.round_count, so_far.options.processes > 1 ? so_far.options.processes : 0U};
  };
}

}  // namespace stagemark
