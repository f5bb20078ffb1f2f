#include "suite/runner.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "stagemark/backend/read_out.hpp"
#include "stagemark/core/statistics.hpp"
#include "suite/failure_reason.hpp"
#include "suite/peak_memory.hpp"
#include "suite/readiness.hpp"

namespace stagemark {
namespace {

/// Enough to see another preprocessing, and few enough to keep.
constexpr std::size_t rounds_with_inputs = 8;

constexpr std::array synchronous_modes = {TimingMode::stages};
constexpr std::array asynchronous_modes = {TimingMode::total_only, TimingMode::whole_network, TimingMode::stages};

std::span<const TimingMode> modes_of(const InferenceWrapper& wrapper) {
  if (wrapper.asynchronous()) return asynchronous_modes;
  return synchronous_modes;
}

/// Median of what the timed calls took; absent without one.
std::optional<Nanoseconds> usual_time(std::span<const CallRecord> calls) {
  std::vector<double> totals;
  for (const CallRecord& call : calls) {
    const auto total = call.times[Stage::total];
    if (total && call.timed) totals.push_back(static_cast<double>(total->count()));
  }
  if (totals.empty()) return std::nullopt;
  return Nanoseconds(std::llround(median(totals)));
}

}  // namespace

Runner::Runner(InferenceWrapper& wrapper, Approach approach, const RunOptions& options, DecisionRule rule,
               MonotonicClock clock)
    : wrapper_(wrapper), options_(options), rule_(rule), clock_(clock), timer_(TimingMode::stages, clock) {
  result_.approach = std::move(approach);
  result_.asynchronous = wrapper.asynchronous();
  read_facts();
}

void Runner::warm_up(std::span<const Image> images, RunObserver& observer) {
  if (images.empty()) return;
  std::vector<Nanoseconds> times;
  for (std::size_t call = 0; call < options_.warmup && !is_warm(times) && !observer.interrupted(); ++call) {
    const auto modes = modes_of(wrapper_);
    usual_ = run_unrecorded(images, call, modes.front());
    if (usual_) times.push_back(*usual_);
    for (const TimingMode mode : modes.subspan(1)) run_unrecorded(images, call, mode);
  }
  verify();
}

bool Runner::take_turn(const Round& round, std::size_t position, ImageBlock& block, RunObserver& observer) {
  for (std::size_t start = round.first; start < round.last; start = block.end()) {
    block.load(start, round.last);
    if (failed()) continue;
    settled_.clear();
    if (start == round.first) settle(block.images(), observer);
    if (!measure(round, position, block, observer)) return false;
    if (start == round.first && round.index < rounds_with_inputs) keep_input(block);
  }
  if (!failed()) verify();
  return true;
}

const ApproachResult& Runner::measured() {
  result_.peak_rss_bytes = peak_rss_bytes();
  // What the engine does not tell is absent.
  (void)failure_reason([&] { result_.device_peak_bytes = wrapper_.device_peak_bytes(); });
  return result_;
}

ApproachResult Runner::take() {
  (void)measured();
  ApproachResult taken = std::exchange(result_, {});
  taken.scores.pad_to(taken.inferences.size());
  result_.scores.classes = taken.scores.classes;
  result_.approach = taken.approach;
  result_.facts = taken.facts;
  result_.asynchronous = taken.asynchronous;
  result_.error = taken.error;
  return taken;
}

/// Compares what runs with what was asked for.
void Runner::verify() {
  read_facts();
  if (result_.error) return;
  result_.error = unlike_asked(result_.approach, result_.facts);
  if (!result_.error) result_.error = foreign_outputs(outputs_, rule_);
}

/// The first image's, after the turn's times were taken.
void Runner::keep_input(const ImageBlock& block) {
  if (block.images().empty()) return;
  // An image that cannot be preprocessed failed in its recorded call, and is counted there.
  (void)failure_reason([&] {
    InputRecord input{block.index(0), wrapper_.input_of(block.images()[0])};
    if (!input.values.empty()) result_.inputs.push_back(std::move(input));
  });
}

/// Unrecorded calls on the turn's own images: without them the tail would measure the change of approach.
void Runner::settle(std::span<const Image> images, RunObserver& observer) {
  settled_.assign(images.size(), std::nullopt);
  if (images.empty()) return;
  for (std::size_t call = 0; call < options_.settle && !observer.interrupted(); ++call) {
    const auto time = run_unrecorded(images, call, modes_of(wrapper_).front());
    ++result_.settling_calls;
    if (time) std::ranges::copy(scratch_, settled_.begin() + first_unrecorded(images.size(), call));
    if (time && usual_ && has_settled(*time, *usual_)) return;
  }
}

/// Measures the block's images, in every mode that the wrapper needs. False if the observer ended the run.
bool Runner::measure(const Round& round, std::size_t position, const ImageBlock& block, RunObserver& observer) {
  const auto modes = modes_of(wrapper_);
  const std::size_t first_call = result_.calls.size();
  const std::size_t first_inference = result_.inferences.size();
  lay_out(round, block);
  const auto calls = std::span(result_.calls).subspan(first_call);

  TurnRecord turn{round.index, round.process, position, Nanoseconds{0}, 0};
  std::size_t done = calls.size();
  for (std::size_t i = 0; i < modes.size() && done == calls.size(); ++i) {
    // A different mode goes first in each round, so that none always meets the coldest caches.
    const std::size_t mode = (i + round.index) % modes.size();
    timer_.set_mode(modes[mode]);
    const Nanoseconds start = clock_.now();
    for (done = 0; done < calls.size() && !observer.interrupted(); ++done) {
      CallRecord& call = calls[done];
      const std::size_t offset = call.first_inference - first_inference;
      run_recorded(call, block.images().subspan(offset, call.size), std::span(predictions_[mode]).subspan(offset),
                   offset);
    }
    turn.wall += clock_.now() - start;
    turn.calls += done;
  }
  result_.turns.push_back(turn);
  if (const auto usual = usual_time(calls.first(done))) usual_ = usual;

  // A sample of an asynchronous device needs all its passes.
  const std::size_t kept = done == calls.size() || !result_.asynchronous ? done : 0;
  keep_predictions(calls.first(kept), first_inference);
  if (kept < calls.size()) {
    result_.inferences.resize(calls[kept].first_inference);
    result_.scores.pad_to(result_.inferences.size());
    result_.calls.resize(first_call + kept);
  }
  return done == calls.size();
}

/// One engine that fails must not take the others' results with it.
void Runner::read_facts() {
  if (const auto reason = failure_reason([&] { result_.facts = wrapper_.execution_facts(); })) {
    result_.error = "cannot tell what runs: " + *reason;
  }
}

/// Which of so many images an unrecorded call begins with.
std::ptrdiff_t Runner::first_unrecorded(std::size_t images, std::size_t call) const {
  const std::size_t size = std::min(options_.batch, images);
  return static_cast<std::ptrdiff_t>((call * size) % (images - size + 1));
}

std::optional<Nanoseconds> Runner::run_unrecorded(std::span<const Image> images, std::size_t call, TimingMode mode) {
  const std::size_t size = std::min(options_.batch, images.size());
  const auto first = static_cast<std::size_t>(first_unrecorded(images.size(), call));
  scratch_.assign(size, {});
  timer_.set_mode(mode);
  // An image that fails here fails again in its recorded call, and is counted there.
  const auto failed = failure_reason(
      [&] { timer_.time(Stage::total, [&] { wrapper_.predict(images.subspan(first, size), scratch_, timer_); }); });
  const StageTimes times = timer_.take();
  if (failed) return std::nullopt;
  keep_outputs(size);
  return times[Stage::total];
}

/// Makes the records of a block's calls before the clock runs.
void Runner::lay_out(const Round& round, const ImageBlock& block) {
  const std::size_t count = block.images().size();
  for (std::size_t first = 0; first < count; first += options_.batch) {
    CallRecord call;
    call.round = round.index;
    call.pass = round.pass;
    call.process = round.process;
    call.first_inference = result_.inferences.size();
    call.size = std::min(options_.batch, count - first);
    call.timed = call.size == options_.batch;
    for (std::size_t i = first; i < first + call.size; ++i) {
      result_.inferences.push_back({block.index(i), std::nullopt});
      call.times.add(Stage::decode, block.decode_time(i));
    }
    result_.calls.push_back(call);
  }
  for (auto& predictions : predictions_) predictions.assign(count, Prediction{});
  reasons_.assign(count, {});
}

void Runner::run_recorded(CallRecord& call, std::span<const Image> images, std::span<Prediction> out,
                          std::size_t offset) {
  out = out.first(images.size());
  const auto reason =
      failure_reason([&] { timer_.time(Stage::total, [&] { wrapper_.predict(images, out, timer_); }); });
  const StageTimes times = timer_.take();
  if (!reason) {
    keep_times(times, call);
    keep_outputs(call.size);
    if (timer_.mode() != modes_of(wrapper_).front()) return;
    if (out.front().logit) result_.logits.see(wrapper_.scores(), call.size, result_.facts.outputs_unknown);
    if (options_.keep_scores) take_scores(call.first_inference, call.size);
    return;
  }
  call.timed = false;
  // Whichever pass it was: a sample needs all of them.
  std::fill_n(reasons_.begin() + static_cast<std::ptrdiff_t>(offset), call.size, reason);
}

void Runner::keep_outputs(std::size_t images) {
  const std::span<const float> told = wrapper_.scores();
  if (told.size() % images == 0) outputs_ = std::max(outputs_, told.size() / images);
}

/// Of the call that was just made: an engine keeps them until the next one.
void Runner::take_scores(std::size_t first_inference, std::size_t size) {
  const std::span<const float> told = wrapper_.scores();
  if (told.empty() || told.size() % size != 0) return;
  ClassScores& scores = result_.scores;
  if (scores.classes == 0) scores.classes = told.size() / size;
  if (scores.classes * size != told.size()) return;
  scores.pad_to(result_.inferences.size());
  std::ranges::copy(told, scores.values.begin() + static_cast<std::ptrdiff_t>(first_inference * scores.classes));
}

/// `total` of a pass that waits after each stage is not the `total` that users see: it goes by its own name.
void Runner::keep_times(const StageTimes& times, CallRecord& call) const {
  const TimingMode mode = timer_.mode();
  for (const Stage stage : all_stages) {
    const auto time = times[stage];
    if (!time) continue;
    if (stage != Stage::total || !result_.asynchronous || mode == TimingMode::total_only) {
      call.times.add(stage, *time);
    } else if (mode == TimingMode::stages) {
      call.times.add(Stage::total_with_waits, *time);
    }
  }
}

/// Keeps the predictions of the passes that give `total`; those of the other passes are only compared with them.
void Runner::keep_predictions(std::span<CallRecord> calls, std::size_t first_inference) {
  for (CallRecord& call : calls) {
    for (std::size_t inference = call.first_inference; inference < call.first_inference + call.size; ++inference) {
      const std::size_t position = inference - first_inference;
      const Prediction& prediction = predictions_[0][position];
      if (!reasons_[position]) reasons_[position] = defect(prediction);
      if (!reasons_[position]) reasons_[position] = foreign_class(prediction, rule_);
      InferenceRecord& record = result_.inferences[inference];
      if (reasons_[position]) {
        call.timed = false;
        result_.failures.push_back({record.image, *reasons_[position]});
        result_.scores.forget(inference);
        continue;
      }
      record.prediction = prediction;
      const auto compare_with = [&](const Prediction& other) {
        result_.repeats.compare(prediction, other, rule_, result_.facts.precision);
      };
      for (std::size_t mode = 1; mode < modes_of(wrapper_).size(); ++mode) {
        const Prediction& other = predictions_[mode][position];
        if (decide(other, rule_) != decide(prediction, rule_)) ++result_.nondeterministic_predictions;
        compare_with(other);
      }
      if (position < settled_.size() && settled_[position]) compare_with(*settled_[position]);
    }
  }
}

}  // namespace stagemark
