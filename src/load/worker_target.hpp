#pragma once

#include <optional>

#include "load/load_messages.hpp"
#include "stagemark/load/live_load.hpp"
#include "suite/turn_messages.hpp"
#include "workers/worker_process.hpp"

namespace stagemark {

/// An approach in a fresh worker process, opened and then loaded.
class WorkerTarget {
 public:
  /// What a load gave: its log, and what else is known of the approach.
  struct Answer {
    worker_protocol::Measured measured;
    LiveLoadResult served;
  };

  /// Starts the process. \throws BackendError
  WorkerTarget(const worker_protocol::LoadSetup& setup, const WorkerCommand& command,
               std::chrono::milliseconds hang_limit)
      : setup_(setup), process_(command, hang_limit) {}

  /// Tells it to end, and does not wait for it.
  void dismiss() noexcept { process_.dismiss(); }

  /// Asks it to open the approach. \throws BackendError
  void ask_to_open(const Interrupted& interrupted);
  /// Waits until it has. \throws BackendError
  worker_protocol::Measured await_opened(const Interrupted& interrupted);

  /// \throws BackendError that says how the worker ended, or that it was
  Answer serve(const LoadOrder& order, const Interrupted& interrupted);

 private:
  const worker_protocol::LoadSetup& setup_;
  WorkerProcess process_;
};

}  // namespace stagemark
