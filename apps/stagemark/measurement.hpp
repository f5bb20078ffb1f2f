#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model_preparation.hpp"
#include "preprocessing_arguments.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace stagemark {

/// How approaches are measured: the options that `run` and `calibrate` share, as they were given.
struct MeasurementArguments {
  std::vector<std::string> argv;
  std::string images;
  std::vector<std::string> models;
  std::vector<std::string> approaches;
  std::string device = "auto";
  std::string isolation = "process";
  std::optional<std::size_t> processes;
  std::vector<std::string> workers;
  std::string hang_limit = "300s";
  std::size_t threads = 0;  // 0 until set from the machine
  std::optional<std::size_t> samples;
  bool balanced = false;
  std::optional<std::string> positive;
  std::string max_skipped = "10%";
  std::string round_memory = "256MB";
  CalibrationArguments calibration;
  std::string output;
  std::string progress = "auto";
  bool force = false;
  bool needs_labels = false;  ///< no option: what follows the measuring does
  PreprocessingArguments preprocessing;
  RunOptions options;

  void add_to(CLI::App& command);
};

/// Measures, prints the table, writes the report. What failed is in the report: `expect_complete` says so.
/// \param amend is given the report before it is printed and written
Report measure(MeasurementArguments& arguments, const Continuation& go_on = {},
               const std::function<void(Report&)>& amend = {});

/// \throws BackendError if an approach failed; InputError if more files were skipped than the arguments allow
void expect_complete(const Report& report, const MeasurementArguments& arguments);

}  // namespace stagemark
