#pragma once

#include <optional>
#include <span>
#include <vector>

#include "workers/frames.hpp"

namespace stagemark {

/// A worker's end of the conversation with the process that started it. Making it turns the process into a worker: Ctrl-C
/// is then the other end's to deal with, and the process ends with it.
class WorkerChannel {
 public:
  /// Tells the version. \throws UsageError if the process was not started as a worker
  WorkerChannel();

  /// The next message; absent once the other end has no more to say, or is gone.
  std::optional<worker_protocol::Message> receive();

  /// False if the other end is gone.
  [[nodiscard]] static bool send(worker_protocol::MessageType type, std::span<const std::byte> content);

  /// Shows that the worker is alive. An access to shared memory, no system call: once per call of a network.
  void touch() noexcept;

  /// Whether the other end wants the present work to stop.
  [[nodiscard]] bool stopped() const noexcept;

 private:
  worker_protocol::SharedSigns signs_;
  std::vector<std::byte> bytes_;
};

}  // namespace stagemark
