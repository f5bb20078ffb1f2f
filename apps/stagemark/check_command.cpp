#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "gate_output.hpp"
#include "quantity.hpp"
#include "report_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/report/atomic_file.hpp"
#include "stagemark/report/gate.hpp"

namespace stagemark {
namespace {

struct CheckArguments {
  std::string report;
  std::optional<std::string> baseline;
  std::optional<std::string> baseline_approach;
  std::string max_slowdown = "5%";
  std::vector<std::string> metrics = {"total:median"};
  std::string max_accuracy_drop = "0.5pp";
  std::string estimand = "dataset";
  std::optional<std::string> max_flips;
  std::string inconclusive = "report";
  std::optional<std::string> junit, markdown, annotations;
};

GateCriteria criteria_of(const CheckArguments& arguments) {
  GateCriteria criteria;
  criteria.max_slowdown = parse_percent("--max-slowdown", arguments.max_slowdown);
  criteria.latencies.clear();
  for (const std::string& metric : arguments.metrics) {
    if (metric != "off") criteria.latencies.push_back(parse_gated_latency(metric));
  }
  criteria.max_accuracy_drop.reset();
  if (arguments.max_accuracy_drop != "off") {
    criteria.max_accuracy_drop = parse_points("--max-accuracy-drop", arguments.max_accuracy_drop);
  }
  criteria.estimand = arguments.estimand == "population" ? Estimand::population : Estimand::dataset;
  if (arguments.max_flips) criteria.max_flips = parse_count_or_share("--max-flips", *arguments.max_flips).value;
  return criteria;
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

ExitCode check(const CheckArguments& arguments) {
  const GateCriteria criteria = criteria_of(arguments);
  const Report report = read_report(arguments.report);
  const GateResult result = arguments.baseline ? gate_against_stored(read_report(*arguments.baseline), report, criteria,
                                                                     arguments.baseline_approach)
                                               : gate(report, criteria, arguments.baseline_approach);
  print_gate(std::cout, result);
  if (arguments.annotations) write_github_annotations(std::cout, result);
  if (arguments.junit) {
    write_file_atomically(*arguments.junit,
                          [&](std::ostream& out) { write_junit(out, result, arguments.inconclusive == "fail"); });
  }
  if (arguments.markdown) {
    // Appended: the summary of a CI step is one file for all that the step does.
    std::ofstream out(*arguments.markdown, std::ios::app);
    write_markdown(out, result);
    out.flush();
    if (!out) throw OutputError("cannot be written", *arguments.markdown, "choose another with --markdown");
  }
  return exit_code_of(result.outcome, arguments.inconclusive);
}

}  // namespace

Command add_check_command(CLI::App& app) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = app.add_subcommand("check", "The gate for CI: passes, fails or says that it cannot tell");
  command->footer(R"help(Judges every approach of the report against its first, which took turns with it; or, with
--baseline, against the approach of the same name in a stored report.

Exit codes: 0 pass, 1 fail, 5 inconclusive, 4 nothing that could be judged (never a pass), 2 usage error.

Examples:
  stagemark check results/latest
  stagemark check results/latest --max-slowdown 3% --metric total:median --metric total:p95
  stagemark check results/latest --baseline baseline/report.json --junit gate.xml --markdown "$GITHUB_STEP_SUMMARY")help");
  command->add_option("report", arguments->report, "Report, or the directory that holds it")->required();
  command->add_option("--baseline", arguments->baseline, "Stored report to judge against")->type_name("REPORT");
  command
      ->add_option("--baseline-approach", arguments->baseline_approach,
                   "Approach to judge against (default: the first); with --baseline: the only one to judge")
      ->type_name("NAME");
  command->add_option("--max-slowdown", arguments->max_slowdown, "Most that latency may grow")
      ->type_name("P%")
      ->capture_default_str();
  command->add_option("--metric", arguments->metrics, "Latency to judge, STAGE:STATISTIC; off: none")
      ->type_name("STAGE:STATISTIC")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->capture_default_str();
  command
      ->add_option("--max-accuracy-drop", arguments->max_accuracy_drop, "Most that accuracy may fall; off: not judged")
      ->type_name("X.Ypp|off")
      ->capture_default_str();
  command
      ->add_option("--estimand", arguments->estimand,
                   "dataset: accuracy on these very images; population: on images like these, often inconclusive")
      ->check(CLI::IsMember({"dataset", "population"}))
      ->capture_default_str();
  command->add_option("--max-flips", arguments->max_flips, "Decisions that may differ from the baseline's")
      ->type_name("N|P%");
  command->add_option("--inconclusive", arguments->inconclusive, "How it counts: fail (1), pass (0) or report (5)")
      ->check(CLI::IsMember({"fail", "pass", "report"}))
      ->capture_default_str();
  command->add_option("--junit", arguments->junit, "Write JUnit's XML")->type_name("FILE");
  command->add_option("--markdown", arguments->markdown, "Append a table, e.g. to $GITHUB_STEP_SUMMARY")
      ->type_name("FILE");
  command->add_option("--annotations", arguments->annotations, "Print annotations for a CI service")
      ->check(CLI::IsMember({"github"}));
  return [arguments] { return check(*arguments); };
}

}  // namespace stagemark
