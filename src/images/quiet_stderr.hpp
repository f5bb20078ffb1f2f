#pragma once

namespace stagemark {

/// While one lives, what the process writes to file descriptor 2 is lost: libjpeg, libpng and OpenCV print
/// there by themselves and can be told otherwise only from within. Safe on several threads; does nothing
/// where the system is not POSIX or the descriptor cannot be copied.
class QuietStderr {
 public:
  QuietStderr();
  ~QuietStderr();
  QuietStderr(const QuietStderr&) = delete;
  QuietStderr& operator=(const QuietStderr&) = delete;
};

}  // namespace stagemark
