#include "workers/worker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using namespace worker_protocol;

/// How often an interrupt and the signs of life are looked after. Only while waiting: no approach is measured then but
/// the one that is waited for, and ten wake-ups a second do not disturb it.
constexpr int tick_milliseconds = 100;
/// A process that means to end has this long: 400 looks, 5 ms apart.
constexpr int looks = 400;
constexpr int look_milliseconds = 5;
constexpr std::size_t most_printed = 4'096;

[[noreturn]] void fail(const std::string& what) {
  throw BackendError(what + ": " + std::system_category().message(errno), "the approach's worker");
}

/// The same descriptor with a number above those that a worker's own get.
int above_reserved(int descriptor) {
  const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 16);
  const int problem = errno;
  close(descriptor);
  errno = problem;
  if (moved < 0) fail("there is no file descriptor for it");
  return moved;
}

}  // namespace

WorkerProcess::Descriptor& WorkerProcess::Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (value_ >= 0) close(value_);
    value_ = std::exchange(other.value_, -1);
  }
  return *this;
}

WorkerProcess::Descriptor::~Descriptor() {
  if (value_ >= 0) close(value_);
}

WorkerProcess::WorkerProcess(const WorkerCommand& command, std::chrono::milliseconds hang_limit)
    : executable_(command.executable), hang_limit_(hang_limit) {
  std::array<int, 2> sockets{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) fail("no socket can be made");
  channel_ = Descriptor(above_reserved(sockets[0]));
  const Descriptor workers_channel(above_reserved(sockets[1]));
  std::array<int, 2> pipes{};
  if (pipe2(pipes.data(), O_CLOEXEC) != 0) fail("no pipe can be made");
  output_ = Descriptor(above_reserved(pipes[0]));
  const Descriptor workers_output(above_reserved(pipes[1]));
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);

  memory_ = Descriptor(above_reserved(memfd_create("stagemark-worker", MFD_CLOEXEC)));
  if (ftruncate(memory_.get(), sizeof(Signs)) != 0) fail("no shared memory can be made");
  signs_ = map_signs(memory_.get());
  if (!signs_) fail("no shared memory can be made");
  start(command, workers_channel, workers_output);
}

WorkerProcess::~WorkerProcess() {
  // One that does not listen is not waited for for long.
  dismiss();
  for (int look = 0; process_ > 0 && look < looks; ++look) {
    if (waitpid(process_, nullptr, WNOHANG) != 0) process_ = 0;
    if (process_ > 0) poll(nullptr, 0, look_milliseconds);
  }
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
}

void WorkerProcess::start(const WorkerCommand& command, const Descriptor& channel, const Descriptor& output) {
  std::string executable = command.executable.string();
  std::vector<std::string> arguments = command.arguments;
  std::vector<char*> argv = {executable.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, channel.get(), channel_descriptor);
  posix_spawn_file_actions_adddup2(&actions, memory_.get(), signs_descriptor);
  const int problem = posix_spawn(&process_, executable.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    process_ = 0;
    throw BackendError("cannot be started: " + std::system_category().message(problem), executable,
                       "name a program that can be run");
  }
}

/// For the worker to read or to write, and no longer than the limit without a sign of life.
class WorkerProcess::Waiting {
 public:
  explicit Waiting(WorkerProcess& worker) : worker_(worker), signs_(worker.signs_of_life()) {}

  void touch() { last_sign_ = Clock::now(); }

  /// Waits a little, and reads what the worker prints: it would hang where nobody did.
  /// \returns whether the channel is ready
  /// \throws BackendError after ending a worker that was silent for too long
  bool tick(short event) {
    std::array<pollfd, 2> waits = {pollfd{worker_.channel_.get(), event, 0}, pollfd{worker_.output_.get(), POLLIN, 0}};
    const int ready = poll(waits.data(), waits.size(), tick_milliseconds);
    if (ready > 0 && waits[1].revents != 0) worker_.read_output();
    if (ready > 0 && waits[0].revents != 0) return true;
    if (const std::uint64_t now = worker_.signs_of_life(); now != signs_) {
      signs_ = now;
      touch();
    }
    if (const std::chrono::milliseconds limit = worker_.hang_limit_; Clock::now() - last_sign_ > limit) {
      kill(worker_.process_, SIGKILL);
      (void)worker_.exit_description();
      std::string seconds = std::to_string(limit.count() / 1000);
      if (limit.count() % 1000 != 0) seconds += "." + std::to_string(1000 + limit.count() % 1000).substr(1);
      throw BackendError("its worker gave no sign of life for " + seconds + " s, and was ended" +
                         worker_.recent_output());
    }
    return false;
  }

