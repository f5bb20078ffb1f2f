#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/registry.hpp"

namespace stagemark {

/// How to start a process that calls `serve_as_worker`: a program and all of its arguments.
struct WorkerCommand {
  std::filesystem::path executable;    ///< absolute, or relative to the current directory
  std::vector<std::string> arguments;  ///< without the program's own name
};

/// What a worker measures with.
struct WorkerContent {
  Approach approach;
  std::unique_ptr<InferenceWrapper> wrapper;
  std::shared_ptr<const ImageSource> images;
};

/// Hosts one approach for the BenchmarkSuite that started this process: measures what it is told to, until it is told to
/// end or the suite is gone. Nothing else of the program may run meanwhile. What the process prints is kept by the suite,
/// which shows the end of it if the process fails.
/// \param open makes the approach ready; an Error that it throws is told to the suite as the reason why it cannot be had
/// \throws UsageError if the process was not started by a BenchmarkSuite
void serve_as_worker(const std::function<WorkerContent()>& open);

/// A worker that is the running program, started anew, for a program that begins with `run_worker_if_asked`.
WorkerCommand own_worker(const Approach& approach, const std::optional<std::filesystem::path>& model,
                         std::size_t threads, std::size_t max_batch = 1);

/// Where this process was started by an `own_worker` command, hosts the approach and ends the process. Otherwise does
/// nothing. To be called first in `main`, with what the program would open the approach with in process.
void run_worker_if_asked(int argc, char** argv, const BackendRegistry& registry,
                         std::shared_ptr<const ImageSource> images, std::shared_ptr<const Preprocessor> preprocessor);

}  // namespace stagemark
