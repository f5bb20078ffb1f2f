#include "load/load_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "stagemark/load/virtual_time.hpp"
#include "virtual_load.hpp"

namespace stagemark {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Approaches whose engines take a time that is drawn, and no time in earnest.
class VirtualApproaches final : public LoadedApproaches {
 public:
  struct Served {
    std::size_t approach = 0;
    LoadOrder order;
  };

  VirtualApproaches(const ServingSettings& serving, std::vector<ServiceTime> engines, std::uint64_t seed = 1)
      : serving_(serving), engines_(std::move(engines)), seed_(seed) {}

  std::vector<std::size_t> begin_generation(std::span<const std::size_t> approaches) override {
    now_ += 1s;
    ++generations;
    return {approaches.begin(), approaches.end()};
  }
  void end_generation() override {}
  std::optional<LiveLoadResult> serve(std::size_t approach, const LoadOrder& order,
                                      const LoadProgress& /*progress*/) override {
    served.push_back({approach, order});
    if (served.size() > fails_after && approach == 1) return std::nullopt;
    ServingSettings serving = serving_;
    if (order.unlimited) serving.queue_limit.reset();
    LiveLoadResult result;
    result.log = serve_in_virtual_time(serving, order.arrivals, engines_[approach], seed_++);
    for (const QueryRecord& query : result.log)
      result.complete_until = std::max(result.complete_until, query.completed);
    now_ += result.complete_until;
    return result;
  }
  [[nodiscard]] std::string name(std::size_t approach) const override { return std::string(1, "AB"[approach]); }
  [[nodiscard]] bool interrupted() override { return served.size() >= interrupted_after; }
  [[nodiscard]] Nanoseconds now() override { return now_; }
  void planned(Nanoseconds full_answer) override { plan = full_answer; }
  void loaded(std::size_t /*approach*/, const LoadPoint& /*point*/,
              std::span<const MeasuredLog> /*generations*/) override {}

  std::vector<Served> served;
  std::size_t generations = 0;
  std::size_t fails_after = 1'000'000;
  std::size_t interrupted_after = 1'000'000;
  Nanoseconds plan{0};

