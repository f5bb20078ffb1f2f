#include "workers/own_worker.hpp"

#include <atomic>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/workers/worker.hpp"

namespace stagemark {
namespace {

// A fact about the process, so that nothing smaller than the process can hold it.
std::atomic<bool> can_become_worker = false;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace

bool asked_to_be_worker(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const bool is_worker = arguments.size() > 1 && std::string_view(arguments[1]) == worker_argument;
  // A worker starts no workers of its own.
  can_become_worker = !is_worker;
  return is_worker;
}

WorkerCommand own_worker() {
  if (!can_become_worker) {
    throw UsageError("this program cannot become a worker", "own_worker",
                     "call run_worker_if_asked first in main, or measure in this process");
  }
  std::error_code error;
  const std::filesystem::path executable = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    throw BackendError("cannot be read, and without it this program cannot start workers: " + error.message(),
                       "/proc/self/exe", "mount /proc (mount -t proc proc /proc)");
  }
  return worker_of(executable);
}

WorkerCommand worker_of(std::filesystem::path executable) { return {std::move(executable), {worker_argument}}; }

}  // namespace stagemark
