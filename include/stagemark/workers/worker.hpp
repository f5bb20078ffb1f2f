#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// A process that hosts an approach: a program, and what it is called with. What the worker is to do stands in the first
/// message, never here: both ends compare their versions of the protocol before anything else is read.
struct WorkerCommand {
  std::filesystem::path executable;    ///< absolute, or relative to the current directory
  std::vector<std::string> arguments;  ///< without the program's own name
};

/// What a worker is for; the program is told by its only argument.
enum class WorkerJob : std::uint8_t {
  suite,  ///< one call after the other, for a BenchmarkSuite: `run_worker_if_asked`
  load,   ///< as many as arrive, for a LoadTest: `run_load_worker_if_asked`
};
template <>
inline constexpr EnumNames<WorkerJob, 2> enum_names<WorkerJob> = {
    {{WorkerJob::suite, "--stagemark-worker"}, {WorkerJob::load, "--stagemark-load-worker"}}};

/// The running program, started anew as a worker.
/// \throws UsageError unless the function of that job was called in this process: the new process would not become a
///         worker but run the whole program once more, and start workers in its turn
WorkerCommand own_worker(WorkerJob job = WorkerJob::suite);

/// Another program, or another build of this one, as a worker.
WorkerCommand worker_of(std::filesystem::path executable, WorkerJob job = WorkerJob::suite);

}  // namespace stagemark
