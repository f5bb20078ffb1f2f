#include "stagemark/suite/worker.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <utility>

#include "stagemark/core/error.hpp"
#include "suite/first_line.hpp"
#include "suite/image_block.hpp"
#include "suite/runner.hpp"
#include "suite/worker_protocol.hpp"

namespace stagemark {
namespace {

using namespace worker_protocol;

/// The suite's end of the conversation, as a worker sees it.
class SuiteChannel {
 public:
  /// The next message; absent once the suite has no more to say.
  std::optional<Message> receive() {
    for (;;) {
      if (auto message = take_message(bytes_)) return message;
      std::array<std::byte, 65'536> chunk;  // NOLINT(*-member-init): filled by the next line
      const ssize_t size = recv(channel_descriptor, chunk.data(), chunk.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return std::nullopt;
      bytes_.insert(bytes_.end(), chunk.begin(), chunk.begin() + size);
    }
  }

  /// False if the suite is gone.
  static bool send(MessageType type, std::span<const std::byte> content) {
    const std::vector<std::byte> bytes = frame(type, content);
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t size = ::send(channel_descriptor, &bytes[sent], bytes.size() - sent, MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return false;
      sent += static_cast<std::size_t>(size);
    }
    return true;
  }

 private:
  std::vector<std::byte> bytes_;
};

/// Gives a sign of life with every call, and asks whether to stop: two accesses to shared memory, no system call.
class SharedSigns final : public RunObserver {
 public:
  SharedSigns() : signs_(mmap(nullptr, sizeof(Signs), PROT_READ | PROT_WRITE, MAP_SHARED, signs_descriptor, 0)) {
    if (signs_ == MAP_FAILED) refuse();
  }
  SharedSigns(const SharedSigns&) = delete;
  SharedSigns& operator=(const SharedSigns&) = delete;
  ~SharedSigns() override { munmap(signs_, sizeof(Signs)); }

  [[nodiscard]] bool interrupted() override {
    Signs& signs = *static_cast<Signs*>(signs_);
    // Nobody else writes it, so that it needs no locked instruction.
    const std::atomic_ref of_life(signs.of_life);
    of_life.store(of_life.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return std::atomic_ref(signs.stop).load(std::memory_order_relaxed) != 0;
  }

  [[noreturn]] static void refuse() { throw UsageError("this command is for 'stagemark run', which starts it itself"); }

 private:
  void* signs_;
};

/// What cannot be had is a result, and is told as one.
Measured refusal(const std::exception& error) {
  Measured refused;
  refused.result.error = first_line(error);
  return refused;
}

}  // namespace

void serve_as_worker(const std::function<WorkerContent()>& open) {
  struct stat status {};
  if (fstat(channel_descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) SharedSigns::refuse();
  SharedSigns signs;
  // Ctrl-C is for the suite, which then asks for what there is; and where the suite is killed, nothing stays behind.
  std::signal(SIGINT, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);

  SuiteChannel channel;
  if (!SuiteChannel::send(MessageType::ready, encode(version))) return;
  const auto first = channel.receive();
  if (!first || first->type != MessageType::setup) return;
  const Setup setup = decode_setup(first->content);

  WorkerContent content;
  try {
    content = open();
  } catch (const std::exception& error) {
    SuiteChannel::send(MessageType::opened, encode(refusal(error)));
    return;
  }
  ImageBlock block(setup.dataset, *content.images, setup.options, {});
  Runner runner(*content.wrapper, content.approach, setup.options, {});
  const auto report = [&](MessageType type, bool interrupted) {
    return SuiteChannel::send(type, encode(Measured{runner.take(), block.notes(), interrupted}));
  };
  block.load_first_readable();
  runner.warm_up(block.images(), signs);
  if (!report(MessageType::opened, false)) return;

  while (const auto message = channel.receive()) {
    if (message->type != MessageType::turn) return;
    const Turn turn = decode_turn(message->content);
    const bool complete = runner.take_turn(turn.round, turn.position, block, signs);
    if (!report(MessageType::measured, !complete)) return;
  }
}

}  // namespace stagemark
