#include "stagemark/judgement/gate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "paired_inferences.hpp"
#include "report/shell_word.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/metrics.hpp"
#include "stagemark/core/paired_proportions.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/core/stored_baseline.hpp"
#include "stagemark/core/tail_comparison.hpp"

namespace stagemark {
namespace {

using Statistic = GatedLatency::Statistic;

constexpr std::array<std::pair<std::string_view, Statistic>, 5> statistics = {{{"median", Statistic::median},
                                                                               {"mean", Statistic::mean},
                                                                               {"p90", Statistic::p90},
                                                                               {"p95", Statistic::p95},
                                                                               {"p99", Statistic::p99}}};

using ClassMetric = Metric ClassificationMetrics::*;

constexpr std::array<std::pair<std::string_view, ClassMetric>, 10> class_metrics = {
    {{"accuracy", &ClassificationMetrics::accuracy},
     {"precision", &ClassificationMetrics::precision},
     {"recall", &ClassificationMetrics::recall},
     {"sensitivity", &ClassificationMetrics::sensitivity},
     {"specificity", &ClassificationMetrics::specificity},
     {"f1", &ClassificationMetrics::f1},
     {"auroc", &ClassificationMetrics::auroc},
     {"balanced_accuracy", &ClassificationMetrics::balanced_accuracy},
     {"mcc", &ClassificationMetrics::mcc},
     {"average_precision", &ClassificationMetrics::average_precision}}};

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

std::string text(const char* format, double a, double b = 0, double c = 0) {
  std::array<char, 160> buffer{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg,clang-diagnostic-format-nonliteral): formats of this file
  std::snprintf(buffer.data(), buffer.size(), format, a, b, c);
  return buffer.data();
}

std::string percent(double ratio) { return text("%+.2f %%", 100 * ratio); }

[[noreturn]] void refuse(const std::string& problem, const std::string& remedy = {}) {
  throw InputError(problem, "the gate", remedy);
}

void expect_usable(const ApproachReport& result) {
  if (result.error) refuse("approach '" + result.approach + "' failed: " + *result.error, "mend it, then run again");
  if (result.inferences == 0) refuse("approach '" + result.approach + "' has no result");
}

void expect_stage(const ApproachReport& result, Stage stage) {
  if (result.stages.contains(stage)) return;
  refuse("approach '" + result.approach + "' has no time of stage '" + std::string(to_string(stage)) + "'",
         "gate another --metric");
}

/// One check of a family, before the family is adjusted.
struct Pending {
  GateCheck check;
  std::optional<MarginTest> test;  ///< absent: the outcome is decided already
};

GateResult conclude(std::vector<Pending> pending, double level, GateResult result) {
  std::vector<MarginTest> family;
  for (const Pending& one : pending) {
    if (one.test) family.push_back(*one.test);
  }
  const std::vector<GateOutcome> outcomes = gate_outcomes(family, level);
  std::size_t next = 0;
  std::vector<GateOutcome> all;
  for (Pending& one : pending) {
    if (one.test) one.check.outcome = outcomes[next++];
    all.push_back(one.check.outcome);
    result.checks.push_back(std::move(one.check));
  }
  if (all.empty()) refuse("there is nothing to check", "leave some --metric or --max-accuracy-drop on");
  result.outcome = overall_outcome(all);
  return result;
}

std::string against_margin(double slowdown, const std::optional<Interval>& interval, double margin) {
  std::string sentence = slowdown >= 0 ? percent(slowdown) + " slower" : percent(slowdown) + " (faster)";
  if (interval) sentence += " [" + percent(interval->low) + ", " + percent(interval->high) + "]";
  return sentence + ", allowed " + percent(margin);
}

/// Not inconclusive, which somebody may have asked to let pass: what is missing was not measured.
[[noreturn]] void refuse_untimed(const Pair& pair, Stage stage) {
  refuse("'" + pair.baseline.approach + "' and '" + pair.candidate.approach + "' have no time of stage '" +
             std::string(to_string(stage)) + "' to compare",
         "measure again, or gate another --metric");
}

bool above_zero(std::span<const RoundTimes> rounds) {
  const auto all_above_zero = [](std::span<const double> times) {
    return std::ranges::all_of(times, [](double time) { return time > 0; });
  };
  return std::ranges::all_of(rounds, [&](const RoundTimes& round) {
    return all_above_zero(round.baseline) && all_above_zero(round.candidate);
  });
}

/// Slowdown is the reverse of speed-up, and its interval is turned round.
Interval slowdown_interval(const Interval& speedup) { return {1 / speedup.high - 1, 1 / speedup.low - 1}; }

Pending check_latency(const Pair& pair, const GatedLatency& latency, const GateCriteria& criteria, std::uint64_t seed) {
  Pending pending;
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

/// \param level at which the population is judged, if all else is undecided
Pending check_accuracy(const Pair& pair, double margin, Estimand estimand, double level) {
  Pending pending;
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
           "gate latency alone with --max-accuracy-drop off");
  }
  const auto count = static_cast<double>(outcomes->count());
  const double delta = (static_cast<double>(outcomes->helpful) - static_cast<double>(outcomes->harmful)) / count;
  std::string& finding = pending.check.finding;
  finding = text("%+.2f points on %.0f images", 100 * delta, count) + " (" + std::to_string(outcomes->harmful) +
            " harmful flips, " + std::to_string(outcomes->helpful) + " helpful), allowed " +
            text("%.2f points", 100 * margin) + " = " + std::to_string(images_within(margin, outcomes->count())) +
            " images";
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
    finding += text(" [%+.2f, %+.2f]", 100 * interval->low, 100 * interval->high);
  }
  if (const auto needed = images_needed(*outcomes, margin, level)) {
    finding += "; deciding takes about " + std::to_string(*needed) + " images";
  }
  return pending;
}

