#pragma once

namespace stagemark {

/// From now on the first Ctrl-C (or SIGTERM) is only noted; the second one ends the process as usual. A terminal that hangs
/// up is noted too, and a pipe that nobody reads ends nothing.
void catch_interrupt();

/// Whether one was noted.
[[nodiscard]] bool interrupt_caught() noexcept;

}  // namespace stagemark
