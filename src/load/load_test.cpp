#include "stagemark/load/load_test.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <iterator>
#include <memory>
#include <utility>

#include "load/first_inferences.hpp"
#include "load/load_runner.hpp"
#include "load/worker_target.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/random.hpp"
#include "stagemark/load/virtual_time.hpp"
#include "suite/approach_state.hpp"
#include "suite/entrants.hpp"
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
      entrant.first = FirstInferences(dataset.entries.size());
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
      if (opens_alone(entrants_[i].setup.request.approach)) open(i);
    }
    for (const std::size_t i : approaches) {
      if (!opens_alone(entrants_[i].setup.request.approach)) ask_to_open(i);
    }
    std::vector<std::size_t> opened;
    for (const std::size_t i : approaches) {
      if (!opens_alone(entrants_[i].setup.request.approach)) await_opened(i);
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

  /// What the approaches are and decided, as a suite's result. \throws InputError if no image can be read
  void finish(SuiteResult& suite) {
    DecodingNotes notes;
    for (Entrant& entrant : entrants_) {
      notes.add(entrant.notes);
      ApproachResult& result = entrant.result;
      result.inferences.assign(entrant.first.all().begin(), entrant.first.all().end());
      // In the order of the images, so that approaches that met them in another order read alike.
      std::ranges::sort(result.inferences, {}, &InferenceRecord::image);
      CallRecord all;
      all.size = result.inferences.size();
      all.timed = false;
      if (all.size > 0) result.calls.push_back(all);
      fail_without_answers(result);
      suite.collector.add(std::move(result));
    }
    if (!entrants_.empty() && notes.broken.size() == suite.dataset.entries.size()) notes.refuse_all(suite.dataset);
    notes.tell(suite);
  }

 private:
  struct Entrant {
    LoadSetup setup;
    WorkerCommand command;
    std::unique_ptr<WorkerTarget> worker;
    ApproachResult result;
    FirstInferences first{0};
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
                         [&](const FailedImage& failed) { return !entrant.first.knows(failed.image); });
    for (const InferenceRecord& inference : update.inferences)
      (void)entrant.first.add(inference, entrant.setup.rule, update.facts.precision, result.repeats);
    add_state(result, std::move(update));
    entrant.notes.add(measured.notes);
  }

  const LoadOptions& options_;
  LoadObserver& observer_;
  std::deque<Entrant> entrants_;  // a worker refers to its setup
  ModelIdentities models_;
};

}  // namespace

Nanoseconds measured_time(const LoadOptions& options) {
  const bool replays = options.scenario == Scenario::server && options.arrivals == ArrivalKind::trace;
  if (replays && !options.duration) return period_of(options.trace);
  return options.duration.value_or(std::chrono::minutes(1)) / static_cast<Nanoseconds::rep>(options.generations);
}

void expect_usable(const LoadOptions& options) {
  expect_usable(options.serving);
  if (options.level) expect_usable(*options.level);
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
  if (options.serving.max_batch_delay >= options.hang_limit)
    refuse("is as long as a worker may say nothing", "`max_batch_delay`", "lower it, or raise `hang_limit`");

  const bool is_server = options.scenario == Scenario::server;
  if (!is_server && !options.rates.empty())
    refuse("is for the scenario server", "`rates`", "leave it out: other scenarios find their rate themselves");
  const Nanoseconds schedule = options.warmup + measured_time(options);
  for (const double rate : options.rates) {
    if (!(rate > 0) || !std::isfinite(rate) || rate > 1e6)
      refuse("is not a number above 0 and at most 1,000,000", "`rates`", "give queries a second");
    if (rate * to_seconds(schedule) > static_cast<double>(most_queries))
      refuse("make more than " + thousands(most_queries) + " queries", "`rates`", "lower it, or `duration`");
  }
  if (is_server && options.arrivals == ArrivalKind::trace && !options.duration && schedule > options.max_duration)
    refuse("takes longer than `max_duration`", "`trace`", "raise that, or give the `duration` to replay");
  if (options.scenario == Scenario::offline && (options.serving.queue_limit || options.serving.deadline)) {
    refuse("is for queries that arrive one after the other",
           options.serving.queue_limit ? "`queue_limit`" : "`deadline`",
           "leave it out: offline all of them arrive at once");
  }
  if (options.scenario == Scenario::closed || options.scenario == Scenario::multi_stream)
    expect_usable(options.serving, ClosedLoop{options.concurrency, options.samples_per_query, std::chrono::seconds(1)});
}

LoadTest::LoadTest(Dataset dataset, LoadOptions options) : dataset_(std::move(dataset)), options_(std::move(options)) {
  expect_usable(options_);
  expect_labels(dataset_);
  shuffle(dataset_.entries, options_.seed);
}

void LoadTest::add(ApproachRequest request, WorkerCommand worker) {
  std::vector<std::string> taken;
  taken.reserve(entrants_.size());
  for (const auto& [other, command] : entrants_) taken.push_back(other.approach.label());
  request.approach = named_apart(std::move(request.approach), taken);
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
  result.stopped_because = runner.stopped_because();
  if (!result.stopped_because.empty()) result.suite.stopped_because = result.stopped_because;
  result.suite.interrupted = observer.interrupted();
  return result;
}

}  // namespace stagemark
