#include "stagemark/suite/benchmark_suite.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

constexpr std::array synchronous_modes = {TimingMode::stages};
constexpr std::array asynchronous_modes = {TimingMode::total_only, TimingMode::whole_network, TimingMode::stages};

std::span<const TimingMode> modes_of(const InferenceWrapper& wrapper) {
  if (wrapper.asynchronous()) return asynchronous_modes;
  return synchronous_modes;
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;
}

Nanoseconds cost_of_reading(const MonotonicClock& clock) {
  constexpr int readings = 10'000;
  const Nanoseconds start = clock.now();
  for (int i = 0; i < readings; ++i) (void)clock.now();
  return (clock.now() - start) / (readings + 1);
}

/// Some runtimes append a stack trace to their messages.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

std::size_t decision(const Prediction& prediction, double threshold) {
  return prediction.class_index.value_or(prediction.probability >= threshold ? 1 : 0);
}

/// Decoded images of one stretch of the data set, kept until another stretch is asked for, so that approaches that
/// take their turns on the same images share one decoding.
class ImageBlock {
 public:
  ImageBlock(const Dataset& dataset, const ImageSource& source, const RunOptions& options, const MonotonicClock& clock)
      : dataset_(dataset), source_(source), options_(options), clock_(clock) {}

  /// Decodes from `first` on, to `last` at most or until the memory limit is reached. Images that cannot be decoded are
  /// left out and remembered.
  void load(std::size_t first, std::size_t last) {
    if (first_ == first && limit_ == last && end_ != first) return;
    images_.clear();
    indices_.clear();
    decode_times_.clear();
    first_ = first;
    limit_ = last;
    end_ = first;
    std::size_t bytes = 0;
    while (end_ < last) {
      // Only between calls: a block that ends inside a call would make a short one.
      const bool between_calls = images_.size() % options_.batch == 0;
      if (!images_.empty() && between_calls && bytes >= options_.round_memory_bytes) break;
      const std::size_t index = end_++;
      if (broken_.contains(index)) continue;
      try {
        const Nanoseconds start = clock_.now();
        Image image = source_.load(dataset_.file(dataset_.entries[index]));
        const Nanoseconds time = clock_.now() - start;
        bytes += image.pixels.size();
        if (image.lost_low_byte) without_low_byte_.insert(index);
        images_.push_back(std::move(image));
        indices_.push_back(index);
        decode_times_.push_back(time);
      } catch (const std::exception& error) {
        broken_.emplace(index, first_line(error));
      }
    }
  }

  [[nodiscard]] std::size_t end() const noexcept { return end_; }
  [[nodiscard]] std::span<const Image> images() const noexcept { return images_; }
  [[nodiscard]] std::size_t index(std::size_t position) const { return indices_[position]; }
  [[nodiscard]] Nanoseconds decode_time(std::size_t position) const { return decode_times_[position]; }
  [[nodiscard]] const std::map<std::size_t, std::string>& broken() const noexcept { return broken_; }
  [[nodiscard]] const std::set<std::size_t>& without_low_byte() const noexcept { return without_low_byte_; }

 private:
  const Dataset& dataset_;
  const ImageSource& source_;
  const RunOptions& options_;
  const MonotonicClock& clock_;
  std::vector<Image> images_;
  std::vector<std::size_t> indices_;
  std::vector<Nanoseconds> decode_times_;
  std::map<std::size_t, std::string> broken_;
  std::set<std::size_t> without_low_byte_;
  std::size_t first_ = 0, limit_ = 0, end_ = 0;
};

/// One approach while it is being measured.
class Runner {
 public:
  Runner(InferenceWrapper& wrapper, Approach approach, const RunOptions& options, MonotonicClock clock)
      : wrapper_(wrapper), options_(options), clock_(clock), timer_(TimingMode::stages, clock) {
    result_.approach = std::move(approach);
    result_.asynchronous = wrapper.asynchronous();
    read_facts();
  }

  [[nodiscard]] bool failed() const noexcept { return result_.error.has_value(); }

  void warm_up(std::span<const Image> images, RunObserver& observer) {
    if (images.empty()) return;
    for (std::size_t call = 0; call < options_.warmup && !observer.interrupted(); ++call) {
      for (const TimingMode mode : modes_of(wrapper_)) run_unrecorded(images, call, mode);
    }
  }