 private:
  ServingSettings serving_;
  std::vector<ServiceTime> engines_;
  std::uint64_t seed_;
  Nanoseconds now_{0};
};

/// Spins so long, give or take a little.
ServiceTime spinning(Nanoseconds mean, double spread = 0.02) {
  return [mean, spread](const ServiceCall& call) {
    const double factor = (1 + spread * (2 * call.draw - 1)) * static_cast<double>(1 + call.batch_size) / 2;
    return Nanoseconds(std::llround(factor * static_cast<double>(mean.count())));
  };
}

struct Outcome {
  std::vector<ApproachLoad> loads;
  std::string stopped_because;
};

Outcome run(const LoadOptions& options, VirtualApproaches& approaches, std::size_t count) {
  LoadRunner runner(options, 100, approaches, count);
  runner.run();
  return {runner.take(), runner.stopped_because()};
}

LoadOptions searching(Nanoseconds duration = 40s) {
  LoadOptions options;
  options.level = ServiceLevel{0.99, 10ms};
  options.warmup = 1s;
  options.duration = duration;
  options.max_duration = 10h;
  return options;
}

/// Where the share over the bound is 1 %, in a run that is long enough to tell.
double true_capacity(const LoadOptions& options, const ServiceTime& engine) {
  return predicted_capacity(
      options.serving, *options.level, engine, [](double rate) { return poisson_arrivals(rate, 2000s, 99); }, 100, 499,
      7);
}

TEST(LoadRunner, FindsTheCapacityBetweenARateThatHeldAndOneThatFailed) {
  const LoadOptions options = searching();
  const ServiceTime engine = spinning(2ms);
  const double truth = true_capacity(options, engine);
  VirtualApproaches approaches(options.serving, {engine});
  const Outcome outcome = run(options, approaches, 1);
  const ApproachLoad& load = outcome.loads[0];
  EXPECT_NEAR(*load.offline_rate, 500, 5);
  EXPECT_NEAR(load.unloaded->p50, 2, 0.05);
  EXPECT_NEAR(*load.predicted, truth, 0.05 * truth);
  ASSERT_TRUE(load.capacity && load.capacity->passed && load.capacity->failed);
  EXPECT_LE(*load.capacity->passed, truth);
  EXPECT_GE(*load.capacity->failed, truth);
  EXPECT_LT(*load.capacity->failed, 1.3 * *load.capacity->passed);
  ASSERT_EQ(load.capacities.size(), options.generations);
  for (const auto& capacity : load.capacities) EXPECT_NEAR(capacity.value.value_or(0), truth, 0.15 * truth);
  EXPECT_TRUE(std::ranges::is_sorted(load.points, {}, &LoadPoint::offered_rate));
  for (const LoadPoint& point : load.points) EXPECT_EQ(point.generations, options.generations);
  EXPECT_GT(approaches.plan, 5 * 40s);
}

TEST(LoadRunner, SendsEveryApproachTheSameArrivalsAndImages) {
  LoadOptions options = searching(10s);
  options.level.reset();
  options.rates = {100, 200};
  VirtualApproaches approaches(options.serving, {spinning(2ms), spinning(3ms)});
  const Outcome outcome = run(options, approaches, 2);
  EXPECT_EQ(approaches.generations, 1 + options.generations);
  const std::size_t calibration = 4;
  ASSERT_EQ(approaches.served.size(), calibration + 2 * 2 * options.generations);
  std::set<std::vector<Nanoseconds>> schedules;
  std::set<std::size_t> first_images;
  std::vector<std::size_t> firsts;
  for (std::size_t i = calibration; i < approaches.served.size(); i += 2) {
    const auto& [first, order] = approaches.served[i];
    const auto& [second, other] = approaches.served[i + 1];
    EXPECT_NE(first, second);
    firsts.push_back(first);
    EXPECT_EQ(std::get<OpenLoop>(order.arrivals).scheduled, std::get<OpenLoop>(other.arrivals).scheduled);
    EXPECT_EQ(order.first_image, other.first_image);
    schedules.insert(std::get<OpenLoop>(order.arrivals).scheduled);
    first_images.insert(order.first_image);
  }
  EXPECT_EQ(schedules.size(), 2 * options.generations);
  EXPECT_GT(first_images.size(), options.generations);
  EXPECT_EQ(std::ranges::count(firsts, 0U), 5);
  ASSERT_EQ(outcome.loads[1].points.size(), 2U);
  EXPECT_EQ(outcome.loads[1].points[0].offered_rate, 100);
  EXPECT_NEAR(outcome.loads[1].points[1].utilisation, 0.6, 0.05);
}

TEST(LoadRunner, SweepsFromATenthOfTheOfflineRateToBeyondIt) {
  LoadOptions options = searching(20s);
  options.level.reset();
  VirtualApproaches approaches(options.serving, {spinning(2ms)});
  const Outcome outcome = run(options, approaches, 1);
  const std::vector<LoadPoint>& points = outcome.loads[0].points;
  ASSERT_EQ(points.size(), 8U);
  EXPECT_NEAR(*points.front().offered_rate, 50, 1);
  EXPECT_NEAR(*points.back().offered_rate, 550, 6);
  EXPECT_FALSE(points.front().verdict);
  EXPECT_EQ(points.back().verdict, LoadVerdict::unstable);
  EXPECT_FALSE(outcome.loads[0].capacity);
}

TEST(LoadRunner, SaysAtOnceThatNoRateHoldsTheLevel) {
  LoadOptions options = searching();
  options.level = ServiceLevel{0.99, 1ms};
  VirtualApproaches approaches(options.serving, {spinning(2ms)});
  const Outcome outcome = run(options, approaches, 1);
  EXPECT_EQ(approaches.served.size(), 2U);
  ASSERT_TRUE(outcome.loads[0].capacity);
  EXPECT_FALSE(outcome.loads[0].capacity->passed);
  EXPECT_THAT(outcome.loads[0].capacity->reason, HasSubstr("no rate holds it: the unloaded p99 is 2.0"));
}

TEST(LoadRunner, BeginsNothingThatWouldEndTooLate) {
  LoadOptions options = searching();
  options.max_duration = 2min;
  VirtualApproaches approaches(options.serving, {spinning(2ms)});
  const Outcome outcome = run(options, approaches, 1);
  EXPECT_THAT(outcome.stopped_because, HasSubstr("max_duration"));
  EXPECT_LE(approaches.now(), options.max_duration);
  EXPECT_FALSE(outcome.loads[0].points.empty());
  EXPECT_THAT(outcome.loads[0].capacity->reason, HasSubstr("ended after"));

  options.level.reset();
  options.rates = {100, 200, 300, 400};
  VirtualApproaches others(options.serving, {spinning(2ms)});
  const Outcome points = run(options, others, 1);
  ASSERT_EQ(points.loads[0].points.size(), 4U);
  EXPECT_LT(points.loads[0].points[0].generations, options.generations);
}

TEST(LoadRunner, KeepsWhatWasMeasuredWhenItIsInterrupted) {
  LoadOptions options = searching(10s);
  options.level.reset();
  options.rates = {100, 200};
  VirtualApproaches approaches(options.serving, {spinning(2ms)});
  approaches.interrupted_after = 5;
  const Outcome outcome = run(options, approaches, 1);
  EXPECT_EQ(outcome.stopped_because, "interrupted");
  ASSERT_EQ(outcome.loads[0].points.size(), 2U);
  EXPECT_EQ(outcome.loads[0].points[0].generations, 2U);
  EXPECT_EQ(outcome.loads[0].points[1].generations, 1U);
}

TEST(LoadRunner, GoesOnWithoutAnApproachThatFails) {
  LoadOptions options = searching(10s);
  options.level.reset();
  options.rates = {100};
  VirtualApproaches approaches(options.serving, {spinning(2ms), spinning(2ms)});
  approaches.fails_after = 6;
  const Outcome outcome = run(options, approaches, 2);
  ASSERT_EQ(outcome.loads[0].points.size(), 1U);
  EXPECT_EQ(outcome.loads[0].points[0].generations, options.generations);
  ASSERT_EQ(outcome.loads[1].points.size(), 1U);
  EXPECT_EQ(outcome.loads[1].points[0].generations, 1U);
}

TEST(LoadRunner, ReplaysATraceAsItIsOrAtTheRateThatIsAsked) {
  LoadOptions options = searching();
  options.level.reset();
  options.duration.reset();
  options.arrivals = ArrivalKind::trace;
  for (int i = 0; i < 100; ++i) options.trace.scheduled.push_back(i / 10 * 1s);  // ten at once, once a second
  VirtualApproaches approaches(options.serving, {spinning(2ms)});
  const Outcome as_it_is = run(options, approaches, 1);
  ASSERT_EQ(as_it_is.loads[0].points.size(), 1U);
  EXPECT_EQ(as_it_is.loads[0].points[0].queries, 500U);
  EXPECT_NEAR(as_it_is.loads[0].points[0].latency->max, 20, 1);

  options.rates = {100};
  VirtualApproaches others(options.serving, {spinning(2ms)});
  const Outcome quicker = run(options, others, 1);
  EXPECT_NEAR(*quicker.loads[0].points[0].offered_rate, 100, 0);
  EXPECT_NEAR(static_cast<double>(quicker.loads[0].points[0].queries), 100 * 9.09 * 5, 60);
}

TEST(LoadRunner, LoadsByTheOtherScenarios) {
  LoadOptions options = searching(10s);
  options.level.reset();
  options.serving.max_batch = 4;
  options.scenario = Scenario::closed;
  options.concurrency = 4;
  VirtualApproaches callers(options.serving, {spinning(2ms)});
  const LoadPoint closed = run(options, callers, 1).loads[0].points.at(0);
  EXPECT_FALSE(closed.offered_rate);
  EXPECT_NEAR(closed.achieved_rate, 4 / 6e-3, 5);  // one in 2 ms, then three in 4 ms

  options.scenario = Scenario::multi_stream;
  options.samples_per_query = 8;
  VirtualApproaches stream(options.serving, {spinning(2ms)});
  const LoadPoint several = run(options, stream, 1).loads[0].points.at(0);
  EXPECT_NEAR(several.latency->p50, 10, 0.3);  // four and four, in 5 ms each

  options.scenario = Scenario::offline;
  VirtualApproaches offline(options.serving, {spinning(2ms)});
  const LoadPoint all = run(options, offline, 1).loads[0].points.at(0);
  EXPECT_NEAR(all.achieved_rate, 800, 20);  // four in 2 ms * (1 + 4) / 2
  EXPECT_EQ(all.completed, all.queries);
}

/// Whether two approaches are called different.
std::size_t verdicts_of_difference(double factor, std::size_t seeds) {
  std::size_t found = 0;
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    LoadOptions options = searching(30s);
    options.seed = seed;
    const auto candidate = Nanoseconds(std::llround(2e6 / factor));
    VirtualApproaches approaches(options.serving, {spinning(2ms), spinning(candidate)}, 1000 * seed);
    const Outcome outcome = run(options, approaches, 2);
    const auto ratio = compare_capacities(outcome.loads[0].capacities, outcome.loads[1].capacities);
    const CapacityDecision decision = decide_capacities(std::span(&ratio, 1)).front();
    if (decision.verdict == CapacityVerdict::higher || decision.verdict == CapacityVerdict::lower) ++found;
  }
  return found;
}

TEST(LoadRunnerVerdicts, TellNoDifferenceWhereThereIsNone) { EXPECT_LE(verdicts_of_difference(1, 12), 1U); }
TEST(LoadRunnerVerdicts, TellATenthApart) { EXPECT_GE(verdicts_of_difference(1.1, 3), 3U); }

}  // namespace
}  // namespace stagemark
