#pragma once

#include "stagemark/workers/worker.hpp"

namespace stagemark {

/// Whether this process was started as a worker for that job. From now on `own_worker` knows that its own program can
/// become one.
bool asked_to_be_worker(int argc, char** argv, WorkerJob job);

}  // namespace stagemark
