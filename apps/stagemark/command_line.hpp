#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "exit_code.hpp"

namespace stagemark {

/// A command of the tool: how its options are parsed, and what it does with them.
using Command = std::function<ExitCode()>;

// Each adds its sub-command to the application and returns what to do if it is the one that was asked for.
Command add_run_command(CLI::App& app, const std::vector<std::string>& argv);
Command add_load_command(CLI::App& app, const std::vector<std::string>& argv);
Command add_compare_command(CLI::App& app);
Command add_check_command(CLI::App& app);
Command add_calibrate_command(CLI::App& app, const std::vector<std::string>& argv);
Command add_report_command(CLI::App& app);
Command add_sample_command(CLI::App& app);
Command add_model_command(CLI::App& app);
Command add_export_command(CLI::App& app);
Command add_predict_command(CLI::App& app);
Command add_preprocess_command(CLI::App& app);
Command add_approaches_command(CLI::App& app);
Command add_doctor_command(CLI::App& app);
Command add_schema_command(CLI::App& app);
Command add_worker_command(CLI::App& app);
Command add_man_command(CLI::App& app);

/// Parses, runs, and turns every error into one sentence on stderr and an exit code.
int run_command_line(int argc, char** argv);

}  // namespace stagemark
