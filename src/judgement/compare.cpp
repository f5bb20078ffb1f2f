#include "stagemark/judgement/compare.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "paired_inferences.hpp"
#include "preconditions.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/paired_auroc.hpp"
#include "stagemark/core/paired_proportions.hpp"
#include "stagemark/core/speed_comparison.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/core/stored_baseline.hpp"
#include "stagemark/core/tail_comparison.hpp"

namespace stagemark {
namespace {

/// With fewer rounds the sign test gives no 95 % interval, whatever they show.
constexpr std::size_t fewest_rounds = 6;

std::string rounds_reason(std::size_t rounds) {
  return "needs " + std::to_string(fewest_rounds) + " rounds that both measured, has " + std::to_string(rounds);
}

std::optional<SpeedComparison> compare_stage(const Pair& pair, Stage stage, const SpeedCriteria& criteria) {
  const std::vector<PairedRound> rounds = paired_rounds(times_by_round(pair, stage));
  if (rounds.empty()) return std::nullopt;
  return compare_speed(rounds, criteria);
}

Speedup speedup_of(const SpeedComparison& comparison, const SpeedDecision& decision) {
  Speedup speedup;
  speedup.ratio = comparison.speedup;
  speedup.ci95 = OrReason<Interval>::of(comparison.interval, rounds_reason(comparison.rounds));
  speedup.p_value = comparison.p_value;
  speedup.p_adjusted = decision.p_adjusted;
  speedup.scope = comparison.scope;
  return speedup;
}

Speedup no_speedup(const std::string& reason) {
  Speedup speedup;
  speedup.ratio = speedup.p_value = speedup.p_adjusted = OrReason<double>::absent(reason);
  speedup.ci95 = OrReason<Interval>::absent(reason);
  return speedup;
}

/// p95 and p99 of `total`.
void compare_total_tails(const Pair& pair, const SpeedCriteria& criteria, std::uint64_t seed, Comparison& comparison) {
  const std::vector<RoundTimes> times = times_by_round(pair, Stage::total);
  std::vector<RoundLatencies> rounds;
  bool measurable = !times.empty();
  for (const RoundTimes& round : times) {
    const auto above_zero = [](double time) { return time > 0; };
    measurable = measurable && std::ranges::all_of(round.baseline, above_zero) &&
                 std::ranges::all_of(round.candidate, above_zero);
    rounds.push_back({round.baseline, round.candidate, round.generation});
  }
  const auto tail = [&](double p) {
    TailOptions options;
    options.confidence = criteria.confidence;
    options.seed = seed;
    const auto compared = measurable ? compare_tails(rounds, p, options) : std::nullopt;
    if (!compared) {
      return no_speedup("needs " + std::to_string(quantile_upper_bound_count(p)) + " times above zero of each");
    }
    Speedup speedup;
    speedup.ratio = compared->speedup;
    speedup.ci95 = compared->interval;
    speedup.p_value = compared->p_value;
    speedup.p_adjusted = OrReason<double>::absent("verdicts are about medians");
    speedup.scope = compared->scope;
    return speedup;
  };
  comparison.tails = {tail(0.95), tail(0.99)};
}

void compare_decisions(const Pair& pair, std::span<const PairedRow> rows, double margin, Comparison& comparison) {
  const PerImage& baseline = pair.baseline.per_image;
  const PerImage& candidate = pair.candidate.per_image;
  comparison.images = rows.size();
  for (const PairedRow& row : rows) {
    const auto label = baseline.label[row.baseline];
    const auto first = baseline.predicted[row.baseline];
    const auto second = candidate.predicted[row.candidate];
    if (first == second) continue;
    const std::string& path = baseline.path[row.baseline];
    comparison.label_flips.files.push_back(path);
    if (label && first == label) comparison.label_flips.harmful_files.push_back(path);
    if (label && second == label) comparison.label_flips.helpful_files.push_back(path);
  }
  comparison.label_flips.harmful = comparison.label_flips.harmful_files.size();
  comparison.label_flips.helpful = comparison.label_flips.helpful_files.size();
  comparison.accuracy_margin_points = 100 * margin;
  const auto counted = paired_outcomes(pair, rows);
  if (!counted || !pair.baseline.accuracy || !pair.candidate.accuracy) {
    const std::string reason = !counted                  ? "no labelled image was classified by both"
                               : !pair.baseline.accuracy ? pair.baseline.accuracy.reason
                                                         : pair.candidate.accuracy.reason;
    comparison.accuracy_delta_points = comparison.mcnemar_p_value = OrReason<double>::absent(reason);
    comparison.accuracy_delta_ci95 = OrReason<Interval>::absent(reason);
    comparison.accuracy_margin_images = comparison.images_needed = OrReason<std::uint64_t>::absent(reason);
    comparison.reasons.push_back("accuracy: " + reason);
    return;
  }
  const PairedOutcomes& outcomes = *counted;
  const auto count = static_cast<double>(outcomes.count());
  const double delta = (static_cast<double>(outcomes.helpful) - static_cast<double>(outcomes.harmful)) / count;
  comparison.accuracy_delta_points = 100 * delta;
  if (const auto interval = tango_interval(outcomes)) {
    comparison.accuracy_delta_ci95 = Interval{100 * interval->low, 100 * interval->high};
  }
  comparison.mcnemar_p_value = mcnemar_mid_p(outcomes);
  comparison.accuracy_margin_images = images_within(margin, outcomes.count());
  comparison.images_needed = OrReason<std::uint64_t>::of(
      images_needed(outcomes, margin), "no number of images would do: accuracy fell by the margin or more");
  comparison.accuracy_verdict = accuracy_verdict(outcomes, margin).value_or(AccuracyVerdict::inconclusive);
  comparison.accuracy_population_verdict =
      population_accuracy_verdict(outcomes, margin).value_or(AccuracyVerdict::inconclusive);
  if (const auto reason = why_decisions_differ(pair)) {
    comparison.accuracy_verdict = comparison.accuracy_population_verdict = AccuracyVerdict::decisions_differ;
    comparison.reasons.push_back("accuracy: " + *reason);
  }
}

/// From the stored hashes, which tell only whether inputs are equal; `make_report` has the inputs themselves.
OrReason<double> input_difference(const Pair& pair, std::span<const PairedRow> rows) {
  bool known = false;
  for (const PairedRow& row : rows) {
    const auto first = pair.baseline.per_image.input_hash[row.baseline];
    const auto second = pair.candidate.per_image.input_hash[row.candidate];
    if (!first || !second) continue;
    if (first != second) return OrReason<double>::absent("the inputs differ; by how much only their run can tell");
    known = true;
  }
  return known ? OrReason(0.0) : OrReason<double>::absent("not both engines tell what their network gets");
}

void compare_probabilities(const Pair& pair, std::span<const PairedRow> rows, const DatasetReport& dataset,
                           Comparison& comparison) {
  double largest = 0;
  for (const PairedRow& row : rows) {
    const auto p = pair.baseline.per_image.probability[row.baseline];
    const auto q = pair.candidate.per_image.probability[row.candidate];
    if (p && q) largest = std::max(largest, std::abs(*p - *q));
  }
  comparison.max_probability_difference =
      rows.empty() ? OrReason<double>::absent("no image was classified by both") : OrReason(largest);
  comparison.max_input_difference = input_difference(pair, rows);

  std::optional<PairedAuroc> areas;
  if (pair.baseline.accuracy_metrics.auroc && pair.candidate.accuracy_metrics.auroc) {
    const PairedScores scores = paired_scores(pair, rows, dataset);
    areas = compare_auroc(scores.baseline, scores.candidate);
  }
  const std::string reason = pair.baseline.accuracy_metrics.auroc ? pair.candidate.accuracy_metrics.auroc.reason
                                                                  : pair.baseline.accuracy_metrics.auroc.reason;
  comparison.auroc_delta =
      areas ? OrReason(areas->delta)
            : OrReason<double>::absent(reason.empty() ? "the images in common are of one class" : reason);
  comparison.auroc_delta_p_value = areas ? OrReason<double>::of(areas->p_value, "the variance cannot be estimated")
                                         : OrReason<double>::absent(comparison.auroc_delta.reason);
}

/// Runs of different times by Student's t over the medians of their processes, where there are enough.
void compare_process_runs(const ApproachReport& baseline, const ApproachReport& candidate,
                          const SpeedCriteria& criteria, Comparison& comparison) {
  const auto median_of = [](std::span<const double> sorted) { return quantile(sorted, 0.5); };
  const auto compared =
      compare_with_stored(log_times_by_process(baseline, Stage::total, median_of),
                          log_times_by_process(candidate, Stage::total, median_of), 0, (1 - criteria.confidence) / 2);
  if (!compared) return;
  const Interval speedup{1 / (1 + compared->interval.high), 1 / (1 + compared->interval.low)};
  comparison.speedup.ratio = 1 / (1 + compared->slowdown);
  comparison.speedup.ci95 = speedup;
  comparison.speedup.scope = Scope::any_processes;
  const double practical = 1 + criteria.practical;
  if (speedup.low > 1 && *comparison.speedup.ratio >= practical) {
    comparison.speed_verdict = SpeedVerdict::faster;
  } else if (speedup.high < 1 && *comparison.speedup.ratio <= 1 / practical) {
    comparison.speed_verdict = SpeedVerdict::slower;
  } else if (speedup.low > 1 / practical && speedup.high < practical) {
    comparison.speed_verdict = SpeedVerdict::no_difference;
  }
}

void rank_by_speed(Report& report, const SpeedCriteria& criteria, const std::set<std::string_view>& failed) {
  std::vector<ApproachReport*> running;
  for (ApproachReport& result : report.results) {
    result.speed_rank =
        OrReason<std::size_t>::absent(result.error ? "the approach failed" : "it shares no round with the others");
    if (!result.error && result.total_time_ms) running.push_back(&result);
  }
  std::vector<double> speeds(running.size());
  std::vector<SpeedComparison> pairs;
  for (std::size_t i = 0; i < running.size(); ++i) {
    for (std::size_t j = i + 1; j < running.size(); ++j) {
      const Pair pair = pair_approaches(*running[i], *running[j], failed);
      const auto comparison = compare_stage(pair, Stage::total, criteria);
      if (!comparison) return;
      if (i == 0) speeds[j] = comparison->log_speedup;
      pairs.push_back(*comparison);
    }
  }
  std::vector<double> p_adjusted;
  for (const SpeedDecision& decision : decide_speed(pairs, criteria)) p_adjusted.push_back(decision.p_adjusted);
  const std::vector<std::size_t> ranks = speed_ranks(speeds, p_adjusted, 1 - criteria.confidence);
  for (std::size_t i = 0; i < running.size(); ++i) running[i]->speed_rank = ranks[i];
}

}  // namespace

void compare_approaches(Report& report, const ComparisonCriteria& criteria,
                        const std::optional<std::string>& baseline_name) {
  expect_usable(criteria);
  expect_usable(report, "the report");
  report.comparisons.clear();
  if (report.results.empty()) return;
  const std::size_t baseline_index = approach_index(report, baseline_name);
  const ApproachReport& baseline = report.results[baseline_index];
  const std::set<std::string_view> failed = failed_images(report);

  std::vector<Pair> pairs;
  for (const ApproachReport& candidate : report.results) {
    if (&candidate == &baseline) continue;
    pairs.push_back(pair_approaches(baseline, candidate, failed));
    Comparison comparison;
    comparison.baseline = baseline.approach;
    comparison.candidate = candidate.approach;
    comparison.speedup = no_speedup("no round was measured by both");
    report.comparisons.push_back(std::move(comparison));
  }

  // By stage, all candidates together: one family.
  for (const Stage stage : all_stages) {
    std::vector<SpeedComparison> family;
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (baseline.error || pairs[i].candidate.error || is_outside_total(stage)) continue;
      if (const auto compared = compare_stage(pairs[i], stage, criteria.speed)) {
        family.push_back(*compared);
        members.push_back(i);
      }
    }
    const std::vector<SpeedDecision> decisions = decide_speed(family, criteria.speed);
    for (std::size_t k = 0; k < members.size(); ++k) {
      Comparison& comparison = report.comparisons[members[k]];
      const Speedup speedup = speedup_of(family[k], decisions[k]);
      if (stage != Stage::total) {
        comparison.stages.emplace(stage, speedup);
        continue;
      }
      comparison.speedup = speedup;
      comparison.rounds = family[k].rounds;
      comparison.speed_verdict = decisions[k].verdict;
      if (family[k].rounds < fewest_rounds) comparison.reasons.push_back("speed: " + rounds_reason(family[k].rounds));
    }
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Comparison& comparison = report.comparisons[i];
    for (const ApproachReport* side : {&pairs[i].baseline, &pairs[i].candidate}) {
      if (side->error) comparison.reasons.push_back("'" + side->approach + "' failed: " + *side->error);
    }
    compare_total_tails(pairs[i], criteria.speed, report.config.seed, comparison);
    const std::vector<PairedRow> images = first_inferences(pairs[i]);
    compare_decisions(pairs[i], images, criteria.accuracy_margin, comparison);
    compare_probabilities(pairs[i], images, report.dataset, comparison);
  }
  rank_by_speed(report, criteria.speed, failed);
}

