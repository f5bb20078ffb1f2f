#pragma once

namespace stagemark {

/// What the process returns. Documented in `stagemark --help`; scripts rely on it.
enum class ExitCode {
  success = 0,
  regression = 1,
  usage = 2,
  unavailable = 3,  ///< an engine, device or model cannot be had, or failed
  bad_data = 4,     ///< input that cannot be used, output that cannot be written
  inconclusive = 5,
  internal = 70,
  interrupted = 130,
};

}  // namespace stagemark
