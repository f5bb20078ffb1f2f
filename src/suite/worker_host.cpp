#include "suite/worker_host.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using worker_protocol::Measured;
using worker_protocol::MessageType;

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// A worker may be another build, and a broken one: its numbers become indices here.
void expect_sense(const Measured& measured, std::size_t images) {
  const ApproachResult& news = measured.result;
  const auto is_image = [images](const auto& record) { return record.image < images; };
  const auto is_key = [images](const auto& pair) { return pair.first < images; };
  const bool makes_sense = std::ranges::all_of(news.inferences, is_image) &&
                           std::ranges::all_of(news.failures, is_image) && std::ranges::all_of(news.inputs, is_image) &&
                           std::ranges::all_of(measured.notes.broken, is_key) &&
                           std::ranges::all_of(news.calls, [&](const CallRecord& call) {
                             return call.first_inference <= news.inferences.size() &&
                                    call.size <= news.inferences.size() - call.first_inference;
                           });
  if (!makes_sense) throw BackendError("its worker told what cannot be true", {}, "use another build");
}

}  // namespace

WorkerHost::WorkerHost(Approach approach, WorkerCommand command, const Dataset& dataset, const RunOptions& options)
    : command_(std::move(command)), dataset_(dataset), options_(options) {
  result_.approach = std::move(approach);
}

void WorkerHost::begin_generation(RunObserver& observer) try {
  worker_.emplace(command_, options_.hang_limit);
  const auto ready = worker_->receive(MessageType::ready, observer);
  if (const auto version = worker_protocol::decode_number(ready); version != worker_protocol::version) {
    throw BackendError("its worker speaks version " + std::to_string(version) +
                           " of the protocol, and this is version " + std::to_string(worker_protocol::version),
                       command_.executable.string(), "use builds of the same version");
  }
  worker_->send(MessageType::setup, worker_protocol::encode(worker_protocol::Setup{dataset_, options_}), observer);
  (void)hear(MessageType::opened, observer);
} catch (const Error& error) {
  // Ctrl-C in a terminal reaches a worker too that is starting.
  if (!observer.interrupted()) result_.error = error.what();
}

bool WorkerHost::take_turn(const Round& round, std::size_t position, RunObserver& observer) try {
  worker_->send(MessageType::turn, worker_protocol::encode(worker_protocol::Turn{round, position}), observer);
  return hear(MessageType::measured, observer);
} catch (const Error& error) {
  if (!observer.interrupted()) result_.error = error.what();
  return !observer.interrupted();
}

bool WorkerHost::hear(MessageType type, RunObserver& observer) {
  Measured measured = worker_protocol::decode_measured(worker_->receive(type, observer));
  expect_sense(measured, dataset_.entries.size());
  ApproachResult& news = measured.result;
  const std::size_t known = result_.inferences.size();
  for (CallRecord& call : news.calls) call.first_inference += known;
  append(result_.inferences, std::move(news.inferences));
  append(result_.calls, std::move(news.calls));
  append(result_.turns, std::move(news.turns));
  append(result_.failures, std::move(news.failures));
  append(result_.inputs, std::move(news.inputs));
  result_.nondeterministic_predictions += news.nondeterministic_predictions;
  result_.settling_calls += news.settling_calls;
  result_.asynchronous = news.asynchronous;
  result_.facts = std::move(news.facts);
  result_.error = std::move(news.error);
  result_.peak_rss_bytes = std::max(result_.peak_rss_bytes, news.peak_rss_bytes);
  if (news.device_peak_bytes) {
    result_.device_peak_bytes = std::max(result_.device_peak_bytes.value_or(0), *news.device_peak_bytes);
  }
  notes_.broken.merge(measured.notes.broken);
  notes_.without_low_byte.merge(measured.notes.without_low_byte);
  return !measured.interrupted;
}

}  // namespace stagemark
