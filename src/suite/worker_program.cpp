#include "stagemark/suite/worker_program.hpp"

#include <stdexcept>
#include <utility>

#include "suite/failure_reason.hpp"
#include "suite/image_block.hpp"
#include "suite/runner.hpp"
#include "suite/turn_messages.hpp"
#include "suite/worker_exit.hpp"
#include "workers/own_worker.hpp"
#include "workers/worker_channel.hpp"

namespace stagemark {
namespace {

using namespace worker_protocol;

/// Shows with every call that the worker is alive, and asks whether to stop.
class SuiteOrders final : public RunObserver {
 public:
  explicit SuiteOrders(WorkerChannel& channel) : channel_(channel) {}

  [[nodiscard]] bool interrupted() override {
    channel_.touch();
    return channel_.stopped();
  }

 private:
  WorkerChannel& channel_;
};

/// What cannot be had is a result, and is told as one.
Measured refusal(std::string reason) {
  Measured refused;
  refused.result.error = std::move(reason);
  return refused;
}

}  // namespace

void serve_as_worker(const std::function<OpenedApproach(const ApproachRequest&)>& open) {
  WorkerChannel channel;
  const auto first = channel.receive();
  if (!first || first->type != MessageType::setup) return;
  const Setup setup = decode_setup(first->content);

  OpenedApproach opened;
  if (const auto reason = failure_reason([&] {
        opened = open(setup.request);
        if (!opened.wrapper || !opened.images) throw std::invalid_argument("the program opened nothing");
      })) {
    (void)WorkerChannel::send(MessageType::opened, encode(refusal(*reason)));
    return;
  }
  ImageBlock block(setup.dataset, *opened.images, setup.options, {});
  Runner runner(*opened.wrapper, opened.approach, setup.options, setup.rule, {});
  SuiteOrders orders(channel);
  const auto report = [&](MessageType type, bool interrupted) {
    return WorkerChannel::send(type, encode(Measured{runner.take(), block.notes(), interrupted}));
  };
  if (!report(MessageType::opened, false)) return;

  while (const auto message = channel.receive()) {
    bool complete = true;
    if (message->type == MessageType::warm_up) {
      block.load_first_readable();
      runner.warm_up(block.images(), orders);
    } else if (message->type == MessageType::turn) {
      const Turn turn = decode_turn(message->content);
      complete = runner.take_turn(turn.round, turn.position, block, orders);
    } else {
      return;
    }
    if (!report(MessageType::measured, !complete)) return;
  }
}

void run_worker_if_asked(int argc, char** argv, const Toolkit& toolkit) {
  if (!asked_to_be_worker(argc, argv, WorkerJob::suite)) return;
  work_and_exit(
      [&] { serve_as_worker([&](const ApproachRequest& request) { return open_approach(toolkit, request); }); });
}

}  // namespace stagemark
