#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "command_line.hpp"
#include "gate_arguments.hpp"
#include "measurement.hpp"
#include "quantity.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/judgement/continuation.hpp"

namespace stagemark {
namespace {

struct RunArguments {
  MeasurementArguments measurement;
  GateArguments gate;
  bool check = false;
  bool retry = false;
  std::optional<std::string> target_ci;
  std::string max_duration = "1h";
};

ExitCode run(RunArguments& arguments) {
  // All that can be refused is refused before an hour of measuring.
  GateCriteria criteria = arguments.gate.criteria();
  if (arguments.check && !arguments.gate.stored() && arguments.measurement.approaches.size() < 2) {
    throw UsageError("there is nothing to judge against", "--check",
                     "give two approaches with --approach, or a stored report with --baseline");
  }
  RunRequest request = arguments.measurement.request();
  const CountOrShare most_skipped = arguments.measurement.most_skipped();
  request.needs_labels = arguments.check && (criteria.max_accuracy_drop || !criteria.max_drops.empty());
  arguments.gate.read_stored();
  if (arguments.retry) {
    if (arguments.gate.stored()) {
      throw UsageError("a stored baseline cannot be measured again", "--retry", "leave out --retry or --baseline");
    }
    criteria.level = retry_gate_level;
    request.go_on = retry_if_inconclusive(criteria, arguments.gate.baseline_approach());
  }
  if (arguments.target_ci) {
    if (arguments.measurement.approaches.size() < 2) {
      throw UsageError("there is no speed-up to know that well", "--target-ci", "give two approaches with --approach");
    }
    const double half_width = parse_percent("--target-ci", *arguments.target_ci);
    const auto most = parse_duration("--max-duration", arguments.max_duration);
    request.go_on = until_precise(half_width, std::chrono::steady_clock::now() + most);
  }
  const Report report = measure_and_print(
      request, arguments.measurement.progress,
      [](const RunRequest& wanted, SessionObserver& observer) { return run_benchmark(wanted, observer); });
  if (report.interrupted) return ExitCode::interrupted;
  expect_complete(report, most_skipped);
  return arguments.check ? arguments.gate.judge(report, criteria) : ExitCode::success;
}

}  // namespace

Command add_run_command(CLI::App& app, const std::vector<std::string>& argv) {
  auto arguments = std::make_shared<RunArguments>();
  arguments->measurement.argv = argv;
  CLI::App* command = app.add_subcommand(
      "run", "Benchmarks one or more approaches over a directory of images; prints the table, writes the report");
  command->footer(R"(Examples:
  stagemark run images/ --model net.ckpt
  stagemark run images/ -m net.ckpt -a libtorch-fp32 -a libtorch-fp16@cuda -o results/fp16
  stagemark run images/ -a old=libtorch-fp32 -a new=libtorch-fp32 -m old=v1.ckpt -m new=v2.ckpt
  stagemark run images/ -m net.ckpt -a libtorch-fp32 -a opencv-fp32 -a opencv-int8 --calibration 64
  stagemark run images/ -m net.ckpt -a old=libtorch-fp32 -a new=libtorch-fp32 \
    --worker old=/opt/old/bin/stagemark --check    an old build against this one, as a gate
  stagemark run images/ -a null-fp32       what the tool itself costs per image)");
  arguments->measurement.add_to(*command);
  CLI::Option* target =
      command
          ->add_option("--target-ci", arguments->target_ci,
                       "Go on, ten rounds at a time, until every speed-up is known this well, either way")
          ->type_name("P%");
  command
      ->add_option("--max-duration", arguments->max_duration,
                   "No further rounds after this time; those planned are always measured")
      ->capture_default_str()
      ->type_name("DURATION")
      ->needs(target);
  CLI::Option* check = command->add_flag("--check", arguments->check, "Judge the result as 'stagemark check' does")
                           ->group(GateArguments::help_group);
  command
      ->add_flag("--retry", arguments->retry,
                 "Measure as much again, once, if the gate cannot tell; both looks are stricter")
      ->needs(check)
      ->excludes(target)
      ->group(GateArguments::help_group);
  arguments->gate.add_to(*command, GatedReports::runs, check);
  return [arguments] { return run(*arguments); };
}

}  // namespace stagemark
