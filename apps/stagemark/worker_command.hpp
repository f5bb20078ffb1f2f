#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "model_preparation.hpp"
#include "preprocessing_arguments.hpp"
#include "stagemark/backend/approach.hpp"

namespace stagemark {

/// What a worker of the tool is told on its command line: all that it needs to open its approach.
struct WorkerArguments {
  std::string approach;  ///< specification, fully resolved
  PreparedModel model;
  std::size_t threads = 1;
  std::size_t batch = 1;
  PreprocessingArguments preprocessing;

  /// The command line that gives these.
  [[nodiscard]] std::vector<std::string> command_line() const;
};

/// The program that is running, for workers that are to be the same.
std::filesystem::path this_executable();

}  // namespace stagemark
