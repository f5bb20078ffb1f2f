#include "gate_arguments.hpp"

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

void GateArguments::add_to(CLI::App& command, CLI::Option* needed) {
  const auto known = command.get_options();
  const std::set<CLI::Option*> before(known.begin(), known.end());
  command.add_option("--baseline", baseline_, "Stored report to judge against")->type_name("REPORT");
  command
      .add_option("--baseline-approach", baseline_approach_,
                  "Approach to judge against (default: the first); with --baseline: the only one to judge")
      ->type_name("NAME");
  command.add_option("--max-slowdown", max_slowdown_, "Most that latency may grow")
      ->type_name("P%")
      ->capture_default_str();
  command.add_option("--metric", metrics_, "Latency to judge, STAGE:STATISTIC; off: none")
      ->type_name("STAGE:STATISTIC")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->capture_default_str();
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
  command
      // Where there are images to measure, --calibration names those that say how INT8 rounds.
      .add_option(needed == nullptr ? "--calibration,--machine-calibration" : "--machine-calibration", calibration_,
                  "What 'stagemark calibrate' wrote on this machine: warns where a margin is below its noise")
      ->type_name("REPORT");
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
  for (const std::string& metric : metrics_) {
    if (metric != "off") criteria.latencies.push_back(parse_gated_latency(metric));
  }
  criteria.max_accuracy_drop.reset();
  if (max_accuracy_drop_ != "off") {
    criteria.max_accuracy_drop = parse_points("--max-accuracy-drop", max_accuracy_drop_);
  }
  criteria.estimand = parse_enum<Estimand>(estimand_).value_or(Estimand::dataset);
  for (const std::string& drop : max_drops_) criteria.max_drops.push_back(parse_max_drop(drop));
  if (max_flips_) criteria.max_flips = parse_count_or_share("--max-flips", *max_flips_);
  if (criteria.latencies.empty() && !criteria.max_accuracy_drop && criteria.max_drops.empty() && !criteria.max_flips) {
    throw UsageError("there is nothing left to judge", "--metric off --max-accuracy-drop off",
                     "leave one of them on, or give --max-drop or --max-flips");
  }
  return criteria;
}

void GateArguments::read_stored() {
  if (baseline_) stored_baseline_.emplace(read_report(*baseline_));
  if (!calibration_) return;
  stored_calibration_.emplace(read_report(*calibration_));
  if (!stored_calibration_->noise) {
    throw InputError("the report holds no calibration", "--calibration", "name one that 'stagemark calibrate' wrote");
  }
}

ExitCode GateArguments::judge(const Report& report, const GateCriteria& criteria) const {
  GateResult result = stored_baseline_ ? gate_against_stored(*stored_baseline_, report, criteria, baseline_approach_)
                                       : gate(report, criteria, baseline_approach_);
  if (stored_calibration_) {
    const auto warnings = noise_warnings(*stored_calibration_, report, criteria);
    result.warnings.insert(result.warnings.end(), warnings.begin(), warnings.end());
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
