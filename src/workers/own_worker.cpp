#include "workers/own_worker.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/workers/worker.hpp"

namespace stagemark {
namespace {

// A fact about the process, so that nothing smaller than the process can hold it.
std::array<std::atomic<bool>, enum_count<WorkerJob>>
    can_become_worker{};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace

bool asked_to_be_worker(int argc, char** argv, WorkerJob job) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const auto asked = arguments.size() > 1 ? parse_enum<WorkerJob>(arguments[1]) : std::nullopt;
  // A worker starts no workers of its own.
  can_become_worker.at(static_cast<std::size_t>(job)) = !asked;
  return asked == job;
}

WorkerCommand own_worker(WorkerJob job) {
  if (!can_become_worker.at(static_cast<std::size_t>(job))) {
    throw UsageError("this program cannot become a worker", "own_worker",
                     job == WorkerJob::load ? "call run_load_worker_if_asked first in main"
                                            : "call run_worker_if_asked first in main, or measure in this process");
  }
  std::error_code error;
  const std::filesystem::path executable = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    throw BackendError("cannot be read, and without it this program cannot start workers: " + error.message(),
                       "/proc/self/exe", "mount /proc (mount -t proc proc /proc)");
  }
  return worker_of(executable, job);
}

WorkerCommand worker_of(std::filesystem::path executable, WorkerJob job) {
  return {std::move(executable), {std::string(to_string(job))}};
}

}  // namespace stagemark
