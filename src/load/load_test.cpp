#include "stagemark/load/load_test.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <utility>

#include "load/load_runner.hpp"
#include "load/worker_target.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/random.hpp"
#include "stagemark/load/virtual_time.hpp"
#include "suite/model_identities.hpp"

namespace stagemark {
namespace {

using worker_protocol::LoadSetup;
using worker_protocol::Measured;

[[noreturn]] void refuse(const std::string& problem, const char* parameter, const std::string& remedy) {
  throw UsageError(problem, parameter, remedy);
}

/// In an order that the seed draws: a short load is to meet images of all classes.
void shuffle(std::vector<DatasetEntry>& entries, std::uint64_t seed) {
  SplitMix64 random(seed);
  for (std::size_t left = entries.size(); left > 1; --left) std::swap(entries[left - 1], entries[random.below(left)]);
}

bool opens_alone_here(const Approach& approach) {
  return approach.device && approach.device->kind != Device::Kind::cpu;
}

/// The approaches in workers, and all that is kept of what they tell.
class WorkersUnderLoad final : public LoadedApproaches {
 public:
  WorkersUnderLoad(const Dataset& dataset, const LoadOptions& options,
                   const std::vector<std::pair<ApproachRequest, WorkerCommand>>& entrants, LoadObserver& observer)
      : options_(options), observer_(observer) {
    for (const auto& [request, command] : entrants) {
      Entrant& entrant = entrants_.emplace_back();
      entrant.setup = {request, dataset, options.serving, decision_rule(dataset, options.threshold),
                       options.image_memory_bytes};
      entrant.command = command;
      entrant.result.approach = request.approach;
      entrant.first_of_image.resize(dataset.entries.size(), 0);
    }
  }

  std::vector<std::size_t> begin_generation(std::span<const std::size_t> approaches) override {
    for (const std::size_t i : approaches) {
      attempt(i, [&] {
        Entrant& entrant = entrants_[i];
        entrant.worker = std::make_unique<WorkerTarget>(entrant.setup, entrant.command, options_.hang_limit);
      });
    }
    // One on a GPU opens alone: its libraries choose their kernels by what these take. The others do at the same time.
    for (const std::size_t i : approaches) {
      if (opens_alone_here(entrants_[i].setup.request.approach)) open(i);
    }
    for (const std::size_t i : approaches) {
      if (!opens_alone_here(entrants_[i].setup.request.approach)) ask_to_open(i);
    }
    std::vector<std::size_t> opened;
    for (const std::size_t i : approaches) {
      if (!opens_alone_here(entrants_[i].setup.request.approach)) await_opened(i);
      if (!entrants_[i].result.error && entrants_[i].worker) opened.push_back(i);
    }
    return opened;
  }

  void end_generation() override {
    for (Entrant& entrant : entrants_) {
      if (entrant.worker) entrant.worker->dismiss();
    }
    for (Entrant& entrant : entrants_) entrant.worker.reset();
  }

  std::optional<LiveLoadResult> serve(std::size_t approach, const LoadOrder& order,
                                      const LoadProgress& progress) override {
    std::optional<LiveLoadResult> served;
    const auto tick = [&] {
      observer_.loading(progress);
      return observer_.interrupted();
    };
    attempt(approach, [&] {
      WorkerTarget::Answer answer = entrants_[approach].worker->serve(order, tick);
      keep(approach, std::move(answer.measured));
      served = std::move(answer.served);
    });
    if (entrants_[approach].result.error) return std::nullopt;
    return served;
  }

  [[nodiscard]] std::string name(std::size_t approach) const override {
    return entrants_[approach].setup.request.approach.label();
  }
  [[nodiscard]] bool interrupted() override { return observer_.interrupted(); }
  [[nodiscard]] Nanoseconds now() override {
    return std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
  }
  void planned(Nanoseconds full_answer) override { observer_.planned(full_answer); }
  void loaded(std::size_t approach, const LoadPoint& point, std::span<const MeasuredLog> generations) override {
    observer_.loaded(name(approach), point, generations);
  }

