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
}

bool interrupt_caught() noexcept { return caught != 0; }

}  // namespace stagemark
