#include "command_line.hpp"

#include <exception>
#include <iostream>
#include <map>
#include <utility>

#include "help_text.hpp"
#include "option_names.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/report/tool.hpp"

namespace stagemark {
namespace {

constexpr const char* footer = R"(Examples:
  stagemark sample sample                          a synthetic data set and a model
  stagemark run sample --model sample/model.ckpt   the FP32 baseline of a model, stage by stage
  stagemark run images/ -m net.ckpt -a libtorch-fp32 -a libtorch-bf16
  stagemark approaches                             what can run here, what to install for the rest

Times are in milliseconds unless a unit stands behind them. Durations are given as 90s, 5m or 1h,
sizes as 64MB or 1GB, shares as 5%, differences of accuracy in percentage points as 0.5pp.

Exit codes: 0 success or pass, 1 regression, 2 usage error, 3 engine, device or model not to be had,
4 bad data or output not writable, 5 inconclusive, 70 internal error, 130 interrupted (the report
holds what was measured).)";

int say(ExitCode code, const std::string& sentence) {
  std::cerr << "stagemark: " << with_option_names(sentence) << '\n';
  return static_cast<int>(code);
}

/// CLI11 writes several lines for some errors; the user gets one.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

}  // namespace

int run_command_line(int argc, char** argv) try {
  CLI::App app{"Benchmarks image classifiers stage by stage, with accuracy measured in the very same inferences.",
               "stagemark"};
  app.formatter(make_help_formatter());
  const ToolInfo tool = this_tool();
  app.set_version_flag("--version", "stagemark " + tool.version + (tool.git ? " (" + *tool.git + ")" : ""));
  app.require_subcommand(1);

  const std::vector<std::string> arguments(argv, argv + argc);
  std::map<std::string, Command> commands;
  commands["run"] = add_run_command(app, arguments);
  commands["load"] = add_load_command(app, arguments);
  commands["compare"] = add_compare_command(app);
  commands["check"] = add_check_command(app);
  commands["calibrate"] = add_calibrate_command(app, arguments);
  commands["report"] = add_report_command(app);
  commands["sample"] = add_sample_command(app);
  commands["model"] = add_model_command(app);
  commands["export"] = add_export_command(app);
  commands["predict"] = add_predict_command(app);
  commands["preprocess"] = add_preprocess_command(app);
  commands["approaches"] = add_approaches_command(app);
  commands["doctor"] = add_doctor_command(app);
  commands["schema"] = add_schema_command(app);
  commands["worker"] = add_worker_command(app);
  commands["man"] = add_man_command(app);
  app.footer(footer);  // last: a command without one would take it

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::string command = "stagemark";
    for (const CLI::App* chosen : app.get_subcommands()) command += " " + chosen->get_name();
    return say(ExitCode::usage, one_line(error.what()) + "; see '" + command + " --help'");
  }
  const ExitCode code = commands.at(app.get_subcommands().front()->get_name())();
  std::cout.flush();
  if (!std::cout) throw OutputError("cannot be written", "standard output", "the disk is full, or its reader is gone");
  return static_cast<int>(code);
} catch (const UsageError& error) {
  return say(ExitCode::usage, error.what());
} catch (const BackendError& error) {
  return say(ExitCode::unavailable, error.what());
} catch (const ModelError& error) {
  return say(ExitCode::unavailable, error.what());
} catch (const Error& error) {
  return say(ExitCode::bad_data, error.what());
} catch (const std::exception& error) {
  return say(ExitCode::internal, std::string("internal error: ") + error.what() + "; please report it");
}

}  // namespace stagemark
