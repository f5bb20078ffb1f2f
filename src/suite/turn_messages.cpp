#include "suite/turn_messages.hpp"

#include <algorithm>
#include <chrono>

#include "stagemark/core/error.hpp"
#include "suite/setup_fields.hpp"
#include "workers/wire.hpp"

namespace stagemark::worker_protocol {
namespace {

/// More than any classifier has.
constexpr std::size_t most_classes = 1U << 20U;

/// No call and no turn takes a month, and thousands of those can be added up.
bool is_duration(Nanoseconds time) { return time >= Nanoseconds{0} && time < std::chrono::hours{24 * 30}; }

}  // namespace

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
void describe(Fields& fields, Repeats& repeats) {
  fields(repeats.compared);
  fields(repeats.other_scores);
  fields(repeats.other_decisions);
  fields(repeats.largest_difference);
}

template <class Fields>
void describe(Fields& fields, LogitRows& rows) {
  fields(rows.count);
  fields(rows.probabilities);
  fields(rows.fractions);
  fields(rows.percentages);
  fields(rows.bytes);
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
  fields(result.repeats);
  fields(result.logits);
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
  fields(setup.rule);
}

template <class Fields>
void describe(Fields& fields, Turn& turn) {
  fields(turn.round);
  fields(turn.position);
}

template <class Fields>
void describe(Fields& fields, SampleRange& range) {
  fields(range.lowest);
  fields(range.highest);
}

template <class Fields>
void describe(Fields& fields, Measured& measured) {
  fields(measured.result);
  fields(measured.notes.broken);
  fields(measured.notes.sixteen_bit);
  fields(measured.interrupted);
}

std::vector<std::byte> encode(const Setup& setup) { return encoded(setup); }
std::vector<std::byte> encode(const Turn& turn) { return encoded(turn); }
std::vector<std::byte> encode(const Measured& measured) { return encoded(measured); }

Setup decode_setup(std::span<const std::byte> content) { return decoded<Setup>(content); }
Turn decode_turn(std::span<const std::byte> content) { return decoded<Turn>(content); }
Measured decode_measured(std::span<const std::byte> content) { return decoded<Measured>(content); }

void expect_sense(const Measured& measured, std::size_t images) {
  const ApproachResult& update = measured.result;
  const auto is_image = [images](const auto& record) { return record.image < images; };
  const auto is_key = [images](const auto& pair) { return pair.first < images; };
  const auto is_inference = [&](const InferenceRecord& record) {
    return is_image(record) && !(record.prediction && defect(*record.prediction));
  };
  const auto is_call = [known = update.inferences.size()](const CallRecord& call) {
    return call.first_inference <= known && call.size <= known - call.first_inference &&
           std::ranges::all_of(all_stages,
                               [&](Stage stage) { return is_duration(call.times[stage].value_or(Nanoseconds{0})); });
  };
  const auto is_turn = [](const TurnRecord& turn) { return is_duration(turn.wall); };
  const bool makes_sense =
      std::ranges::all_of(update.inferences, is_inference) && std::ranges::all_of(update.failures, is_image) &&
      std::ranges::all_of(update.inputs, is_image) && std::ranges::all_of(measured.notes.broken, is_key) &&
      std::ranges::all_of(update.calls, is_call) && std::ranges::all_of(update.turns, is_turn);
  const ClassScores& scores = update.scores;
  // The number of classes is believed only where rows of that length came with it: it decides what is allocated.
  const bool has_rows = scores.values.empty() || (scores.classes > 0 && scores.classes <= most_classes &&
                                                  scores.values.size() == scores.classes * update.inferences.size());
  if (!makes_sense || !has_rows)
    throw BackendError({.problem = "its worker told what cannot be true", .remedy = "use another build"});
}

}  // namespace stagemark::worker_protocol
