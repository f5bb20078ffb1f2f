#include "stagemark/suite/benchmark_suite.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "stagemark/core/error.hpp"
#include "suite/approach_host.hpp"
#include "suite/entrants.hpp"
#include "suite/image_block.hpp"
#include "suite/model_identities.hpp"
#include "suite/runner.hpp"
#include "suite/worker_host.hpp"

namespace stagemark {
namespace {

/// The least of many short stretches: one that the scheduler interrupts would make a reading cost forty times as much.
std::chrono::duration<double, std::nano> cost_of_reading(const MonotonicClock& clock) {
  constexpr int stretches = 50;
  constexpr int readings = 200;
  auto least = Nanoseconds::max();
  for (int stretch = 0; stretch < stretches; ++stretch) {
    const Nanoseconds start = clock.now();
    for (int i = 0; i < readings; ++i) (void)clock.now();
    least = std::min(least, clock.now() - start);
  }
  return std::chrono::duration<double, std::nano>(least) / (readings + 1);
}

/// An approach in this process. All of them share one block of decoded images.
class LocalHost final : public ApproachHost {
 public:
  LocalHost(Approach approach, InferenceWrapper& wrapper, ImageBlock& block, const RunOptions& options,
            DecisionRule rule, MonotonicClock clock)
      : runner_(wrapper, std::move(approach), options, rule, clock), block_(block) {}

  void start() override {}
  void ask_to_open(RunObserver& /*observer*/) override {}
  void await_opened(RunObserver& /*observer*/) override {}
  void warm_up(RunObserver& observer) override {
    // There are no fresh processes here, so that one warm-up serves all generations.
    if (std::exchange(warm_, true)) return;
    block_.load_first_readable();
    runner_.warm_up(block_.images(), observer);
  }
  bool take_turn(const Round& round, std::size_t position, RunObserver& observer) override {
    return runner_.take_turn(round, position, block_, observer);
  }
  void dismiss() override {}
  void end_generation() override {}
  [[nodiscard]] bool failed() const override { return runner_.failed(); }
  [[nodiscard]] ApproachResult measured() override { return runner_.measured(); }
  ApproachResult finish() override { return runner_.take(); }
  [[nodiscard]] const DecodingNotes& notes() const override { return block_.notes(); }

