#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "stagemark/model/activation_ranges.hpp"

namespace stagemark {

/// `--calibration` as it is given: a directory or manifest of images of its own, or how many of the data set's; and
/// `--calibration-method`.
struct QuantisationArguments {
  std::string text;
  std::string method_name = "min-max";

  void add_to(CLI::App& command, const std::string& description);
  [[nodiscard]] bool given() const noexcept { return !text.empty(); }
  [[nodiscard]] RangeMethod method() const;
  /// Absent: not given. \throws UsageError if a number is none
  [[nodiscard]] std::optional<std::variant<std::filesystem::path, std::size_t>> images() const;
  /// For commands without a data set to draw from. \throws UsageError if it is a number
  [[nodiscard]] std::filesystem::path directory() const;
};

}  // namespace stagemark
