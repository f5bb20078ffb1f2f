#include "suite/turn_messages.hpp"

#include "workers/wire.hpp"

namespace stagemark::worker_protocol {

template <class Fields>
void describe(Fields& fields, DatasetEntry& entry) {
  fields(entry.path);
}

template <class Fields>
void describe(Fields& fields, RunOptions& options) {
  fields(options.warmup);
  fields(options.settle);
  fields(options.batch);
  fields(options.keep_scores);
  fields(options.threshold);
  fields(options.round_memory_bytes);
}

template <class Fields>
void describe(Fields& fields, Round& round) {
  fields(round.index);
  fields(round.pass);
  fields(round.process);
  fields(round.first);
  fields(round.last);
}

template <class Fields>
void describe(Fields& fields, InferenceRecord& record) {
  fields(record.image);
  fields(record.prediction);
}

template <class Fields>
void describe(Fields& fields, CallRecord& call) {
  fields(call.round);
  fields(call.pass);
  fields(call.process);
  fields(call.first_inference);
  fields(call.size);
  fields(call.timed);
  fields(call.times);
}

template <class Fields>
void describe(Fields& fields, TurnRecord& turn) {
  fields(turn.round);
  fields(turn.process);
  fields(turn.position);
  fields(turn.wall);
  fields(turn.calls);
}

template <class Fields>
void describe(Fields& fields, FailedImage& image) {
  fields(image.image);
  fields(image.reason);
}

template <class Fields>
void describe(Fields& fields, InputRecord& input) {
  fields(input.image);
  fields(input.values);
}

template <class Fields>
void describe(Fields& fields, ApproachResult& result) {
  fields(result.facts);
  fields(result.asynchronous);
  fields(result.inferences);
  fields(result.scores.classes);
  fields(result.scores.values);
  fields(result.calls);
  fields(result.turns);
  fields(result.failures);
  fields(result.inputs);
  fields(result.nondeterministic_predictions);
  fields(result.settling_calls);
  fields(result.error);
  fields(result.peak_rss_bytes);
  fields(result.device_peak_bytes);
}

template <class Fields>
void describe(Fields& fields, Setup& setup) {
  fields(setup.request);
  fields(setup.dataset.root);
  fields(setup.dataset.entries);
  fields(setup.options);
  fields(setup.rule.threshold);
  fields(setup.rule.classes);
  fields(setup.rule.positive);
}

template <class Fields>
void describe(Fields& fields, Turn& turn) {
  fields(turn.round);
  fields(turn.position);
}

template <class Fields>
void describe(Fields& fields, Measured& measured) {
  fields(measured.result);
  fields(measured.notes.broken);
  fields(measured.notes.without_low_byte);
  fields(measured.interrupted);
}

std::vector<std::byte> encode(const Setup& setup) { return encoded(setup); }
std::vector<std::byte> encode(const Turn& turn) { return encoded(turn); }
std::vector<std::byte> encode(const Measured& measured) { return encoded(measured); }

Setup decode_setup(std::span<const std::byte> content) { return decoded<Setup>(content); }
Turn decode_turn(std::span<const std::byte> content) { return decoded<Turn>(content); }
Measured decode_measured(std::span<const std::byte> content) { return decoded<Measured>(content); }

}  // namespace stagemark::worker_protocol
