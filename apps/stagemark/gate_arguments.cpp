#include "gate_arguments.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>
#include <utility>

#include "option_names.hpp"
#include "quantity.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/console.hpp"
#include "stagemark/format/github.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/format/junit.hpp"
#include "stagemark/format/markdown.hpp"
#include "stagemark/judgement/machine_noise.hpp"

namespace stagemark {
namespace {

GatedDrop parse_max_drop(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) {
    throw UsageError("'" + text + "' does not say how far", "--max-drop", "give METRIC=X.Ypp, e.g. auroc=0.5pp");
  }
  return {.metric = parse_dropping_metric(text.substr(0, equals)),
          .most = parse_points("--max-drop", text.substr(equals + 1))};
}

double parse_capacity_drop(const std::string& text) {
  const double drop = parse_percent("--max-capacity-drop", text);
  if (drop < 1) return drop;
  throw UsageError("'" + text + "' lets a capacity fall by everything", "--max-capacity-drop", "e.g. 5%, or off");
}

bool was_given(const CLI::Option* option) { return option != nullptr && option->count() > 0; }

/// Turning off what a report has not is no mistake.
bool was_asked_for(const CLI::Option* option) {
  return was_given(option) && std::ranges::any_of(option->results(), [](const auto& text) { return text != "off"; });
}

void expect_something_to_judge(const GateCriteria& criteria, const std::string& off) {
  if (criteria.latencies.empty() && !criteria.max_capacity_drop && !criteria.min_capacity && !criteria.service_level &&
      !criteria.max_accuracy_drop && criteria.max_drops.empty() && !criteria.max_flips) {
    throw UsageError("there is nothing left to judge", off + " --max-accuracy-drop off",
                     "leave one of them on, or give --max-drop or --max-flips");
  }
}

bool searched_a_capacity(const LoadReport& load) {
  return std::ranges::any_of(load.results, [](const LoadResultReport& result) { return result.capacity.has_value(); });
}

ExitCode exit_code_of(GateOutcome outcome, const std::string& inconclusive) {
  switch (outcome) {
    case GateOutcome::pass:
      return ExitCode::success;
    case GateOutcome::fail:
      return ExitCode::regression;
    case GateOutcome::inconclusive:
      if (inconclusive == "pass") return ExitCode::success;
      return inconclusive == "fail" ? ExitCode::regression : ExitCode::inconclusive;
  }
  return ExitCode::inconclusive;
}

}  // namespace

void GateArguments::add_latencies(CLI::App& command) {
  only_of_runs_.push_back(command.add_option("--max-slowdown", max_slowdown_, "Most that latency may grow")
                              ->type_name("P%")
                              ->capture_default_str());
  only_of_runs_.push_back(command.add_option("--metric", metrics_, "Latency to judge, STAGE:STATISTIC; off: none")
                              ->type_name("STAGE:STATISTIC")
                              ->expected(1)
                              ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                              ->capture_default_str());
}

void GateArguments::add_capacities(CLI::App& command) {
  const std::string of_loads = judged_ == GatedReports::either ? "Of a load test: " : "";
  const auto sentence = [&](std::string text) {
    if (of_loads.empty()) text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return of_loads + text;
  };
  given_capacity_drop_ = command
                             .add_option("--max-capacity-drop", max_capacity_drop_,
                                         sentence("most that capacity may fall; off: not compared"))
                             ->type_name("P%|off")
                             ->capture_default_str();
  only_of_loads_.push_back(given_capacity_drop_);
  only_of_loads_.push_back(
      command.add_option("--min-capacity", min_capacity_, sentence("queries a second that every approach must reach"))
          ->type_name("R"));
  if (judged_ == GatedReports::loads) return;
  only_of_loads_.push_back(
      command
          .add_option("--service-level", service_level_,
                      sentence("what it was measured for; where rates were given, each of them must hold it"))
          ->type_name("pQQ=DURATION"));
}

void GateArguments::add_to(CLI::App& command, GatedReports judged, CLI::Option* needed) {
  judged_ = judged;
  const auto known = command.get_options();
  const std::set<CLI::Option*> before(known.begin(), known.end());
  const bool loads_alone = judged == GatedReports::loads;
  if (!loads_alone) command.add_option("--baseline", baseline_, "Stored report to judge against")->type_name("REPORT");
  command
      .add_option("--baseline-approach", baseline_approach_,
                  std::string("Approach to judge against (default: the first)") +
                      (loads_alone ? "" : "; with --baseline: the only one to judge"))
      ->type_name("NAME");
  if (!loads_alone) add_latencies(command);
  if (judged != GatedReports::runs) add_capacities(command);
  given_accuracy_drop_ =
      command.add_option("--max-accuracy-drop", max_accuracy_drop_, "Most that accuracy may fall; off: not judged")
          ->type_name("X.Ypp|off")
          ->capture_default_str();
  command
      .add_option("--estimand", estimand_,
                  "dataset: accuracy on these very images; population: on images like these, often inconclusive")
      ->check(CLI::IsMember({"dataset", "population"}))
      ->capture_default_str();
  command
      .add_option("--max-drop", max_drops_,
                  "Most that another metric may fall, e.g. auroc=0.5pp or sensitivity=1pp; on these very images")
      ->type_name("METRIC=X.Ypp")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--max-flips", max_flips_, "Decisions that may differ from the baseline's")->type_name("N|P%");
  if (!loads_alone) {
    command
        // Where there are images to measure, --calibration names those that say how INT8 rounds.
        .add_option(needed == nullptr ? "--calibration,--machine-calibration" : "--machine-calibration", calibration_,
                    "What 'stagemark calibrate' wrote on this machine: warns where a margin is below its noise")
        ->type_name("REPORT");
  }
  command.add_option("--inconclusive", inconclusive_, "How it counts: fail (1), pass (0) or report (5)")
      ->check(CLI::IsMember({"fail", "pass", "report"}))
      ->capture_default_str();
  command.add_option("--junit", junit_, "Write JUnit's XML")->type_name("FILE");
  command.add_option("--markdown", markdown_, "Append a table, e.g. to $GITHUB_STEP_SUMMARY")->type_name("FILE");
  command.add_option("--annotations", annotations_, "Print annotations for a CI service")
      ->check(CLI::IsMember({"github"}));
  for (CLI::Option* option : command.get_options()) {
    if (needed != nullptr && !before.contains(option)) option->needs(needed)->group(help_group);
  }
}