Pending check_flips(const Pair& pair, const std::variant<std::size_t, double>& allowed) {
  Pending pending;
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
                          " decisions differ from the baseline's, allowed " + text("%.0f", std::floor(limit));
  return pending;
}

/// Of metrics of two classes, on the images that both classified.
void add_drops(const Pair& pair, const DatasetReport& dataset, std::span<const GatedDrop> drops,
               std::vector<Pending>& pending) {
  if (drops.empty()) return;
  if (dataset.classes.size() != 2) refuse("--max-drop needs images of two classes", "gate accuracy alone");
  const PairedScores scores = paired_scores(pair, first_inferences(pair), dataset);
  const ClassificationMetrics before = classification_metrics(scores.baseline);
  const ClassificationMetrics after = classification_metrics(scores.candidate);
  for (const GatedDrop& drop : drops) {
    const auto* const member =
        std::ranges::find(class_metrics, drop.metric, &std::pair<std::string_view, ClassMetric>::first);
    const Metric& first = before.*(member->second);
    const Metric& second = after.*(member->second);
    for (const Metric* metric : {&first, &second}) {
      if (!metric->value) refuse("'" + drop.metric + "' has no value: " + metric->reason, "gate another metric");
    }
    const double fall = *first.value - *second.value;
    Pending one;
    one.check.candidate = pair.candidate.approach;
    one.check.metric = drop.metric;
    // What is exactly at the margin is within it, also where it has no exact binary fraction.
    constexpr double rounding = 1e-12;
    one.check.outcome = fall <= drop.most + rounding ? GateOutcome::pass : GateOutcome::fail;
    one.check.finding = text("%.2f %% after %.2f %%", 100 * *second.value, 100 * *first.value) +
                        text(", %+.2f points", -100 * fall) + ", allowed " + text("%.2f points", 100 * drop.most) +
                        ", on these very images";
    pending.push_back(std::move(one));
  }
}

/// No answer is worse than a wrong one, and those images count in no other check. Absent where there is none.
std::optional<Pending> check_failures(const Pair& pair) {
  std::set<std::string_view> of_baseline;
  for (const FileProblem& failure : pair.baseline.failures) of_baseline.insert(failure.path);
  std::size_t count = 0;
  const FileProblem* first = nullptr;
  for (const FileProblem& failure : pair.candidate.failures) {
    if (of_baseline.contains(failure.path)) continue;
    if (count++ == 0) first = &failure;
  }
  if (count == 0) return std::nullopt;
  Pending pending;
  pending.check.candidate = pair.candidate.approach;
  pending.check.metric = "failures";
  pending.check.outcome = GateOutcome::fail;
  pending.check.finding = "no answer on " + std::to_string(count) +
                          " images that the baseline classified, the first: " + first->path + " (" + first->reason +
                          ")";
  return pending;
}