 private:
  using Clock = std::chrono::steady_clock;

  WorkerProcess& worker_;
  std::uint64_t signs_;
  Clock::time_point last_sign_ = Clock::now();
};

void WorkerProcess::expect_ready(const Interrupted& interrupted) {
  const std::uint32_t theirs = decode_version(receive(MessageType::ready, interrupted));
  ready_ = theirs == version;
  if (ready_) return;
  throw BackendError("its worker speaks version " + std::to_string(theirs) + " of the protocol, and this is version " +
                         std::to_string(version),
                     executable_.string(), "use builds of the same version");
}

void WorkerProcess::send(MessageType type, std::span<const std::byte> content, const Interrupted& interrupted) {
  const std::vector<std::byte> bytes = frame(type, content);
  Waiting waiting(*this);
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t size = ::send(channel_.get(), &bytes[sent], bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size > 0) {
      sent += static_cast<std::size_t>(size);
      waiting.touch();
    } else if (size < 0 && errno == EAGAIN) {
      if (interrupted()) throw BackendError("the run was ended");
      (void)waiting.tick(POLLOUT);
    } else if (size == 0 || errno != EINTR) {
      throw BackendError(exit_description());
    }
  }
}

std::vector<std::byte> WorkerProcess::receive(MessageType type, const Interrupted& interrupted) {
  Waiting waiting(*this);
  for (;;) {
    if (auto message = take_message(bytes_)) {
      if (message->type != type) throw BackendError("its worker said what it was not asked");
      return std::move(message->content);
    }
    if (interrupted()) {
      // One that is opening its model has measured nothing that is worth waiting for.
      if (type != MessageType::measured) throw BackendError("the run was ended");
      std::atomic_ref(signs_->stop).store(1, std::memory_order_relaxed);
    }
    if (waiting.tick(POLLIN)) {
      if (!read_channel()) throw BackendError(exit_description());
      waiting.touch();
    }
  }
}

void WorkerProcess::read_output() {
  std::array<char, 4'096> chunk;  // NOLINT(*-member-init): filled by the next line
  ssize_t size = 0;
  while ((size = read(output_.get(), chunk.data(), chunk.size())) > 0) {
    printed_.append(chunk.data(), static_cast<std::size_t>(size));
    if (printed_.size() > most_printed) printed_.erase(0, printed_.size() - most_printed);
  }
  // Closed: polling it further would return at once, again and again.
  if (size == 0) output_ = Descriptor();
}

bool WorkerProcess::read_channel() {
  std::array<std::byte, 65'536> chunk;  // NOLINT(*-member-init): filled by the next line
  const ssize_t size = recv(channel_.get(), chunk.data(), chunk.size(), 0);
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  bytes_.insert(bytes_.end(), chunk.begin(), chunk.begin() + size);
  return true;
}

std::uint64_t WorkerProcess::signs_of_life() const {
  return std::atomic_ref(signs_->of_life).load(std::memory_order_relaxed);
}

std::string WorkerProcess::exit_description() {
  int status = 0;
  // It closed its end of the channel: it is ending, or means to live on without being heard.
  pid_t ended = 0;
  for (int look = 0; (ended = waitpid(process_, &status, WNOHANG)) == 0 && look < looks; ++look) {
    read_output();
    poll(nullptr, 0, look_milliseconds);
  }
  if (ended == 0) {
    kill(process_, SIGKILL);
    waitpid(process_, &status, 0);
  }
  process_ = 0;
  read_output();
  std::string text = "its worker ended";
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    text = "its worker was ended by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
    if (signal == SIGKILL) text += ", perhaps because the memory ran out";
  } else if (WIFEXITED(status)) {
    text += " with status " + std::to_string(WEXITSTATUS(status));
  }
  // 127: a library is missing, and the program never began.
  if (!ready_ && WIFEXITED(status) && WEXITSTATUS(status) != 127) {
    // Builds before version 4 read their command line first, and end at one that they do not know.
    text += " before it told which version of the protocol it speaks; this is version " + std::to_string(version) +
            ", an older build speaks 3 or less: use builds of the same version";
  }
  return text + recent_output();
}

std::string WorkerProcess::recent_output() const {
  std::string text = printed_;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (text.empty()) return {};
  constexpr std::size_t enough = 300;
  if (text.size() > enough) text.erase(0, text.size() - enough);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return "; the last that it printed: " + text;
}

}  // namespace stagemark