GateCriteria GateArguments::criteria() const {
  GateCriteria criteria;
  criteria.max_slowdown = parse_percent("--max-slowdown", max_slowdown_);
  criteria.latencies.clear();
  if (judged_ != GatedReports::loads) {
    for (const std::string& metric : metrics_) {
      if (metric != "off") criteria.latencies.push_back(parse_gated_latency(metric));
    }
  }
  criteria.max_capacity_drop.reset();
  if (judged_ != GatedReports::runs && max_capacity_drop_ != "off") {
    criteria.max_capacity_drop = parse_capacity_drop(max_capacity_drop_);
  }
  if (min_capacity_) criteria.min_capacity = parse_rate("--min-capacity", *min_capacity_);
  if (service_level_) criteria.service_level = parse_service_level("--service-level", *service_level_);
  criteria.max_accuracy_drop.reset();
  if (max_accuracy_drop_ != "off") {
    criteria.max_accuracy_drop = parse_points("--max-accuracy-drop", max_accuracy_drop_);
  }
  criteria.estimand = parse_enum<Estimand>(estimand_).value_or(Estimand::dataset);
  for (const std::string& drop : max_drops_) criteria.max_drops.push_back(parse_max_drop(drop));
  if (max_flips_) criteria.max_flips = parse_count_or_share("--max-flips", *max_flips_);
  expect_something_to_judge(criteria, judged_ == GatedReports::loads ? "--max-capacity-drop off" : "--metric off");
  return criteria;
}

/// What nobody asked for and the report does not have is left out.
GateCriteria GateArguments::applicable(GateCriteria criteria, const Report& report) const {
  for (const CLI::Option* option : report.load ? only_of_runs_ : only_of_loads_) {
    if (!was_asked_for(option)) continue;
    if (report.load) {
      throw InputError("a load test times no single calls", option->get_name(),
                       "judge it by --max-capacity-drop, --min-capacity or --service-level");
    }
    throw InputError("the report is of single calls and not of a load test", option->get_name(),
                     "measure it with 'stagemark load', or judge --metric");
  }
  if (report.load) {
    criteria.latencies.clear();
    const bool asks_of_each = criteria.min_capacity || criteria.service_level;
    const bool alone = report.results.size() == 1;
    if (asks_of_each && (alone || !searched_a_capacity(*report.load)) && !was_given(given_capacity_drop_)) {
      criteria.max_capacity_drop.reset();
    }
    if (asks_of_each && alone && !was_given(given_accuracy_drop_)) criteria.max_accuracy_drop.reset();
  } else {
    criteria.max_capacity_drop.reset();
  }
  expect_something_to_judge(criteria, report.load ? "--max-capacity-drop off" : "--metric off");
  return criteria;
}

void GateArguments::read_stored() {
  if (baseline_) {
    stored_baseline_.emplace(read_report(*baseline_));
    if (stored_baseline_->load) {
      throw InputError("the report is of a load test, which says nothing of what is measured at another time",
                       "--baseline", "measure both approaches in one load test, and judge that alone");
    }
  }
  if (!calibration_) return;
  stored_calibration_.emplace(read_report(*calibration_));
  if (!stored_calibration_->noise) {
    throw InputError("the report holds no calibration", "--calibration", "name one that 'stagemark calibrate' wrote");
  }
}

ExitCode GateArguments::judge(const Report& report, const GateCriteria& asked_for) const {
  const GateCriteria criteria = applicable(asked_for, report);
  GateResult result = stored_baseline_ ? gate_against_stored(*stored_baseline_, report, criteria, baseline_approach_)
                                       : gate(report, criteria, baseline_approach_);
  if (stored_calibration_) {
    const auto warnings = noise_warnings(*stored_calibration_, report, criteria);
    result.warnings.insert(result.warnings.end(), warnings.begin(), warnings.end());
  }
  if (report.load && report.results.size() == 1) {
    result.warnings.push_back("'" + result.baseline + "' was measured alone: nothing was compared with a baseline");
  }
  result = with_option_names(std::move(result));
  print_gate(std::cout, result);
  if (annotations_) write_github_annotations(std::cout, result);
  if (junit_) {
    write_file_atomically(*junit_, [&](std::ostream& out) { write_junit(out, result, inconclusive_ == "fail"); });
  }
  if (markdown_) {
    // Appended: the summary of a CI step is one file for all that the step does.
    std::ofstream out(*markdown_, std::ios::app);
    write_markdown(out, result);
    out.flush();
    if (!out) throw OutputError("cannot be written", *markdown_, "choose another with --markdown");
  }
  return exit_code_of(result.outcome, inconclusive_);
}

}  // namespace stagemark
