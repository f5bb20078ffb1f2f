#include <memory>
#include <string>

#include "command_line.hpp"
#include "measurement.hpp"

namespace stagemark {
namespace {

ExitCode calibrate_machine(const MeasurementArguments& arguments) {
  const CountOrShare most_skipped = arguments.most_skipped();
  const Report report = measure_and_print(
      arguments.request(), arguments.progress,
      [](const RunRequest& request, SessionObserver& observer) { return measure_machine_noise(request, observer); });
  if (report.interrupted) return ExitCode::interrupted;
  expect_complete(report, most_skipped);
  return ExitCode::success;
}

}  // namespace

Command add_calibrate_command(CLI::App& app, const std::vector<std::string>& argv) {
  auto arguments = std::make_shared<MeasurementArguments>();
  arguments->argv = argv;
  CLI::App* command = app.add_subcommand(
      "calibrate", "Measures one approach against itself: the smallest change that this machine can tell");
  command->footer(
      R"(Ten generations of processes by default. 'stagemark check --calibration' reads the report that this
writes.

Examples:
  stagemark calibrate images/ --model net.ckpt -o calibration
  stagemark check results/latest --max-slowdown 2% --calibration calibration)");
  arguments->add_to(*command);
  return [arguments] { return calibrate_machine(*arguments); };
}

}  // namespace stagemark
