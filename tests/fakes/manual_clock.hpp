#pragma once

#include "stagemark/core/stage_timer.hpp"

namespace stagemark::fakes {

/// Time that passes only when it is told to. One at a time.
class ManualClock {
 public:
  ManualClock() { now_ = Nanoseconds{0}; }

  static void burn(Nanoseconds time) { now_ += time; }
  [[nodiscard]] static MonotonicClock clock() {
    return MonotonicClock([] { return now_; });
  }

 private:
  static inline Nanoseconds now_{0};
};

}  // namespace stagemark::fakes
