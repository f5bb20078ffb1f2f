#pragma once

#include <functional>

#include "stagemark/backend/toolkit.hpp"
#include "stagemark/workers/worker.hpp"

namespace stagemark {

/// Where this process was started as a worker (`own_worker`, `worker_of`), hosts the approach that it is told and ends the
/// process. Otherwise only notes that this program can become one. To be called first in `main`, with what the program
/// would open its approaches with in process: before it, nothing of the program has run.
void run_worker_if_asked(int argc, char** argv, const Toolkit& toolkit);

/// Hosts one approach for the BenchmarkSuite that started this process: measures what it is told to, until it is told to
/// end or the suite is gone. Nothing else of the program may run meanwhile. What the process prints is kept by the suite,
/// which shows the end of it if the process fails. Most programs call `run_worker_if_asked`.
/// \param open makes the approach ready; what it throws is told to the suite as the reason why it cannot be had
/// \throws UsageError if the process was not started by a BenchmarkSuite
void serve_as_worker(const std::function<OpenedApproach(const ApproachRequest&)>& open);

}  // namespace stagemark
