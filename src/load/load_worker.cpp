#include "stagemark/load/load_worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "load/load_messages.hpp"
#include "load/load_server.hpp"
#include "stagemark/core/error.hpp"
#include "suite/failure_reason.hpp"
#include "suite/worker_exit.hpp"
#include "workers/own_worker.hpp"
#include "workers/worker_channel.hpp"

namespace stagemark {
namespace {

using namespace worker_protocol;

/// So many queries a message: some megabytes.
constexpr std::size_t queries_a_part = 100'000;

/// Shows that the worker is alive as long as answers come, or none is waited for.
class LoadOrders final : public LiveLoadObserver {
 public:
  explicit LoadOrders(WorkerChannel& channel) : channel_(channel) {}

  bool interrupted() override { return channel_.stopped(); }
  void progressed(Nanoseconds /*now*/, std::size_t sent, std::size_t answered) override {
    if (answered != answered_ || answered == sent) channel_.touch();
    answered_ = answered;
  }

 private:
  WorkerChannel& channel_;
  std::size_t answered_ = 0;
};

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// What the kernel could give without swapping; absent where it does not tell.
std::optional<std::uint64_t> available_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    std::uint64_t kilobytes = 0;
    if (name == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024U;
  }
  return std::nullopt;
}

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes >> 20U) + " MB"; }

/// The first instance tells what each of the others takes: better said than found out by the kernel.
void expect_room(std::size_t more, std::uint64_t bytes_each) {
  const auto available = available_bytes();
  if (!available || bytes_each == 0 || *available / bytes_each >= more) return;
  throw BackendError(std::to_string(more + 1) + " instances take " + megabytes(bytes_each * (more + 1)) + ", and " +
                         megabytes(*available) + " of memory are left after the first",
                     "`instances`", "ask for fewer");
}

/// \returns why not
std::optional<std::string> open_instances(const Toolkit& toolkit, const LoadSetup& setup, WorkerChannel& channel,
                                          OpenedApproach& opened,
                                          std::vector<std::unique_ptr<InferenceWrapper>>& instances) {
  return failure_reason([&] {
    const std::uint64_t before = resident_bytes();
    for (std::size_t i = 0; i < setup.serving.instances; ++i) {
      channel.touch();
      opened = open_approach(toolkit, setup.request);
      instances.push_back(std::move(opened.wrapper));
      if (i == 0) expect_room(setup.serving.instances - 1, std::max(resident_bytes(), before) - before);
    }
  });
}

void send_log(const LiveLoadResult& served) {
  const std::span<const QueryRecord> log(served.log);
  std::size_t sent = 0;
  do {
    const auto part = log.subspan(sent, std::min(queries_a_part, log.size() - sent));
    sent += part.size();
    const LogPart message{{part.begin(), part.end()}, served.complete_until, sent == log.size()};
    if (!WorkerChannel::send(MessageType::queries, encode(message))) return;
  } while (sent < log.size());
}

void serve_loads(const Toolkit& toolkit) {
  WorkerChannel channel;
  const auto first = channel.receive();
  if (!first || first->type != MessageType::setup) return;
  const LoadSetup setup = decode_load_setup(first->content);
  OpenedApproach opened;
  std::vector<std::unique_ptr<InferenceWrapper>> instances;
  Measured answer;
  answer.result.error = open_instances(toolkit, setup, channel, opened, instances);
  if (answer.result.error) {
    (void)WorkerChannel::send(MessageType::opened, encode(answer));
    return;
  }
  const auto alive = [&] { channel.touch(); };
  LoadServer server(setup, opened.approach, *opened.images, std::move(instances));
  const auto warm = failure_reason([&] { server.warm_up(alive); });
  answer = server.take();
  if (warm) answer.result.error = warm;
  if (!WorkerChannel::send(MessageType::opened, encode(answer))) return;

  LoadOrders orders(channel);
  while (const auto message = channel.receive()) {
    if (message->type != MessageType::turn) return;
    LiveLoadResult served;
    const auto reason =
        failure_reason([&] { served = server.serve(decode_load_order(message->content), alive, orders); });
    answer = server.take();
    if (reason) answer.result.error = reason;
    answer.interrupted = served.interrupted;
    if (!WorkerChannel::send(MessageType::measured, encode(answer))) return;
    send_log(served);
  }
}

}  // namespace

void run_load_worker_if_asked(int argc, char** argv, const Toolkit& toolkit) {
  if (!asked_to_be_worker(argc, argv, WorkerJob::load)) return;
  work_and_exit([&] { serve_loads(toolkit); });
}

}  // namespace stagemark
