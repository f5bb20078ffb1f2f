#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "preprocessing_arguments.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/onnx_export.hpp"

namespace stagemark {

/// What an engine opens, and what it was made of.
struct PreparedModel {
  std::optional<std::filesystem::path> model;
  std::optional<ModelFacts> exported_from;
  std::optional<std::filesystem::path> activation_ranges;

  /// Puts it into a request.
  void fill(BackendRequest& request) const;
};

/// `--calibration` as it is given: a directory or manifest of images of its own, or how many of the data set's; and
/// `--calibration-method`.
struct CalibrationArguments {
  std::string text;
  std::string method_name = "min-max";

  void add_to(CLI::App& command, const std::string& description);
  [[nodiscard]] bool given() const noexcept { return !text.empty(); }
  [[nodiscard]] CalibrationMethod method() const;
  /// Absent: it names a directory. \throws UsageError if the number is none
  [[nodiscard]] std::optional<std::size_t> count() const;
  /// For commands without a data set to draw from. \throws UsageError if it is a number
  void expect_directory() const;
  /// The images of the directory. \throws InputError
  [[nodiscard]] std::vector<std::filesystem::path> images() const;
};

/// Turns the files that users give into those that engines open. What is made lies in the cache, named after what it
/// was made of, so that the next run finds it.
class ModelPreparation {
 public:
  ModelPreparation(PreprocessingArguments preprocessing, std::size_t threads)
      : preprocessing_(std::move(preprocessing)), threads_(threads) {}

  /// Whether the engine needs calibration images to run the file in that precision.
  /// \throws ModelError if the file cannot be read
  static bool needs_calibration(const Backend& backend, Precision precision, const std::filesystem::path& model);

  void calibrate_with(std::vector<std::filesystem::path> images, CalibrationMethod method) {
    calibration_ = std::move(images);
    method_ = method;
  }

  /// \throws ModelError, BackendError, OutputError; UsageError if it needs calibration images and has none
  PreparedModel prepare(const Backend& backend, Precision precision,
                        const std::optional<std::filesystem::path>& model) const;

  /// What the tensors of a checkpoint's network take on the calibration images: a file in the cache.
  /// \throws as `prepare`
  [[nodiscard]] std::filesystem::path observe_ranges(const std::filesystem::path& checkpoint) const;

 private:
  [[nodiscard]] PreparedModel describe(const std::filesystem::path& model) const;
  [[nodiscard]] PreparedModel export_checkpoint(const Backend& backend, Precision precision,
                                                const std::filesystem::path& model,
                                                const std::optional<std::filesystem::path>& ranges) const;

  PreprocessingArguments preprocessing_;
  std::size_t threads_;
  std::vector<std::filesystem::path> calibration_;
  CalibrationMethod method_ = CalibrationMethod::min_max;
};

}  // namespace stagemark
