#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/workers/worker.hpp"
#include "workers/frames.hpp"

namespace stagemark {

/// Asked while a worker is waited for: true ends the run.
using Interrupted = std::function<bool()>;

/// A running worker. Its end ends the process.
class WorkerProcess {
 public:
  /// \param hang_limit of waiting for it without a sign of life, at which it is ended
  /// \throws BackendError if the program cannot be started
  WorkerProcess(const WorkerCommand& command, std::chrono::milliseconds hang_limit);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  /// Waits until the worker has told its version. To be called first.
  /// \throws BackendError that names both versions if the worker's is another
  void expect_ready(const Interrupted& interrupted);

  /// \throws BackendError that says how the worker ended, or that it was; where the run is ended first, too
  void send(worker_protocol::MessageType type, std::span<const std::byte> content, const Interrupted& interrupted);

  /// Waits for a message of that type. Where the run is ended, the worker is asked to end its turn, and its
  /// answer is still waited for.
  /// \throws BackendError that says how the worker ended, or that it was
  std::vector<std::byte> receive(worker_protocol::MessageType type, const Interrupted& interrupted);

  /// Says that there is no more to do: a worker then ends by itself. It is not waited for.
  void dismiss() noexcept { channel_ = Descriptor(); }

 private:
  class Waiting;
  class Descriptor {
   public:
    explicit Descriptor(int value = -1) noexcept : value_(value) {}
    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();
    [[nodiscard]] int get() const noexcept { return value_; }

   private:
    int value_;
  };

  void start(const WorkerCommand& command, const Descriptor& channel, const Descriptor& output);
  void read_output();
  /// False at the end of the stream.
  bool read_channel();
  [[nodiscard]] std::uint64_t signs_of_life() const;
  /// Waits for the process to end, and says how it did.
  [[nodiscard]] std::string exit_description();
  /// The end of what it printed, on one line.
  [[nodiscard]] std::string recent_output() const;

  std::filesystem::path executable_;
  std::chrono::milliseconds hang_limit_;
  pid_t process_ = 0;
  Descriptor channel_, output_, memory_;
  worker_protocol::SharedSigns signs_;
  bool ready_ = false;  ///< it told its version, and it is ours
  std::vector<std::byte> bytes_;
  std::string printed_;  ///< the end of what the worker printed
};

}  // namespace stagemark
