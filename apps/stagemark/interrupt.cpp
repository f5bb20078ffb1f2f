#include "interrupt.hpp"

#include <csignal>

namespace stagemark {
namespace {

// A signal handler can reach nothing but a global.
volatile std::sig_atomic_t caught = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void note(int /*signal*/) { caught = 1; }

}  // namespace

void catch_interrupt() {
  struct sigaction action = {};
  action.sa_handler = note;  // NOLINT(cppcoreguidelines-pro-type-union-access): the interface of sigaction
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A terminal that closes sends it twice, once for the shell and once for itself: it ends nothing but the run. Under
  // nohup it is ignored, and stays so.
  action.sa_flags = 0;
  struct sigaction before = {};
  sigaction(SIGHUP, nullptr, &before);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access): the interface of sigaction
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
  // Whoever reads the table may be gone, as `tee` is with the terminal: the report is written all the same.
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupt_caught() noexcept { return caught != 0; }

}  // namespace stagemark
