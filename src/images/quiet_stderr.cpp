#include "images/quiet_stderr.hpp"

#if __has_include(<unistd.h>)
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <mutex>
#include <optional>

namespace stagemark {
namespace {

// The descriptor belongs to the process, so this state does, too.
struct Silence {
  std::mutex mutex;
  std::size_t users = 0;
  std::optional<int> original;  ///< a copy of descriptor 2, while it is diverted
};

Silence& silence() {
  static Silence state;
  return state;
}

/// A descriptor that a child process does not inherit; absent where the system has none to give.
std::optional<int> open_null() {
  const int descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
  return descriptor < 0 ? std::nullopt : std::optional(descriptor);
}
std::optional<int> copy_of_stderr() {
  const int descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  return descriptor < 0 ? std::nullopt : std::optional(descriptor);
}

}  // namespace

QuietStderr::QuietStderr() {
  Silence& state = silence();
  const std::lock_guard lock(state.mutex);
  if (state.users++ > 0) return;
  const std::optional<int> null = open_null();
  if (!null) return;
  state.original = copy_of_stderr();
  if (state.original) dup2(*null, STDERR_FILENO);
  close(*null);
}

QuietStderr::~QuietStderr() {
  Silence& state = silence();
  const std::lock_guard lock(state.mutex);
  if (--state.users > 0 || !state.original) return;
  dup2(*state.original, STDERR_FILENO);
  close(*state.original);
  state.original.reset();
}

}  // namespace stagemark

#else

namespace stagemark {

QuietStderr::QuietStderr() = default;
QuietStderr::~QuietStderr() = default;

}  // namespace stagemark

#endif
