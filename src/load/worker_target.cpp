#include "load/worker_target.hpp"

#include <iterator>
#include <utility>
#include <variant>

#include "stagemark/core/error.hpp"

namespace stagemark {

using worker_protocol::Measured;
using worker_protocol::MessageType;

namespace {

Measured sensible(const worker_protocol::LoadSetup& setup, std::span<const std::byte> content) {
  Measured measured = worker_protocol::decode_measured(content);
  worker_protocol::expect_sense(measured, setup.dataset.entries.size());
  return measured;
}

}  // namespace

void WorkerTarget::ask_to_open(const Interrupted& interrupted) {
  process_.expect_ready(interrupted);
  process_.send(MessageType::setup, worker_protocol::encode(setup_), interrupted);
}

Measured WorkerTarget::await_opened(const Interrupted& interrupted) {
  return sensible(setup_, process_.receive(MessageType::opened, interrupted));
}

WorkerTarget::Answer WorkerTarget::serve(const LoadOrder& order, const Interrupted& interrupted) {
  process_.send(MessageType::turn, worker_protocol::encode(order), interrupted);
  Answer answer{sensible(setup_, process_.receive(MessageType::measured, interrupted)), {}};
  for (bool last = false; !last;) {
    // Once it is measured it is worth having.
    worker_protocol::LogPart part =
        worker_protocol::decode_log_part(process_.receive(MessageType::queries, [] { return false; }));
    if (part.queries.empty() && !part.last) throw BackendError("its worker said nothing, again and again");
    std::ranges::move(part.queries, std::back_inserter(answer.served.log));
    answer.served.complete_until = part.complete_until;
    last = part.last;
  }
  answer.served.interrupted = answer.measured.interrupted;
  const auto* closed = std::get_if<ClosedLoop>(&order.arrivals);
  worker_protocol::expect_sense(answer.served.log, closed != nullptr ? closed->samples_per_query : 1,
                                setup_.dataset.entries.size(), setup_.serving);
  return answer;
}

}  // namespace stagemark
