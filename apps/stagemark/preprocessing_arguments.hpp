#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <optional>
#include <string>

#include "stagemark/backend/image.hpp"
#include "stagemark/backend/preprocessor.hpp"

namespace stagemark {

/// The options that say how files become input tensors: the same for every command that reads images.
struct PreprocessingArguments {
  std::string resize = "224x224";
  std::optional<std::size_t> keep_aspect;
  std::string mean = "0.485,0.456,0.406";
  std::string standard_deviation = "0.229,0.224,0.225";
  std::string sixteen_bit = "shift";

  void add_to(CLI::App& command);

  /// \throws UsageError naming the option
  [[nodiscard]] PreprocessingOptions preprocessing() const;
  [[nodiscard]] ImageSourceOptions image_source() const;
};

}  // namespace stagemark
