#include "stagemark/judgement/gate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "load_gate.hpp"
#include "paired_inferences.hpp"
#include "pending_check.hpp"
#include "preconditions.hpp"
#include "report/shell_word.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/metrics.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/paired_proportions.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/core/stored_baseline.hpp"
#include "stagemark/core/tail_comparison.hpp"

namespace stagemark {
namespace {

using Statistic = GatedLatency::Statistic;

/// The quantile that a statistic of the tail is.
std::optional<double> tail_of(Statistic statistic) {
  switch (statistic) {
    case Statistic::p90:
      return 0.9;
    case Statistic::p95:
      return 0.95;
    case Statistic::p99:
      return 0.99;
    case Statistic::median:
    case Statistic::mean:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string points(double ratio) { return decimal(100 * ratio, 2) + " points"; }
std::string signed_points(double ratio) { return signed_decimal(100 * ratio, 2) + " points"; }

void expect_result(const ApproachReport& result) {
  if (result.error) refuse("approach '" + result.approach + "' failed: " + *result.error, "mend it, then run again");
  if (result.inferences == 0) refuse("approach '" + result.approach + "' has no result");
}

void expect_stage(const ApproachReport& result, Stage stage) {
  if (result.stages.contains(stage)) return;
  refuse("approach '" + result.approach + "' has no time of stage '" + std::string(to_string(stage)) + "'",
         "gate another of `latencies`");
}

/// A margin that large is more often a slip of the decimal point than meant.
void warn_of_large_margin(const GateCriteria& criteria, GateResult& result) {
  if (criteria.max_slowdown <= 1 || criteria.latencies.empty()) return;
  result.warnings.push_back("`max_slowdown` lets a candidate take " + significant(1 + criteria.max_slowdown, 3) +
                            " times as long as the baseline");
}

constexpr const char* what_may_be_judged = "leave some of `latencies` or `max_accuracy_drop` on";

/// \param remedy where there is nothing to check
void conclude(std::vector<PendingCheck> pending, double level, const std::string& remedy, GateResult& result) {
  std::vector<MarginTest> family;
  for (const PendingCheck& one : pending) {
    if (one.test) family.push_back(*one.test);
  }
  const std::vector<GateOutcome> outcomes = gate_outcomes(family, level);
  std::size_t next = 0;
  std::vector<GateOutcome> all;
  for (PendingCheck& one : pending) {
    if (one.test) one.check.outcome = outcomes[next++];
    all.push_back(one.check.outcome);
    result.checks.push_back(std::move(one.check));
  }
  if (all.empty()) refuse("there is nothing to check", remedy);
  result.outcome = overall_outcome(all);
}

std::string against_margin(double slowdown, const std::optional<Interval>& interval, double margin) {
  std::string sentence =
      slowdown >= 0 ? signed_percent(slowdown, 2) + " slower" : signed_percent(slowdown, 2) + " (faster)";
  if (interval) sentence += " [" + signed_percent(interval->low, 2) + ", " + signed_percent(interval->high, 2) + "]";
  return sentence + ", allowed " + signed_percent(margin, 2);
}

/// What was not measured is refused and not called inconclusive, which somebody may have asked to let pass.
[[noreturn]] void refuse_untimed(const Pair& pair, Stage stage) {
  refuse("'" + pair.baseline.approach + "' and '" + pair.candidate.approach + "' have no time of stage '" +
             std::string(to_string(stage)) + "' to compare",
         "measure again, or gate another of `latencies`");
}

bool above_zero(std::span<const RoundTimes> rounds) {
  const auto all_above_zero = [](std::span<const double> times) {
    return std::ranges::all_of(times, [](double time) { return time > 0; });
  };
  return std::ranges::all_of(rounds, [&](const RoundTimes& round) {
    return all_above_zero(round.baseline) && all_above_zero(round.candidate);
  });
}

/// A slowdown is the inverse of a speed-up, so that the ends of its interval change places.
Interval slowdown_interval(const Interval& speedup) { return {1 / speedup.high - 1, 1 / speedup.low - 1}; }

PendingCheck check_latency(const Pair& pair, const GatedLatency& latency, const GateCriteria& criteria,
                           std::uint64_t seed) {
  PendingCheck pending;
  pending.check.candidate = pair.candidate.approach;
  pending.check.metric = to_string(latency);
  expect_stage(pair.baseline, latency.stage);
  expect_stage(pair.candidate, latency.stage);
  const std::vector<RoundTimes> times = times_by_round(pair, latency.stage);
  if (times.empty()) refuse_untimed(pair, latency.stage);
  constexpr const char* too_short = "the times are shorter than the clock can tell";
  if (const auto p = tail_of(latency.statistic)) {
    if (!above_zero(times)) {
      pending.check.finding = too_short;
      return pending;
    }
    std::vector<RoundLatencies> rounds;
    rounds.reserve(times.size());
    for (const RoundTimes& round : times) rounds.push_back({round.baseline, round.candidate, round.generation});
    TailOptions options;
    options.seed = seed;
    const auto compared = compare_tails(rounds, *p, options);
    if (!compared) {
      pending.check.finding = "needs " + std::to_string(quantile_upper_bound_count(*p)) + " times of each";
      return pending;
    }
    pending.test = test_tail_slowdown(rounds, *p, criteria.max_slowdown, options);
    pending.check.finding =
        against_margin(1 / compared->speedup - 1, slowdown_interval(compared->interval), criteria.max_slowdown);
    return pending;
  }
  const std::vector<PairedRound> rounds =
      paired_rounds(times, latency.statistic == Statistic::mean ? RoundStatistic{mean} : RoundStatistic{median});
  if (rounds.empty()) {
    pending.check.finding = too_short;
    return pending;
  }
  const SpeedComparison compared = compare_speed(rounds);
  pending.test = test_slowdown(rounds, criteria.max_slowdown);
  std::optional<Interval> interval;
  if (compared.interval) interval = slowdown_interval(*compared.interval);
  pending.check.finding = against_margin(1 / compared.speedup - 1, interval, criteria.max_slowdown);
  return pending;
}

/// Where the same image gets another decision when it comes again, one more measurement might say anything.
bool doubt_decisions(const Pair& pair, GateCheck& check) {
  const auto reason = why_decisions_differ(pair);
  if (!reason) return false;
  check.outcome = GateOutcome::inconclusive;
  check.finding += "; but " + *reason;
  return true;
}

/// \param level at which the population is judged, if all else is undecided
PendingCheck check_accuracy(const Pair& pair, double margin, Estimand estimand, double level) {
  PendingCheck pending;
  pending.check.candidate = pair.candidate.approach;
  pending.check.metric = "accuracy";
  const std::vector<PairedRow> images = first_inferences(pair);
  if (images.empty())
    refuse("no image was classified by '" + pair.baseline.approach + "' and '" + pair.candidate.approach + "'",
           "measure again");
  const auto outcomes = paired_outcomes(pair, images);
  if (!outcomes || !pair.baseline.accuracy || !pair.candidate.accuracy) {
    refuse("accuracy of '" + pair.candidate.approach + "' cannot be judged: " +
               (!outcomes ? "the images have no labels"
                          : (pair.baseline.accuracy ? pair.candidate : pair.baseline).accuracy.reason),
           "gate latency alone with `max_accuracy_drop` off");
  }
  const auto count = static_cast<double>(outcomes->count());
  const double delta = (static_cast<double>(outcomes->helpful) - static_cast<double>(outcomes->harmful)) / count;
  std::string& finding = pending.check.finding;
  finding = signed_points(delta) + " on " + std::to_string(outcomes->count()) + " images" + " (" +
            std::to_string(outcomes->harmful) + " harmful flips, " + std::to_string(outcomes->helpful) +
            " helpful), allowed " + points(margin) + " = " + std::to_string(images_within(margin, outcomes->count())) +
            " images";
  if (doubt_decisions(pair, pending.check)) return pending;
  if (estimand == Estimand::dataset) {
    finding += ", on these very images";
    const bool kept = accuracy_verdict(*outcomes, margin) == AccuracyVerdict::kept;
    pending.check.outcome = kept ? GateOutcome::pass : GateOutcome::fail;
    return pending;
  }
  const double t = tango_statistic(*outcomes, margin);
  pending.test = MarginTest{1 - normal_cdf(t), normal_cdf(t)};
  finding += ", of the population";
  if (const auto interval = tango_interval(*outcomes)) {
    finding += " [" + signed_decimal(100 * interval->low, 2) + ", " + signed_decimal(100 * interval->high, 2) + "]";
  }
  if (const auto needed = images_needed(*outcomes, margin, level)) {
    finding += "; deciding takes about " + std::to_string(*needed) + " images";
  }
  return pending;
}

PendingCheck check_flips(const Pair& pair, const std::variant<std::size_t, double>& allowed) {
  PendingCheck pending;
  pending.check.candidate = pair.candidate.approach;
  pending.check.metric = "flips";
  const std::vector<PairedRow> rows = first_inferences(pair);
  if (rows.empty()) refuse("no image was classified by both");
  const auto flips = static_cast<std::size_t>(std::ranges::count_if(rows, [&](const PairedRow& row) {
    return pair.baseline.per_image.predicted[row.baseline] != pair.candidate.per_image.predicted[row.candidate];
  }));
  const auto* count = std::get_if<std::size_t>(&allowed);
  const double limit =
      count != nullptr ? static_cast<double>(*count) : std::get<double>(allowed) * static_cast<double>(rows.size());
  pending.check.outcome = static_cast<double>(flips) <= limit ? GateOutcome::pass : GateOutcome::fail;
  pending.check.finding = std::to_string(flips) + " of " + std::to_string(rows.size()) +
                          " decisions differ from the baseline's, allowed " + decimal(std::floor(limit), 0);
  doubt_decisions(pair, pending.check);
  return pending;
}

/// Of metrics of two classes, on the images that both classified.
void add_drops(const Pair& pair, const DatasetReport& dataset, std::span<const GatedDrop> drops,
               std::vector<PendingCheck>& pending) {
  if (drops.empty()) return;
  if (dataset.classes.size() != 2) refuse("`max_drops` needs images of two classes", "gate accuracy alone");
  const PairedScores scores = paired_scores(pair, first_inferences(pair), dataset);
  const ClassificationMetrics before = classification_metrics(scores.baseline);
  const ClassificationMetrics after = classification_metrics(scores.candidate);
  for (const GatedDrop& drop : drops) {
    const MetricEntry& entry = entry_of(drop.metric);
    const OrReason<double>& first = before.*entry.member;
    const OrReason<double>& second = after.*entry.member;
    const std::string name(entry.name);
    for (const auto* value : {&first, &second}) {
      if (!*value) refuse("'" + name + "' has no value: " + value->reason, "gate another metric");
    }
    const double fall = *first - *second;
    PendingCheck one;
    one.check.candidate = pair.candidate.approach;
    one.check.metric = name;
    // What is exactly at the margin is within it, also where it has no exact binary fraction.
    constexpr double rounding = 1e-12;
    one.check.outcome = fall <= drop.most + rounding ? GateOutcome::pass : GateOutcome::fail;
    one.check.finding = percent(*second, 2) + " after " + percent(*first, 2) + ", " + signed_points(-fall) +
                        ", allowed " + points(drop.most) + ", on these very images";
    doubt_decisions(pair, one.check);
    pending.push_back(std::move(one));
  }
}

/// Images without an answer are in none of the other checks, which compare two answers: they fail a check of their own.
/// Absent where there is none.
std::optional<PendingCheck> check_failures(const Pair& pair) {
  std::set<std::string_view> of_baseline;
  for (const FileProblem& failure : pair.baseline.failures) of_baseline.insert(failure.path);
  std::size_t count = 0;
  const FileProblem* first = nullptr;
  for (const FileProblem& failure : pair.candidate.failures) {
    if (of_baseline.contains(failure.path)) continue;
    if (count++ == 0) first = &failure;
  }
  if (count == 0) return std::nullopt;
  PendingCheck pending;
  pending.check.candidate = pair.candidate.approach;
  pending.check.metric = "failures";
  pending.check.outcome = GateOutcome::fail;
  pending.check.finding = "no answer on " + std::to_string(count) +
                          " images that the baseline classified, the first: " + first->path + " (" + first->reason +
                          ")";
  return pending;
}

/// The level that Holm leaves to the first of the statistical checks.
/// \param speeds of each candidate: latencies or capacities
double level_of_one(double level, const GateCriteria& criteria, std::size_t candidates, std::size_t speeds) {
  const std::size_t population = criteria.max_accuracy_drop && criteria.estimand == Estimand::population ? 1 : 0;
  const std::size_t family = candidates * (speeds + population);
  return level / static_cast<double>(std::max<std::size_t>(family, 1));
}

void add_decisions(const Pair& pair, const DatasetReport& dataset, const GateCriteria& criteria, double level,
                   std::vector<PendingCheck>& pending) {
  if (auto failures = check_failures(pair)) pending.push_back(*std::move(failures));
  if (criteria.max_accuracy_drop) {
    pending.push_back(check_accuracy(pair, *criteria.max_accuracy_drop, criteria.estimand, level));
  }
  add_drops(pair, dataset, criteria.max_drops, pending);
  if (criteria.max_flips) pending.push_back(check_flips(pair, *criteria.max_flips));
}

struct ByProcess {
  std::vector<double> log_times;
  std::size_t fewest_times = std::numeric_limits<std::size_t>::max();  ///< of one process
};

ByProcess by_process(const ApproachReport& result, const GatedLatency& latency) {
  expect_stage(result, latency.stage);
  ByProcess processes;
  processes.log_times = log_times_by_process(result, latency.stage, [&](std::span<const double> sorted) {
    processes.fewest_times = std::min(processes.fewest_times, sorted.size());
    return latency.statistic == Statistic::mean ? mean(sorted)
                                                : quantile(sorted, tail_of(latency.statistic).value_or(0.5));
  });
  return processes;
}

/// The command of a run, with another value of a parameter that may have been among its options.
std::string command_with(const Report& report, const std::string& parameter, std::size_t value) {
  std::string option = "--" + parameter;
  std::ranges::replace(option, '_', '-');
  std::string command;
  const std::vector<std::string>& argv = report.config.argv;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (argv[i] == option)
      ++i;
    else if (!argv[i].starts_with(option + "="))
      command += shell_word(argv[i]) + " ";
  }
  return command + "`" + parameter + "` " + std::to_string(value);
}

/// How two runs were measured differently, which would look like a change of speed; empty where they were not.
std::string unlike(const RunConfig& stored, const RunConfig& config) {
  if (stored.batch != config.batch) {
    return "other batch: " + std::to_string(stored.batch) + " images a call in the baseline, " +
           std::to_string(config.batch) + " in the run";
  }
  if (stored.isolation != config.isolation) return "other isolation: one of them measured in workers, one did not";
  return {};
}

PendingCheck check_stored_latency(const Report& stored, const Report& report, const Pair& pair,
                                  const GatedLatency& latency, double margin) {
  PendingCheck pending;
  pending.check.candidate = pair.candidate.approach;
  pending.check.metric = to_string(latency);
  const auto [before, fewest_before] = by_process(pair.baseline, latency);
  const auto [after, fewest_after] = by_process(pair.candidate, latency);
  if (before.empty() || after.empty()) refuse_untimed(pair, latency.stage);
  std::string& finding = pending.check.finding;
  if (stored.environment.fingerprint != report.environment.fingerprint) {
    finding = "environment_mismatch: the baseline was measured on another machine; measure it again here";
    return pending;
  }
  if (const std::string difference = unlike(stored.config, report.config); !difference.empty()) {
    finding = difference + "; measure both alike";
    return pending;
  }
  const auto tail = tail_of(latency.statistic);
  if (const std::size_t fewest = std::min(fewest_before, fewest_after);
      tail && fewest < quantile_upper_bound_count(*tail)) {
    finding = "needs " + std::to_string(quantile_upper_bound_count(*tail)) + " times of each process, one has " +
              std::to_string(fewest) + "; measure both with more `passes`";
    return pending;
  }
  const auto compared = compare_with_stored(before, after, margin);
  if (!compared) {
    finding = "too few process runs: " + std::to_string(before.size()) + " stored (needs " +
              std::to_string(stored_runs_needed) + "), " + std::to_string(after.size()) + " new (needs " +
              std::to_string(new_runs_needed) + ");";
    if (before.size() < stored_runs_needed)
      finding += " repeat the baseline with '" + command_with(stored, "processes", 10) + "'";
    if (after.size() < new_runs_needed)
      finding += " repeat the run with '" + command_with(report, "processes", 5) + "'";
    return pending;
  }
  pending.test = compared->test;
  finding = against_margin(compared->slowdown, compared->interval, margin) + "; " + std::to_string(after.size()) +
            " process runs against " + std::to_string(before.size()) + " stored find an excess of " +
            signed_percent(compared->smallest_detectable_excess, 2) + " four times in five";
  return pending;
}

/// What else differs between two runs and may explain a difference: versions, what ran, models, preprocessing.
std::vector<std::string> changes_since(const Report& stored, const Report& report) {
  std::vector<std::string> changes;
  const auto add = [&](const std::string& what, const std::string& before, const std::string& after) {
    if (before != after) changes.push_back(what + ": " + before + ", now " + after);
  };
  const auto build = [](const ToolInfo& tool) { return tool.version + (tool.git ? " " + *tool.git : ""); };
  add("stagemark", build(stored.tool), build(report.tool));
  const auto version = [](const Report& of, const std::string& library) {
    const auto& libraries = of.environment.libraries;
    const auto found = std::ranges::find(libraries, library, &std::pair<std::string, std::string>::first);
    return found == libraries.end() ? "none" : found->second;
  };
  std::set<std::string> libraries;
  for (const Report* one : {&stored, &report}) {
    for (const auto& [library, of] : one->environment.libraries) libraries.insert(library);
  }
  for (const std::string& library : libraries) add(library, version(stored, library), version(report, library));
  for (const ApproachReport& before : stored.results) {
    const auto after = std::ranges::find(report.results, before.approach, &ApproachReport::approach);
    if (after == report.results.end()) continue;
    const std::string of = " of '" + before.approach + "'";
    add("what ran" + of, before.specification, after->specification);
    const auto model = [](const ApproachReport& result) {
      return result.model ? result.model->sha256.substr(0, 12) : std::string("none");
    };
    add("model" + of, model(before), model(*after));
  }
  if (stored.config.preprocessing != report.config.preprocessing) changes.emplace_back("preprocessing");
  return changes;
}

[[noreturn]] void refuse_alone(const ApproachReport& baseline, const std::string& remedy) {
  refuse("the report holds '" + baseline.approach + "' alone, and nothing to judge against it", remedy);
}

void conclude_run(const Report& report, const ApproachReport& baseline, const GateCriteria& criteria,
                  GateResult& result) {
  warn_of_large_margin(criteria, result);
  if (report.results.size() == 1) {
    refuse_alone(baseline, "run it with a second approach, or give a stored report with `stored`");
  }
  const std::set<std::string_view> failed = failed_images(report);
  std::vector<PendingCheck> pending;
  const double level = level_of_one(criteria.level, criteria, report.results.size() - 1, criteria.latencies.size());
  for (const ApproachReport& candidate : report.results) {
    if (&candidate == &baseline) continue;
    expect_result(candidate);
    const Pair pair = pair_approaches(baseline, candidate, failed);
    for (const GatedLatency& latency : criteria.latencies) {
      pending.push_back(check_latency(pair, latency, criteria, report.config.seed));
    }
    add_decisions(pair, report.dataset, criteria, level, pending);
  }
  const auto family = static_cast<std::size_t>(
      std::ranges::count_if(pending, [](const PendingCheck& one) { return one.test.has_value(); }));
  const std::size_t needed = rounds_needed(criteria.level, std::max<std::size_t>(family, 1));
  if (report.config.round_count < needed) {
    result.warnings.push_back("the run had " + std::to_string(report.config.round_count) + " rounds, and " +
                              std::to_string(needed) + " are needed to decide " + std::to_string(family) +
                              " figures together: measure more images, or with `passes`");
  }
  conclude(std::move(pending), criteria.level, what_may_be_judged, result);
}

bool compares_with_baseline(const GateCriteria& criteria) {
  return criteria.max_capacity_drop || criteria.max_accuracy_drop || !criteria.max_drops.empty() || criteria.max_flips;
}

/// \pre report.load
void conclude_load(const Report& report, const ApproachReport& baseline, const GateCriteria& criteria,
                   GateResult& result) {
  if (report.results.size() == 1 && compares_with_baseline(criteria)) {
    refuse_alone(baseline,
                 "measure a second approach, or judge it by `min_capacity` or `service_level` alone, with "
                 "`max_capacity_drop` off and `max_accuracy_drop` off");
  }
  const LoadReport& load = *report.load;
  if (criteria.service_level) expect_measured_for(load, *criteria.service_level);
  const std::set<std::string_view> failed = failed_images(report);
  std::vector<PendingCheck> pending;
  const double level =
      level_of_one(criteria.level, criteria, report.results.size() - 1, criteria.max_capacity_drop ? 1 : 0);
  for (const ApproachReport& approach : report.results) {
    expect_result(approach);
    add_checks_of_one(load, approach.approach, criteria, pending);
    if (&approach == &baseline) continue;
    if (criteria.max_capacity_drop) {
      pending.push_back(check_capacity_drop(load, baseline.approach, approach.approach, *criteria.max_capacity_drop));
    }
    add_decisions(pair_approaches(baseline, approach, failed), report.dataset, criteria, level, pending);
  }
  conclude(std::move(pending), criteria.level,
           "leave some of `max_capacity_drop` or `max_accuracy_drop` on, or give `min_capacity`", result);
}

}  // namespace

std::string to_string(const GatedLatency& latency) {
  return std::string(to_string(latency.stage)) + ":" + std::string(to_string(latency.statistic));
}

GatedLatency parse_gated_latency(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto stage = parse_enum<Stage>(text.substr(0, colon));
  const auto statistic =
      colon == std::string_view::npos ? Statistic::median : parse_enum<Statistic>(text.substr(colon + 1));
  if (stage && statistic) return {*stage, *statistic};
  throw UsageError(
      "'" + std::string(text) + "' is not a latency", "`latencies`",
      "give STAGE:STATISTIC, a stage of " + listed_names<Stage>() + "; a statistic of " + listed_names<Statistic>());
}

Metric parse_dropping_metric(std::string_view name) {
  std::string known;
  for (const MetricEntry& entry : metric_table) {
    if (!entry.better_when_larger) continue;
    if (entry.name == name) return entry.metric;
    known.append(known.empty() ? "" : ", ").append(entry.name);
  }
  throw UsageError("'" + std::string(name) + "' is not a metric that may drop", "`max_drops`", "give one of " + known);
}

GateResult gate(const Report& report, const GateCriteria& criteria, const std::optional<std::string>& baseline_name) {
  expect_usable(criteria);
  expect_usable(report, "the report");
  expect_applicable(criteria, report);
  if (report.results.empty()) refuse("the report holds no result", "run again");
  const ApproachReport& baseline = report.results[approach_index(report, baseline_name)];
  expect_result(baseline);
  GateResult result;
  result.baseline = baseline.approach;
  if (report.interrupted)
    result.warnings.emplace_back("the run was interrupted: this is judged on what it had measured");
  if (report.load) {
    conclude_load(report, baseline, criteria, result);
  } else {
    conclude_run(report, baseline, criteria, result);
  }
  return result;
}

GateResult gate_against_stored(const Report& stored, const Report& report, const GateCriteria& criteria,
                               const std::optional<std::string>& baseline_approach) {
  expect_usable(criteria);
  expect_usable(stored, "the baseline");
  expect_usable(report, "the report");
  if (stored.load || report.load) {
    refuse("a load test is not judged against a stored one, whose processes and arrivals were others",
           "measure both approaches in one load test, and judge that alone");
  }
  expect_applicable(criteria, report);
  if (stored.results.empty()) refuse("the baseline holds no result", "store another");
  if (stored.dataset.sha256 != report.dataset.sha256 || stored.dataset.classes != report.dataset.classes) {
    refuse("the baseline was measured on other images (" + stored.dataset.path + ")", "measure both on the same");
  }
  GateResult result;
  result.baseline = "stored report of " + stored.timestamp;
  warn_of_large_margin(criteria, result);
  for (const Report* one : {&stored, &report}) {
    if (one->interrupted) result.warnings.emplace_back("one of the runs was interrupted");
  }
  for (const ApproachReport& candidate : report.results) {
    const bool stored_too =
        std::ranges::find(stored.results, candidate.approach, &ApproachReport::approach) != stored.results.end();
    if (!stored_too && !baseline_approach) {
      result.warnings.push_back("'" + candidate.approach + "' is not in the baseline and was not judged");
    }
  }
  result.changes = changes_since(stored, report);
  std::vector<PendingCheck> pending;
  const double level = level_of_one(stored_gate_level, criteria, baseline_approach ? 1 : stored.results.size(),
                                    criteria.latencies.size());
  for (const ApproachReport& baseline : stored.results) {
    if (baseline_approach && baseline.approach != *baseline_approach) continue;
    const auto candidate = std::ranges::find(report.results, baseline.approach, &ApproachReport::approach);
    if (candidate == report.results.end()) {
      refuse("the run has no approach '" + baseline.approach + "', which the baseline has",
             "measure it, or name the one to judge with `baseline_approach`");
    }
    expect_result(baseline);
    expect_result(*candidate);
    const Pair pair = pair_by_image(baseline, *candidate);
    for (const GatedLatency& latency : criteria.latencies) {
      pending.push_back(check_stored_latency(stored, report, pair, latency, criteria.max_slowdown));
    }
    add_decisions(pair, report.dataset, criteria, level, pending);
  }
  if (baseline_approach && pending.empty()) refuse("the baseline has no approach '" + *baseline_approach + "'");
  conclude(std::move(pending), stored_gate_level, what_may_be_judged, result);
  return result;
}

}  // namespace stagemark