  /// Compares what runs with what was asked for.
  void verify() {
    read_facts();
    if (result_.error) return;
    const Approach& asked = result_.approach;
    const Device device = asked.device.value_or(result_.facts.device);
    if (asked.precision == result_.facts.precision && device == result_.facts.device) return;
    result_.error = "asked for " + std::string(to_string(asked.precision)) + " on " + to_string(device) +
                    ", but the tensors were " + std::string(to_string(result_.facts.precision)) + " on " +
                    to_string(result_.facts.device);
  }

  /// Unrecorded calls on the turn's own images: without them the tail would measure the change of approach.
  void settle(std::span<const Image> images, RunObserver& observer) {
    if (images.empty()) return;
    for (std::size_t call = 0; call < options_.settle && !observer.interrupted(); ++call) {
      run_unrecorded(images, call, modes_of(wrapper_).front());
      ++result_.settling_calls;
    }
  }

  /// Measures the block's images, in every mode that the wrapper needs. False if the observer ended the run.
  bool measure(const Round& round, std::size_t position, const ImageBlock& block, RunObserver& observer) {
    const auto modes = modes_of(wrapper_);
    const std::size_t first_call = result_.calls.size();
    const std::size_t first_inference = result_.inferences.size();
    lay_out(round, block);
    const auto calls = std::span(result_.calls).subspan(first_call);

    TurnRecord turn{round.index, position, Nanoseconds{0}, 0};
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

    // A sample of an asynchronous device needs all its passes.
    const std::size_t kept = done == calls.size() || !result_.asynchronous ? done : 0;
    keep_predictions(calls.first(kept), first_inference);
    if (kept < calls.size()) {
      result_.inferences.resize(calls[kept].first_inference);
      result_.calls.resize(first_call + kept);
    }
    return done == calls.size();
  }

  ApproachResult finish() {
    if (!result_.error && !result_.inferences.empty()) {
      verify();
      const bool all_failed = std::none_of(result_.inferences.begin(), result_.inferences.end(),
                                           [](const InferenceRecord& r) { return r.prediction.has_value(); });
      if (all_failed) {
        result_.error = "every image failed";
        if (!result_.failures.empty()) *result_.error += ", the first with: " + result_.failures.front().reason;
      }
    }
    result_.peak_rss_bytes = peak_rss_bytes();
    try {
      result_.device_peak_bytes = wrapper_.device_peak_bytes();
    } catch (const std::exception&) {
      // What the engine does not tell is absent.
    }
    return std::move(result_);
  }

  void fail(std::string reason) { result_.error = std::move(reason); }

 private:
  /// One engine that fails must not take the others' results with it.
  void read_facts() {
    try {
      result_.facts = wrapper_.execution_facts();
    } catch (const std::exception& error) {
      result_.error = "cannot tell what runs: " + first_line(error);
    }
  }

  void run_unrecorded(std::span<const Image> images, std::size_t call, TimingMode mode) {
    const std::size_t size = std::min(options_.batch, images.size());
    const std::size_t first = (call * size) % (images.size() - size + 1);
    scratch_.resize(size);
    timer_.set_mode(mode);
    try {
      timer_.time(Stage::total, [&] { wrapper_.predict(images.subspan(first, size), scratch_, timer_); });
    } catch (const std::exception&) {
      // The same image fails again in its recorded call, and is counted there.
    }
    (void)timer_.take();
  }