  /// What the approaches are and decided, as a suite's result.
  void finish(SuiteResult& suite) {
    DecodingNotes notes;
    for (Entrant& entrant : entrants_) {
      notes.broken.merge(entrant.notes.broken);
      notes.sixteen_bit.merge(entrant.notes.sixteen_bit);
      ApproachResult& result = entrant.result;
      // In the order of the images, so that approaches that met them in another order read alike.
      std::ranges::sort(result.inferences, {}, &InferenceRecord::image);
      CallRecord all;
      all.size = result.inferences.size();
      all.timed = false;
      if (all.size > 0) result.calls.push_back(all);
      fail_without_answers(result);
      suite.collector.add(std::move(result));
    }
    for (const auto& [index, reason] : notes.broken) {
      suite.dataset.skipped.push_back({suite.dataset.entries[index].path, reason});
    }
    for (const auto& [index, range] : notes.sixteen_bit) suite.sixteen_bit_ranges.push_back(range);
  }

 private:
  struct Entrant {
    LoadSetup setup;
    WorkerCommand command;
    std::unique_ptr<WorkerTarget> worker;
    ApproachResult result;
    std::vector<std::uint32_t> first_of_image;  ///< 1 + index into the result's inferences; 0: none yet
    DecodingNotes notes;
  };

  template <class Work>
  void attempt(std::size_t approach, const Work& work) try {
    work();
  } catch (const std::exception& error) {
    // Ctrl-C in a terminal reaches a worker too that is starting.
    if (!observer_.interrupted()) entrants_[approach].result.error = error.what();
    entrants_[approach].worker.reset();
  }

  [[nodiscard]] Interrupted interrupted_by_observer() {
    return [this] { return observer_.interrupted(); };
  }

  void open(std::size_t approach) {
    ask_to_open(approach);
    await_opened(approach);
  }
  void ask_to_open(std::size_t approach) {
    if (!entrants_[approach].worker) return;
    observer_.opening(name(approach));
    attempt(approach, [&] { entrants_[approach].worker->ask_to_open(interrupted_by_observer()); });
  }
  void await_opened(std::size_t approach) {
    if (!entrants_[approach].worker) return;
    attempt(approach, [&] { keep(approach, entrants_[approach].worker->await_opened(interrupted_by_observer())); });
  }

  /// Each image's first inference; later ones are compared with it.
  void keep(std::size_t approach, Measured&& measured) {
    Entrant& entrant = entrants_[approach];
    ApproachResult& result = entrant.result;
    ApproachResult& update = measured.result;
    if (update.facts.model) models_.expect(*update.facts.model);
    std::ranges::copy_if(update.failures, std::back_inserter(result.failures),
                         [&](const FailedImage& failed) { return entrant.first_of_image[failed.image] == 0; });
    for (const InferenceRecord& inference : update.inferences) {
      std::uint32_t& first = entrant.first_of_image[inference.image];
      if (first == 0) {
        result.inferences.push_back(inference);
        first = static_cast<std::uint32_t>(result.inferences.size());
      } else if (const auto& before = result.inferences[first - 1].prediction; before && inference.prediction) {
        result.repeats.compare(*before, *inference.prediction, entrant.setup.rule, update.facts.precision);
      }
    }
    result.repeats.add(update.repeats);
    result.doubtful_logits += update.doubtful_logits;
    result.asynchronous = update.asynchronous;
    result.facts = std::move(update.facts);
    result.peak_rss_bytes = std::max(result.peak_rss_bytes, update.peak_rss_bytes);
    if (update.device_peak_bytes) {
      result.device_peak_bytes = std::max(result.device_peak_bytes.value_or(0), *update.device_peak_bytes);
    }
    result.error = std::move(update.error);
    entrant.notes.broken.merge(measured.notes.broken);
    entrant.notes.sixteen_bit.merge(measured.notes.sixteen_bit);
  }

