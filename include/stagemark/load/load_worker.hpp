#pragma once

#include "stagemark/backend/toolkit.hpp"

namespace stagemark {

/// Where this process was started as a worker of a load test (`own_worker`, `worker_of` with WorkerJob::load), opens the
/// instances that it is told of, serves loads and ends the process. Otherwise only notes that this program can become
/// one. To be called first in `main`, beside `run_worker_if_asked`.
void run_load_worker_if_asked(int argc, char** argv, const Toolkit& toolkit);

}  // namespace stagemark