void compare_with_report(Report& report, const Report& other, const std::string& name,
                         const ComparisonCriteria& criteria, const std::optional<std::string>& baseline_name) {
  expect_usable(criteria);
  expect_usable(report, "the report");
  expect_usable(other, "the other report");
  if (report.results.empty()) return;
  const ApproachReport& baseline = report.results[approach_index(report, baseline_name)];
  const bool same_machine = report.environment.fingerprint == other.environment.fingerprint;
  const bool same_images =
      report.dataset.sha256 == other.dataset.sha256 && report.dataset.classes == other.dataset.classes;
  for (const ApproachReport& candidate : other.results) {
    Comparison comparison;
    comparison.baseline = baseline.approach;
    comparison.candidate = candidate.approach + " (" + name + ")";
    comparison.speedup = no_speedup("not both measured total");
    comparison.tails = {no_speedup("not_interleaved"), no_speedup("not_interleaved")};
    for (const ApproachReport* side : {&baseline, &candidate}) {
      if (side->error) comparison.reasons.push_back("'" + side->approach + "' failed: " + *side->error);
    }
    if (!same_machine) comparison.reasons.emplace_back("environment_mismatch: the reports are of different machines");
    for (const auto& [stage, before] : baseline.stages) {
      const auto after = candidate.stages.find(stage);
      if (after == candidate.stages.end() || is_outside_total(stage) || !(after->second.median > 0)) continue;
      Speedup speedup = no_speedup("not_interleaved");
      speedup.ratio = before.median / after->second.median;
      if (stage == Stage::total) {
        comparison.speedup = speedup;
        if (same_machine) compare_process_runs(baseline, candidate, criteria.speed, comparison);
      } else {
        comparison.stages.emplace(stage, speedup);
      }
    }
    if (!comparison.speedup.ci95 && comparison.speedup.ratio) {
      comparison.reasons.emplace_back("not_interleaved: the ratio is of what two runs saw, and may be the machine's; " +
                                      std::to_string(stored_runs_needed) + " processes of the baseline and " +
                                      std::to_string(new_runs_needed) +
                                      " of the other on one machine would give it an interval");
    }
    if (same_images) {
      const Pair pair = pair_by_image(baseline, candidate);
      const std::vector<PairedRow> images = first_inferences(pair);
      compare_decisions(pair, images, criteria.accuracy_margin, comparison);
      compare_probabilities(pair, images, report.dataset, comparison);
    } else {
      const std::string reason = "the reports are of different images";
      comparison.reasons.push_back("accuracy: " + reason);
      comparison.accuracy_delta_points = comparison.mcnemar_p_value = comparison.auroc_delta =
          comparison.auroc_delta_p_value = comparison.max_probability_difference = comparison.max_input_difference =
              OrReason<double>::absent(reason);
      comparison.accuracy_delta_ci95 = OrReason<Interval>::absent(reason);
      comparison.accuracy_margin_images = comparison.images_needed = OrReason<std::uint64_t>::absent(reason);
    }
    report.comparisons.push_back(std::move(comparison));
  }
}

}  // namespace stagemark
