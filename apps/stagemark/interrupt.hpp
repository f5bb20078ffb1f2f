#pragma once

namespace stagemark {

/// From now on the first Ctrl-C (or SIGTERM) is only noted; the second one ends the process as usual.
void catch_interrupt();

/// Whether one was noted.
[[nodiscard]] bool interrupt_caught() noexcept;

}  // namespace stagemark