/// The level that Holm leaves to the first of the statistical checks.
double level_of_one(double level, const GateCriteria& criteria, std::size_t candidates) {
  const std::size_t population = criteria.max_accuracy_drop && criteria.estimand == Estimand::population ? 1 : 0;
  const std::size_t family = candidates * (criteria.latencies.size() + population);
  return level / static_cast<double>(std::max<std::size_t>(family, 1));
}

void add_decisions(const Pair& pair, const DatasetReport& dataset, const GateCriteria& criteria, double level,
                   std::vector<Pending>& pending) {
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

/// The command of a run, with another number of processes.
std::string with_processes(const Report& report, std::size_t processes) {
  std::string command;
  const std::vector<std::string>& argv = report.config.argv;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (argv[i] == "--processes")
      ++i;
    else if (!argv[i].starts_with("--processes="))
      command += shell_word(argv[i]) + " ";
  }
  return command + "--processes " + std::to_string(processes);
}

/// What is not measured alike cannot be told apart from what changed.
std::string unlike(const RunConfig& stored, const RunConfig& config) {
  if (stored.batch != config.batch) {
    return "other batch: " + std::to_string(stored.batch) + " images a call in the baseline, " +
           std::to_string(config.batch) + " in the run";
  }
  if (stored.isolation != config.isolation) return "other isolation: one of them measured in workers, one did not";
  return {};
}

Pending check_stored_latency(const Report& stored, const Report& report, const Pair& pair, const GatedLatency& latency,
                             double margin) {
  Pending pending;
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
              std::to_string(fewest) + "; measure both with more --passes";
    return pending;
  }
  const auto compared = compare_with_stored(before, after, margin);
  if (!compared) {
    finding = "too few process runs: " + std::to_string(before.size()) + " stored (needs " +
              std::to_string(stored_runs_needed) + "), " + std::to_string(after.size()) + " new (needs " +
              std::to_string(new_runs_needed) + ");";
    if (before.size() < stored_runs_needed) finding += " repeat the baseline with '" + with_processes(stored, 10) + "'";
    if (after.size() < new_runs_needed) finding += " repeat the run with '" + with_processes(report, 5) + "'";
    return pending;
  }
  pending.test = compared->test;
  finding = against_margin(compared->slowdown, compared->interval, margin) + "; " + std::to_string(after.size()) +
            " process runs against " + std::to_string(before.size()) + " stored find an excess of " +
            percent(compared->smallest_detectable_excess) + " four times in five";
  return pending;
}

/// The subject of the comparison, which need not be the only one: what ran, and on what.
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

}  // namespace

std::string to_string(const GatedLatency& latency) {
  const auto* const found =
      std::ranges::find(statistics, latency.statistic, &std::pair<std::string_view, Statistic>::second);
  return std::string(to_string(latency.stage)) + ":" + std::string(found->first);
}

GatedLatency parse_gated_latency(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto stage = parse_stage(text.substr(0, colon));
  const std::string_view name = colon == std::string_view::npos ? "median" : text.substr(colon + 1);
  const auto* const found = std::ranges::find(statistics, name, &std::pair<std::string_view, Statistic>::first);
  if (stage && found != statistics.end()) return {*stage, found->second};
  std::string known;
  for (const Stage one : all_stages) known += std::string(known.empty() ? "" : ", ") + std::string(to_string(one));
  throw UsageError("'" + std::string(text) + "' is not a latency", "--metric",
                   "give STAGE:STATISTIC, a stage of " + known + "; a statistic of median, mean, p90, p95, p99");
}

GatedDrop gated_drop(std::string_view metric, double most) {
  const auto* const found = std::ranges::find(class_metrics, metric, &std::pair<std::string_view, ClassMetric>::first);
  if (found != class_metrics.end()) return {std::string(metric), most};
  std::string known;
  for (const auto& [name, member] : class_metrics) known += (known.empty() ? "" : ", ") + std::string(name);
  throw UsageError("'" + std::string(metric) + "' is not a metric that may drop", "--max-drop", "give one of " + known);
}

