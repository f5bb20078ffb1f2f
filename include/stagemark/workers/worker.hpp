#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace stagemark {

/// A process that hosts an approach: a program, and what it is called with. What the worker is to do stands in the first
/// message, never here: both ends compare their versions of the protocol before anything else is read.
struct WorkerCommand {
  std::filesystem::path executable;    ///< absolute, or relative to the current directory
  std::vector<std::string> arguments;  ///< without the program's own name
};

/// The only argument of a program that is to be a worker.
inline constexpr const char* worker_argument = "--stagemark-worker";

/// The running program, started anew as a worker.
/// \throws UsageError unless `run_worker_if_asked` was called in this process: the new process would not become a worker
///         but run the whole program once more, and start workers in its turn
WorkerCommand own_worker();

/// Another program, or another build of this one, as a worker.
WorkerCommand worker_of(std::filesystem::path executable);

}  // namespace stagemark
