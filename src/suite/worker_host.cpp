#include "suite/worker_host.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "stagemark/core/error.hpp"
#include "suite/approach_state.hpp"
#include "suite/turn_messages.hpp"

namespace stagemark {
namespace {

using worker_protocol::Measured;
using worker_protocol::MessageType;

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

Interrupted interrupted_by(RunObserver& observer) {
  return [&observer] { return observer.interrupted(); };
}

}  // namespace

WorkerHost::WorkerHost(ApproachRequest request, WorkerCommand command, const Dataset& dataset,
                       const RunOptions& options, ModelIdentities& models)
    : request_(std::move(request)),
      command_(std::move(command)),
      dataset_(dataset),
      options_(options),
      models_(models) {
  result_.approach = request_.approach;
}

bool WorkerHost::attempt(RunObserver& observer, const std::function<void()>& work) try {
  work();
  return true;
} catch (const std::exception& error) {
  // Ctrl-C in a terminal reaches a worker too that is starting.
  if (!observer.interrupted()) result_.error = error.what();
  return false;
}

void WorkerHost::start() {
  RunObserver nobody;
  attempt(nobody, [&] { worker_.emplace(command_, options_.hang_limit); });
}

void WorkerHost::ask_to_open(RunObserver& observer) {
  attempt(observer, [&] {
    worker_->expect_ready(interrupted_by(observer));
    const DecisionRule rule = decision_rule(dataset_, options_.threshold);
    worker_->send(MessageType::setup,
                  worker_protocol::encode(worker_protocol::Setup{request_, dataset_, options_, rule}),
                  interrupted_by(observer));
  });
}

void WorkerHost::await_opened(RunObserver& observer) {
  attempt(observer, [&] { (void)receive_update(MessageType::opened, observer); });
}

void WorkerHost::warm_up(RunObserver& observer) {
  attempt(observer, [&] {
    worker_->send(MessageType::warm_up, {}, interrupted_by(observer));
    (void)receive_update(MessageType::measured, observer);
  });
}

bool WorkerHost::take_turn(const Round& round, std::size_t position, RunObserver& observer) {
  bool complete = false;
  const bool done = attempt(observer, [&] {
    worker_->send(MessageType::turn, worker_protocol::encode(worker_protocol::Turn{round, position}),
                  interrupted_by(observer));
    complete = receive_update(MessageType::measured, observer);
  });
  return done ? complete : !observer.interrupted();
}

bool WorkerHost::receive_update(MessageType type, RunObserver& observer) {
  Measured measured = worker_protocol::decode_measured(worker_->receive(type, interrupted_by(observer)));
  worker_protocol::expect_sense(measured, dataset_.entries.size());
  ApproachResult& update = measured.result;
  // Before anything is added: what was measured stays with the model that it was measured of.
  if (update.facts.model) models_.expect(*update.facts.model);
  const std::size_t known = result_.inferences.size();
  for (CallRecord& call : update.calls) call.first_inference += known;
  append(result_.inferences, std::move(update.inferences));
  if (!update.scores.values.empty()) {
    if (result_.scores.classes == 0) result_.scores.classes = update.scores.classes;
    if (result_.scores.classes != update.scores.classes) {
      throw BackendError(
          {.problem = "its worker told of another number of classes than before", .remedy = "use another build"});
    }
    result_.scores.pad_to(known);
    append(result_.scores.values, std::move(update.scores.values));
  }
  result_.scores.pad_to(result_.inferences.size());
  append(result_.calls, std::move(update.calls));
  append(result_.turns, std::move(update.turns));
  append(result_.failures, std::move(update.failures));
  append(result_.inputs, std::move(update.inputs));
  result_.nondeterministic_predictions += update.nondeterministic_predictions;
  result_.settling_calls += update.settling_calls;
  add_state(result_, std::move(update));
  notes_.add(measured.notes);
  return !measured.interrupted;
}

}  // namespace stagemark
