#include <algorithm>
#include <memory>
#include <string>

#include "command_line.hpp"
#include "measurement.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/judgement/machine_noise.hpp"

namespace stagemark {
namespace {

ExitCode calibrate_machine(MeasurementArguments& arguments) {
  if (arguments.approaches.size() > 1) {
    throw UsageError("a calibration measures one approach against itself", "--approach", "give one");
  }
  if (arguments.approaches.empty()) arguments.approaches = {"libtorch-fp32"};
  arguments.approaches.push_back(arguments.approaches.front());
  // Half of what differs between processes is only seen with many of them.
  constexpr std::size_t generations = 10;
  if (!arguments.processes && arguments.isolation == "process") arguments.processes = generations;
  const Report report = measure(arguments, {}, [](Report& amended) {
    const bool complete = !amended.interrupted && std::ranges::none_of(amended.results, [](const auto& result) {
      return result.error.has_value();
    });
    if (complete) amended.calibration = calibrate(amended);
  });
  if (report.interrupted) return ExitCode::interrupted;
  expect_complete(report, arguments);
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
