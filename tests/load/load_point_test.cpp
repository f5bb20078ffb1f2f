#include "stagemark/load/load_point.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>
#include <vector>

#include "load/virtual_load.hpp"

namespace stagemark {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

LoadPoint summarise_one(const MeasuredLog& measured, const LoadConditions& conditions) {
  return summarise({&measured, 1}, conditions);
}

/// A query a millisecond apart from the next, each served alone and at once for `service`.
std::vector<QueryRecord> even_log(int queries, Nanoseconds service) {
  std::vector<QueryRecord> log;
  for (int i = 0; i < queries; ++i) {
    const Nanoseconds at = milliseconds(i);
    log.push_back({.scheduled = at, .sent = at, .dispatched = at, .completed = at + service, .batch_size = 1});
  }
  return log;
}

TEST(LoadPoint, SummarisesWhatWasScheduledInTheMeasuredTime) {
  auto log = even_log(1000, std::chrono::microseconds(500));
  log[600].completed = log[600].dispatched = log[600].sent;
  log[600].batch_size = 0;
  log[600].outcome = QueryOutcome::refused;
  log[700].completed += milliseconds(20);
  const LoadPoint point =
      summarise_one({.log = log, .begin = milliseconds(500), .end = milliseconds(1000)}, {.instances = 2});
  EXPECT_EQ(point.queries, 500U);
  EXPECT_EQ(point.completed, 499U);
  EXPECT_EQ(point.refused, 1U);
  EXPECT_DOUBLE_EQ(point.offered_rate.value(), 1000);
  EXPECT_DOUBLE_EQ(point.achieved_rate, 998);
  EXPECT_DOUBLE_EQ(point.latency->p50, 0.5);
  EXPECT_NEAR(point.latency->mean, 0.5 + 20.0 / 499, 1e-12);
  EXPECT_DOUBLE_EQ(point.latency->max, 20.5);
  EXPECT_EQ(point.latency->count, 499U);
  EXPECT_FALSE(point.latency->p999) << "of 499 values it would be the largest";
  EXPECT_EQ(point.latency->p99_upper, 0.5) << "an independent sample: rank 498 of 499";
  EXPECT_DOUBLE_EQ(point.queue_wait->max, 0);
  EXPECT_DOUBLE_EQ(point.batch_formation->max, 0);
  EXPECT_EQ(point.batch_sizes, (std::map<std::size_t, std::size_t>{{1, 499}}));
  EXPECT_NEAR(point.utilisation, (499 * 0.5 + 20) / 500 / 2, 1e-12);
  EXPECT_FALSE(point.verdict);
}

// In virtual time: Little's law ties the three parts together, and a server is busy for its share.
TEST(LoadPoint, AgreesWithTheLoadItIsOf) {
  const VirtualRun run = run_poisson({.instances = 2, .max_batch = 4}, 1.6, 100'000, service_with(0.5), 1);
  const LoadPoint point = summarise_one(run.measured(), {.instances = 2});
  EXPECT_NEAR(*point.offered_rate, per_second(1.6), 0.02 * per_second(1.6));
  EXPECT_NEAR(point.achieved_rate, *point.offered_rate, 0.001 * per_second(1.6));
  EXPECT_NEAR(point.latency->mean, point.queue_wait->mean + point.batch_formation->mean + point.service->mean, 1e-9);
  EXPECT_EQ(point.queries, point.completed);
  double busy = 0;
  for (const auto& [size, queries] : point.batch_sizes) {
    busy += static_cast<double>(queries) / static_cast<double>(size) * (1 + static_cast<double>(size)) / 2;
  }
  EXPECT_NEAR(point.utilisation, busy / in_units(run.end * 9 / 10) / 2, 0.01);
  EXPECT_GT(point.latency->p99_upper.value(), point.latency->p99);
  EXPECT_TRUE(point.latency->p999);
}

TEST(LoadPoint, IsInvalidWhereTheGeneratorWasLate) {
  auto log = even_log(1000, milliseconds(1));
  for (std::size_t i = 0; i < 20; ++i) log[50 * i].sent += std::chrono::microseconds(60);
  const MeasuredLog measured{.log = log, .begin = seconds(0), .end = seconds(1)};
  const LoadPoint point = summarise_one(measured, {});
  EXPECT_EQ(point.verdict, LoadVerdict::invalid);
  EXPECT_DOUBLE_EQ(point.lateness_p99, 0.06);
  EXPECT_THAT(point.reasons,
              ElementsAre(HasSubstr("late by 0.06 ms (p99), more than 5 % of the median latency, 1 ms")));
  const ServiceLevel level{.quantile = 0.99, .bound = milliseconds(2)};
  EXPECT_EQ(summarise_one(measured, {.level = level}).verdict, LoadVerdict::within) << "5 % of the bound are 0.1 ms";
}

TEST(LoadPoint, IsUnstableWhereMoreCameThanCouldBeServed) {
  const auto at = [](double rate, const ServingSettings& settings = {}) {
    const VirtualRun run = run_poisson(settings, rate, 5000, service_with(0), 2);
    return summarise_one(run.measured(), {.level = ServiceLevel{.bound = units(10)}});
  };
  const LoadPoint overloaded = at(1.2);
  EXPECT_EQ(overloaded.verdict, LoadVerdict::unstable);
  EXPECT_THAT(overloaded.reasons, ElementsAre(HasSubstr("queue still grew")));
  EXPECT_EQ(at(0.3).verdict, LoadVerdict::within);
  EXPECT_EQ(at(0.95).verdict, LoadVerdict::beyond);
  EXPECT_EQ(at(1.2, {.queue_limit = 5}).verdict, LoadVerdict::beyond) << "a queue with a limit does not grow";
}

TEST(LoadPoint, OffersNothingWhereCallersWait) {
  const auto log = serve_in_virtual_time({}, closed_arrivals(3, units(1000)), service_with(1), 3);
  const LoadPoint point =
      summarise_one({.log = log, .begin = units(100), .end = units(1000)}, {.waits_for_answers = true});
  EXPECT_FALSE(point.offered_rate);
  EXPECT_FALSE(point.verdict);
  EXPECT_NEAR(point.utilisation, 1, 1e-9);
  EXPECT_NEAR(point.latency->mean, 3, 0.3) << "Little: three in the system, one served a unit";
}

TEST(LoadPoint, LatenciesAreOfWholeQueriesAndServicesOfSamples) {
  const auto log = serve_in_virtual_time({}, multi_stream_arrivals(4, units(100)), service_with(0));
  const LoadPoint point = summarise_one({.log = log, .begin = units(0), .end = units(100)},
                                        {.samples_per_query = 4, .waits_for_answers = true});
  EXPECT_EQ(point.queries, 25U);
  EXPECT_DOUBLE_EQ(point.latency->p50, 4);
  EXPECT_DOUBLE_EQ(point.service->p50, 1);
  EXPECT_EQ(point.service->count, 100U);
}

TEST(LoadPoint, HasNoTimesWhereNothingWasCompleted) {
  auto log = even_log(10, milliseconds(0));
  for (QueryRecord& query : log) query.outcome = QueryOutcome::failed;
  const LoadPoint point = summarise_one({.log = log, .begin = seconds(0), .end = seconds(1)}, {});
  EXPECT_EQ(point.failed, 10U);
  EXPECT_FALSE(point.latency || point.service || point.queue_wait || point.batch_formation);
  EXPECT_DOUBLE_EQ(point.achieved_rate, 0);
}

TEST(LoadPoint, PoolsItsGenerations) {
  const auto runs = run_generations({}, 0.5, 1000, service_with(0), 4, 3);
  const LoadPoint pooled = summarise(measured(runs), {});
  std::size_t queries = 0;
  double largest = 0;
  for (const VirtualRun& run : runs) {
    const LoadPoint one = summarise_one(run.measured(), {});
    queries += one.queries;
    largest = std::max(largest, one.latency->max);
  }
  EXPECT_EQ(pooled.queries, queries);
  EXPECT_EQ(pooled.latency->max, largest);
  EXPECT_NEAR(*pooled.offered_rate, per_second(0.5), 0.1 * per_second(0.5));
}

TEST(LoadPoint, RefusesATimeThatIsNone) {
  EXPECT_THROW(summarise({}, {}), std::invalid_argument);
  EXPECT_THROW(summarise_one({.log = {}, .begin = seconds(1), .end = seconds(1)}, {}), std::invalid_argument);
  EXPECT_THROW(summarise_one({.log = {}, .begin = seconds(0), .end = seconds(1)}, {.instances = 0}),
               std::invalid_argument);
}

}  // namespace
}  // namespace stagemark