  /// Makes the records of a block's calls before the clock runs.
  void lay_out(const Round& round, const ImageBlock& block) {
    const std::size_t count = block.images().size();
    for (std::size_t first = 0; first < count; first += options_.batch) {
      CallRecord call;
      call.round = round.index;
      call.pass = round.pass;
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

  void run_recorded(CallRecord& call, std::span<const Image> images, std::span<Prediction> out, std::size_t offset) {
    out = out.first(images.size());
    try {
      timer_.time(Stage::total, [&] { wrapper_.predict(images, out, timer_); });
      keep_times(timer_.take(), call);
    } catch (const std::exception& error) {
      (void)timer_.take();
      call.timed = false;
      // Whichever pass it was: a sample needs all of them.
      std::fill_n(reasons_.begin() + static_cast<std::ptrdiff_t>(offset), call.size, first_line(error));
    }
  }

  /// `total` of a pass that waits after each stage is not the `total` that users see: it goes by its own name.
  void keep_times(const StageTimes& times, CallRecord& call) const {
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
  void keep_predictions(std::span<CallRecord> calls, std::size_t first_inference) {
    for (CallRecord& call : calls) {
      for (std::size_t inference = call.first_inference; inference < call.first_inference + call.size; ++inference) {
        const std::size_t position = inference - first_inference;
        const Prediction& prediction = predictions_[0][position];
        if (reasons_[position].empty()) reasons_[position] = defect(prediction).value_or("");
        InferenceRecord& record = result_.inferences[inference];
        if (!reasons_[position].empty()) {
          call.timed = false;
          result_.failures.push_back({record.image, reasons_[position]});
          continue;
        }
        record.prediction = prediction;
        for (std::size_t mode = 1; mode < modes_of(wrapper_).size(); ++mode) {
          const bool same =
              decision(predictions_[mode][position], options_.threshold) == decision(prediction, options_.threshold);
          if (!same) ++result_.nondeterministic_predictions;
        }
      }
    }
  }

  InferenceWrapper& wrapper_;
  const RunOptions& options_;
  MonotonicClock clock_;
  StageTimer timer_;
  ApproachResult result_;
  std::array<std::vector<Prediction>, asynchronous_modes.size()> predictions_;  ///< of a block, by mode
  std::vector<std::string> reasons_;                                            ///< of a block, why an image failed
  std::vector<Prediction> scratch_;
};

}  // namespace

BenchmarkSuite::BenchmarkSuite(Dataset dataset, std::shared_ptr<const ImageSource> images, RunOptions options,
                               MonotonicClock clock)
    : dataset_(std::move(dataset)), images_(std::move(images)), options_(options), clock_(clock) {
  if (options_.batch == 0) throw UsageError("the batch must hold at least one image", "batch");
}

void BenchmarkSuite::add(Approach approach, std::unique_ptr<InferenceWrapper> wrapper) {
  entrants_.push_back({std::move(approach), std::move(wrapper)});
}

SuiteResult BenchmarkSuite::run() {
  RunObserver silent;
  return run(silent);
}

SuiteResult BenchmarkSuite::run(RunObserver& observer) {
  const std::vector<Round> plan = plan_rounds(dataset_.entries.size(), entrants_.size(), options_);
  SuiteResult result;
  result.options = options_;
  result.round_count = plan.size();
  result.passes = plan.empty() ? 0 : plan.back().pass + 1;
  result.clock_reading = cost_of_reading(clock_);

  std::vector<Runner> runners;
  runners.reserve(entrants_.size());
  for (Entrant& entrant : entrants_) {
    runners.emplace_back(*entrant.wrapper, entrant.approach, options_, clock_);
  }

  ImageBlock block(dataset_, *images_, options_, clock_);
  // As many images as the warm-up can use; further on where these are broken.
  const std::size_t wanted = std::max<std::size_t>(options_.warmup * options_.batch, 1);
  std::size_t first = 0;
  do {
    block.load(first, std::min(dataset_.entries.size(), first + wanted));
    first = block.end();
  } while (block.images().empty() && first < dataset_.entries.size());
  if (block.images().empty() && !entrants_.empty()) {
    throw InputError("no image can be read" +
                         (block.broken().empty() ? "" : ", the first because: " + block.broken().begin()->second),
                     dataset_.root.string(), "give a directory of PNG, JPEG, BMP, TIFF or PGM images");
  }
  for (std::size_t i = 0; i < runners.size() && !observer.interrupted(); ++i) {
    observer.warming_up(entrants_[i].approach.label());
    runners[i].warm_up(block.images(), observer);
    runners[i].verify();
  }

  RunProgress progress;
  progress.rounds = plan.size();
  progress.images_total = dataset_.entries.size() * result.passes * entrants_.size();
  for (const Round& round : plan) {
    progress.round = round.index + 1;
    for (std::size_t position = 0; position < round.order.size() && !result.interrupted; ++position) {
      const std::size_t approach = round.order[position];
      Runner& runner = runners[approach];
      progress.approach = entrants_[approach].approach.label();
      for (std::size_t start = round.first; start < round.last && !result.interrupted; start = block.end()) {
        block.load(start, round.last);
        if (runner.failed()) continue;
        if (start == round.first) runner.settle(block.images(), observer);
        result.interrupted = !runner.measure(round, position, block, observer);
      }
      progress.images_done += round.last - round.first;
      observer.progressed(progress);
    }
    result.interrupted = result.interrupted || observer.interrupted();
    if (result.interrupted) break;
  }

  for (Runner& runner : runners) result.collector.add(runner.finish());
  result.dataset = dataset_;
  for (const auto& [index, reason] : block.broken()) {
    result.dataset.skipped.push_back({dataset_.entries[index].path, reason});
  }
  result.images_without_low_byte = block.without_low_byte().size();
  return result;
}

}  // namespace stagemark