  const LoadOptions& options_;
  LoadObserver& observer_;
  std::deque<Entrant> entrants_;  // a worker refers to its setup
  ModelIdentities models_;
};

}  // namespace

void expect_usable(const LoadOptions& options) {
  expect_usable(options.serving);
  if (options.level) expect_usable(*options.level);
  const bool is_server = options.scenario == Scenario::server;
  if (!is_server && !options.rates.empty())
    refuse("is for the scenario server", "`rates`", "leave it out: other scenarios find their rate themselves");
  for (const double rate : options.rates) {
    if (!(rate > 0) || !std::isfinite(rate) || rate > 1e6)
      refuse("is not a number above 0 and at most 1,000,000", "`rates`", "give queries a second");
  }
  if (options.scenario == Scenario::offline && (options.serving.queue_limit || options.serving.deadline)) {
    refuse("is for queries that arrive one after the other",
           options.serving.queue_limit ? "`queue_limit`" : "`deadline`",
           "leave it out: offline all of them arrive at once");
  }
  const Nanoseconds slice = options.duration.value_or(std::chrono::minutes(1)) /
                            static_cast<Nanoseconds::rep>(std::max<std::size_t>(options.generations, 1));
  for (const double rate : options.rates) {
    if (rate * to_seconds(options.warmup + slice) > static_cast<double>(most_queries))
      refuse("make more than " + thousands(most_queries) + " queries", "`rates`", "lower it, or `duration`");
  }
  if (options.arrivals == ArrivalKind::trace && is_server && !options.duration &&
      options.warmup + period_of(options.trace) > options.max_duration) {
    refuse("takes longer than `max_duration`", "`trace`", "raise that, or give the `duration` to replay");
  }
  if (options.scenario == Scenario::closed || options.scenario == Scenario::multi_stream) {
    expect_usable(options.serving, ClosedLoop{options.concurrency, options.samples_per_query, std::chrono::seconds(1)});
  }
  if (options.serving.max_batch_delay >= options.hang_limit)
    refuse("is as long as a worker may say nothing", "`max_batch_delay`", "lower it, or raise `hang_limit`");
  if (options.concurrency == 0 || options.concurrency > 100'000)
    refuse("is not between 1 and 100,000", "`concurrency`", "give such a number");
  if (options.samples_per_query == 0 || options.samples_per_query > 100'000)
    refuse("is not between 1 and 100,000", "`samples_per_query`", "give such a number");
  if (options.generations == 0 || options.generations > 1'000)
    refuse("is not between 1 and 1,000", "`generations`", "give such a number");
  constexpr Nanoseconds longest = std::chrono::hours{24 * 30};
  if (options.warmup < Nanoseconds{0} || options.warmup > longest)
    refuse("is not between 0 and 30 days", "`warmup`", "give such a time");
  if (options.duration && (*options.duration < std::chrono::milliseconds(1) || *options.duration > longest))
    refuse("is not between 1 ms and 30 days", "`duration`", "give such a time");
  if (options.max_duration <= Nanoseconds{0} || options.max_duration > longest)
    refuse("is not above 0 and at most 30 days", "`max_duration`", "give such a time");
  if (options.image_memory_bytes == 0) refuse("is 0", "`round_memory`", "give the memory for decoded images");
}

LoadTest::LoadTest(Dataset dataset, LoadOptions options) : dataset_(std::move(dataset)), options_(std::move(options)) {
  expect_usable(options_);
  for (const DatasetEntry& entry : dataset_.entries) {
    if (entry.label && *entry.label >= dataset_.classes.size())
      throw std::invalid_argument("the label of " + entry.path + " is no class of the data set");
  }
  shuffle(dataset_.entries, options_.seed);
}

void LoadTest::add(ApproachRequest request, WorkerCommand worker) {
  const std::string label = request.approach.label();
  const auto taken = [this](const std::string& name) {
    return std::ranges::any_of(entrants_, [&](const auto& other) { return other.first.approach.label() == name; });
  };
  for (std::size_t copy = 2; taken(request.approach.label()); ++copy)
    request.approach.name = label + "#" + std::to_string(copy);
  request.threads = options_.serving.threads;
  request.max_batch = options_.serving.max_batch;
  entrants_.emplace_back(std::move(request), std::move(worker));
}

LoadResult LoadTest::run(LoadObserver& observer) {
  LoadResult result;
  result.options = options_;
  result.suite.dataset = dataset_;
  result.suite.in_workers = true;
  result.suite.generations = options_.generations;
  result.suite.options.seed = options_.seed;
  result.suite.options.threshold = options_.threshold;
  result.suite.options.batch = options_.serving.max_batch;
  result.suite.options.warmup = result.suite.options.settle = result.suite.options.rounds = 0;
  WorkersUnderLoad workers(dataset_, options_, entrants_, observer);
  LoadRunner runner(options_, dataset_.entries.size(), workers, entrants_.size());
  runner.run();
  workers.end_generation();
  workers.finish(result.suite);
  result.loads = runner.take();
  result.duration = runner.duration();
  result.stopped_because = runner.stopped_because();
  if (!result.stopped_because.empty()) result.suite.stopped_because = result.stopped_because;
  result.suite.interrupted = observer.interrupted();
  return result;
}

}  // namespace stagemark