GateResult gate(const Report& report, const GateCriteria& criteria, const std::optional<std::string>& baseline_name) {
  if (report.results.empty()) refuse("the report holds no result", "run again");
  const ApproachReport& baseline = report.results[approach_index(report, baseline_name)];
  expect_usable(baseline);
  GateResult result;
  result.baseline = baseline.approach;
  if (report.interrupted)
    result.warnings.emplace_back("the run was interrupted: this is judged on what it had measured");
  const std::set<std::string_view> failed = failed_images(report);
  std::vector<Pending> pending;
  std::size_t candidates = 0;
  const double level = level_of_one(criteria.level, criteria, report.results.size() - 1);
  for (const ApproachReport& candidate : report.results) {
    if (&candidate == &baseline) continue;
    ++candidates;
    expect_usable(candidate);
    const Pair pair = pair_approaches(baseline, candidate, failed);
    for (const GatedLatency& latency : criteria.latencies) {
      pending.push_back(check_latency(pair, latency, criteria, report.config.seed));
    }
    add_decisions(pair, report.dataset, criteria, level, pending);
  }
  if (candidates == 0) {
    refuse("the report holds '" + baseline.approach + "' alone, and nothing to judge against it",
           "run it with a second approach, or give a stored report with --baseline");
  }
  const auto family =
      static_cast<std::size_t>(std::ranges::count_if(pending, [](const Pending& one) { return one.test.has_value(); }));
  const std::size_t needed = rounds_needed(criteria.level, std::max<std::size_t>(family, 1));
  if (report.config.round_count < needed) {
    result.warnings.push_back("the run had " + std::to_string(report.config.round_count) + " rounds, and " +
                              std::to_string(needed) + " are needed to decide " + std::to_string(family) +
                              " figures together: measure more images, or with --passes");
  }
  return conclude(std::move(pending), criteria.level, std::move(result));
}

GateResult gate_against_stored(const Report& stored, const Report& report, const GateCriteria& criteria,
                               const std::optional<std::string>& approach) {
  if (stored.results.empty()) refuse("the baseline holds no result", "store another");
  if (stored.dataset.sha256 != report.dataset.sha256 || stored.dataset.classes != report.dataset.classes) {
    refuse("the baseline was measured on other images (" + stored.dataset.path + ")", "measure both on the same");
  }
  GateResult result;
  result.baseline = "stored report of " + stored.timestamp;
  for (const Report* one : {&stored, &report}) {
    if (one->interrupted) result.warnings.emplace_back("one of the runs was interrupted");
  }
  for (const ApproachReport& candidate : report.results) {
    const bool stored_too =
        std::ranges::find(stored.results, candidate.approach, &ApproachReport::approach) != stored.results.end();
    if (!stored_too && !approach) {
      result.warnings.push_back("'" + candidate.approach + "' is not in the baseline and was not judged");
    }
  }
  result.changes = changes_since(stored, report);
  std::vector<Pending> pending;
  const double level = level_of_one(stored_gate_level, criteria, approach ? 1 : stored.results.size());
  for (const ApproachReport& baseline : stored.results) {
    if (approach && baseline.approach != *approach) continue;
    const auto candidate = std::ranges::find(report.results, baseline.approach, &ApproachReport::approach);
    if (candidate == report.results.end()) {
      refuse("the run has no approach '" + baseline.approach + "', which the baseline has",
             "measure it, or name the one to judge with --baseline-approach");
    }
    expect_usable(baseline);
    expect_usable(*candidate);
    const Pair pair = pair_by_image(baseline, *candidate);
    for (const GatedLatency& latency : criteria.latencies) {
      pending.push_back(check_stored_latency(stored, report, pair, latency, criteria.max_slowdown));
    }
    add_decisions(pair, report.dataset, criteria, level, pending);
  }
  if (approach && pending.empty()) refuse("the baseline has no approach '" + *approach + "'");
  return conclude(std::move(pending), stored_gate_level, std::move(result));
}

}  // namespace stagemark
