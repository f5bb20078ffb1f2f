#include "workers/worker_channel.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using namespace worker_protocol;

[[noreturn]] void refuse() { throw UsageError("a worker is for `run`, which starts it itself"); }

}  // namespace

WorkerChannel::WorkerChannel() {
  struct stat status {};
  if (fstat(channel_descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) refuse();
  signs_ = map_signs(signs_descriptor);
  if (!signs_) refuse();
  // Ctrl-C and a terminal that hangs up are for the other end, which then asks for what there is; and where that is
  // killed, nothing stays behind.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)send(MessageType::ready, encode_version(version));
}

std::optional<Message> WorkerChannel::receive() {
  for (;;) {
    if (auto message = take_message(bytes_)) return message;
    std::array<std::byte, 65'536> chunk;  // NOLINT(*-member-init): filled by the next line
    const ssize_t size = recv(channel_descriptor, chunk.data(), chunk.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    bytes_.insert(bytes_.end(), chunk.begin(), chunk.begin() + size);
  }
}

bool WorkerChannel::send(MessageType type, std::span<const std::byte> content) {
  const std::vector<std::byte> bytes = frame(type, content);
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t size = ::send(channel_descriptor, &bytes[sent], bytes.size() - sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    sent += static_cast<std::size_t>(size);
  }
  return true;
}

void WorkerChannel::touch() noexcept {
  // Nobody else writes it, so that it needs no locked instruction.
  const std::atomic_ref of_life(signs_->of_life);
  of_life.store(of_life.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

bool WorkerChannel::stopped() const noexcept {
  return std::atomic_ref(signs_->stop).load(std::memory_order_relaxed) != 0;
}

}  // namespace stagemark