 private:
  Runner runner_;
  ImageBlock& block_;
  bool warm_ = false;
};

}  // namespace

BenchmarkSuite::BenchmarkSuite(Dataset dataset, std::shared_ptr<const ImageSource> images, RunOptions options,
                               MonotonicClock clock)
    : dataset_(std::move(dataset)), images_(std::move(images)), options_(options), clock_(clock) {
  expect_usable(options_);
  if (!images_) throw std::invalid_argument("a suite needs an image source");
  expect_labels(dataset_);
}

void BenchmarkSuite::add(Approach approach, std::unique_ptr<InferenceWrapper> wrapper) {
  if (!wrapper) throw std::invalid_argument("approach '" + approach.label() + "' has no wrapper");
  ApproachRequest request;
  request.approach = apart(std::move(approach));
  entrants_.push_back({std::move(request), std::move(wrapper)});
}

void BenchmarkSuite::add(const Toolkit& toolkit, const ApproachRequest& request) {
  ApproachRequest sized = request;
  sized.max_batch = options_.batch;
  OpenedApproach opened = open_approach(toolkit, sized);
  add(std::move(opened.approach), std::move(opened.wrapper));
}

void BenchmarkSuite::add(ApproachRequest request, WorkerCommand worker) {
  request.approach = apart(std::move(request.approach));
  request.max_batch = options_.batch;
  entrants_.push_back({std::move(request), std::move(worker)});
}

Approach BenchmarkSuite::apart(Approach approach) const {
  std::vector<std::string> taken;
  taken.reserve(entrants_.size());
  for (const Entrant& entrant : entrants_) taken.push_back(entrant.request.approach.label());
  return named_apart(std::move(approach), taken);
}

SuiteResult BenchmarkSuite::run() {
  RunObserver silent;
  return run(silent);
}

SuiteResult BenchmarkSuite::run(RunObserver& observer, const Continuation& go_on) {
  const auto workers = static_cast<std::size_t>(std::ranges::count_if(
      entrants_, [](const Entrant& entrant) { return std::holds_alternative<WorkerCommand>(entrant.content); }));
  if (workers > 0 && workers < entrants_.size()) {
    throw UsageError("some approaches are measured in this process and others in workers", "suite",
                     "measure all alike: what a process shares would be taken for a difference of approaches");
  }
  if (workers == 0 && options_.processes > 1) {
    throw UsageError("one process cannot be several generations of workers", "`processes`",
                     "add approaches with workers");
  }
  std::vector<Round> plan = plan_rounds(dataset_.entries.size(), entrants_.size(), options_);
  SuiteResult result;
  result.options = options_;
  result.in_workers = workers > 0;
  result.clock_reading = cost_of_reading(clock_);

  ImageBlock block(dataset_, *images_, options_, clock_);
  block.load_first_readable();
  if (block.images().empty() && !entrants_.empty()) block.notes().refuse_all(dataset_);
  ModelIdentities models;
  std::vector<std::unique_ptr<ApproachHost>> hosts;
  for (Entrant& entrant : entrants_) {
    if (const auto* worker = std::get_if<WorkerCommand>(&entrant.content)) {
      hosts.push_back(std::make_unique<WorkerHost>(entrant.request, *worker, dataset_, options_, models));
    } else {
      InferenceWrapper& wrapper = *std::get<std::unique_ptr<InferenceWrapper>>(entrant.content);
      const DecisionRule rule = decision_rule(dataset_, options_.threshold);
      hosts.push_back(std::make_unique<LocalHost>(entrant.request.approach, wrapper, block, options_, rule, clock_));
    }
  }

  const auto gather = [&](SuiteResult& into, ApproachResult (ApproachHost::*results)()) {
    DecodingNotes notes;
    for (const auto& host : hosts) {
      notes.add(host->notes());
      ApproachResult measured = ((*host).*results)();
      fail_without_answers(measured);
      into.collector.add(std::move(measured));
    }
    into.dataset = dataset_;
    notes.tell(into);
  };

  RunProgress progress;
  const auto follow_plan = [&] {
    result.round_count = progress.rounds = plan.size();
    result.passes = plan.empty() ? 0 : plan.back().pass + 1;
    result.generations = plan.empty() ? 1 : plan.back().process + 1;
    progress.images_total = 0;
    for (const Round& round : plan) progress.images_total += (round.last - round.first) * entrants_.size();
  };
  follow_plan();

  // Nothing is measured while workers end, start and open their models, so that all of them do it at once; but one on a
  // GPU opens alone, because its libraries choose their kernels by what these take, and memory there is not shared. Each
  // then warms up alone, as it will be measured.
  const auto end_generation = [&] {
    for (const auto& host : hosts) host->dismiss();
    for (const auto& host : hosts) host->end_generation();
  };
  const auto for_each_host = [&](const auto& step) {
    for (std::size_t i = 0; i < hosts.size() && !observer.interrupted(); ++i) {
      if (!hosts[i]->failed()) step(*hosts[i], entrants_[i].request.approach);
    }
  };
  const auto begin_generation = [&] {
    for_each_host([](ApproachHost& host, const Approach&) { host.start(); });
    const auto await = [&](ApproachHost& host, const Approach& approach) {
      observer.opening(approach.label());
      host.await_opened(observer);
    };
    for_each_host([&](ApproachHost& host, const Approach& approach) {
      if (!opens_alone(approach)) host.ask_to_open(observer);
    });
    for_each_host([&](ApproachHost& host, const Approach& approach) {
      if (!opens_alone(approach)) await(host, approach);
    });
    for_each_host([&](ApproachHost& host, const Approach& approach) {
      if (!opens_alone(approach)) return;
      host.ask_to_open(observer);
      if (!host.failed()) await(host, approach);
    });
    for_each_host([&](ApproachHost& host, const Approach& approach) {
      observer.warming_up(approach.label());
      host.warm_up(observer);
    });
  };
  for (std::size_t next = 0; next < plan.size() && !result.interrupted; ++next) {
    const Round& round = plan[next];
    if (next == 0 || round.process != plan[next - 1].process) {
      end_generation();
      begin_generation();
      result.interrupted = observer.interrupted();
    }
    progress.round = round.index + 1;
    for (std::size_t position = 0; position < round.order.size() && !result.interrupted; ++position) {
      const std::size_t approach = round.order[position];
      progress.approach = entrants_[approach].request.approach.label();
      if (!hosts[approach]->failed()) result.interrupted = !hosts[approach]->take_turn(round, position, observer);
      progress.images_done += round.last - round.first;
      observer.progressed(progress);
    }
    result.interrupted = result.interrupted || observer.interrupted();
    if (next + 1 < plan.size() || result.interrupted || !go_on) continue;
    SuiteResult so_far = result;
    gather(so_far, &ApproachHost::measured);
    const auto decision = go_on(so_far);
    if (const auto* more = std::get_if<MoreRounds>(&decision)) {
      extend_plan(plan, *more, dataset_.entries.size(), options_);
      follow_plan();
    } else {
      result.stopped_because = std::get<std::string>(decision);
    }
  }

  if (result.interrupted) result.stopped_because = "interrupted";
  end_generation();
  gather(result, &ApproachHost::finish);
  return result;
}

}  // namespace stagemark
