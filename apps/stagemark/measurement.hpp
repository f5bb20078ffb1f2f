#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "preprocessing_arguments.hpp"
#include "quantisation_arguments.hpp"
#include "stagemark/session/run_benchmark.hpp"

namespace stagemark {

/// What is measured and how: the options that `run`, `calibrate` and, in part, `load` share, as they were given.
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
  std::optional<std::size_t> threads;
  std::optional<std::size_t> samples;
  bool balanced = false;
  std::optional<std::string> positive;
  std::vector<std::string> classes;
  std::string max_skipped = "10%";
  std::string round_memory = "256MB";
  QuantisationArguments quantisation;
  std::string output;
  std::string progress = "auto";
  bool force = false;
  PreprocessingArguments preprocessing;
  RunOptions options;

  void add_to(CLI::App& command);
  /// Without those that say how single calls are measured.
  void add_subject_to(CLI::App& command);

  /// \throws UsageError naming the option
  [[nodiscard]] RunRequest request() const;
  [[nodiscard]] CountOrShare most_skipped() const;
};

/// Measures with progress on stderr and Ctrl-C caught, prints the table and where the report is.
/// \param measure `run_benchmark` or `measure_machine_noise`
Report measure_and_print(const RunRequest& request, const std::string& progress,
                         Report (*measure)(const RunRequest&, SessionObserver&));

}  // namespace stagemark
