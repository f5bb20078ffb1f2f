#pragma once

#include <cstdlib>
#include <iostream>

#include "suite/failure_reason.hpp"

namespace stagemark {

/// Ends a process that was started as a worker, after its work. The status is for whoever started it, who shows it with
/// what the process printed.
template <class Work>
[[noreturn]] void work_and_exit(const Work& work) {
  int status = 0;
  if (const auto reason = failure_reason(work)) {
    std::cerr << *reason << '\n';
    status = 2;
  }
  std::exit(status);
}

}  // namespace stagemark
