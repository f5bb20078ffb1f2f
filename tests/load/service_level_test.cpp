#include "stagemark/load/service_level.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "load/virtual_load.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const ServiceLevel p99_of_5ms{.quantile = 0.99, .bound = milliseconds(5)};

/// Queries 10 ms apart, each alone in the system for 1 ms, but for every `period`-th, which is late.
std::vector<QueryRecord> lonely_log(std::size_t queries, std::size_t period) {
  std::vector<QueryRecord> log(queries);
  for (std::size_t i = 0; i < queries; ++i) {
    log[i].scheduled = milliseconds(10 * i);
    log[i].completed = log[i].scheduled + milliseconds(period > 0 && i % period == period - 1 ? 6 : 1);
  }
  return log;
}

ServiceLevelTest test_one(const std::vector<QueryRecord>& log, const ServiceLevel& level = p99_of_5ms) {
  const MeasuredLog run{.log = log, .begin = seconds(0), .end = milliseconds(10 * log.size())};
  return test_service_level({&run, 1}, level, 1);
}

TEST(ServiceLevelTest, IsClopperAndPearsonsWhereQueriesAreIndependent) {
  const ServiceLevelTest none = test_one(lonely_log(298, 0));
  EXPECT_NEAR(none.p_values.p_within, std::pow(0.99, 298), 1e-12);
  EXPECT_EQ(none.verdict, LevelVerdict::undecided) << "0.0500: one query more";
  EXPECT_EQ(test_one(lonely_log(299, 0)).verdict, LevelVerdict::within);
  const ServiceLevelTest two = test_one(lonely_log(1000, 500));
  EXPECT_EQ(two.over, 2U);
  EXPECT_EQ(two.cycles, 1000U);
  // All that varies are two queries: V is 1, and its relative error that of a count of two.
  EXPECT_NEAR(two.variance_inflation, 1 + std::sqrt(0.5), 0.01);
  const double v = two.variance_inflation;
  EXPECT_NEAR(two.p_values.p_within, incomplete_beta(0.99, 998 / v, 2 / v + 1), 1e-12);
  EXPECT_NEAR(two.p_values.p_beyond, incomplete_beta(0.01, 2 / v, 998 / v + 1), 1e-12);
  EXPECT_EQ(two.verdict, LevelVerdict::within);
}

TEST(ServiceLevelTest, IsBeyondWhereTooManyAreLate) {
  const ServiceLevelTest test = test_one(lonely_log(1000, 50));
  EXPECT_EQ(test.verdict, LevelVerdict::beyond);
  EXPECT_TRUE(test.reason.empty());
  EXPECT_FALSE(test.more);
}

TEST(ServiceLevelTest, CountsWhoWasNotAnsweredAsLate) {
  for (const QueryOutcome outcome : {QueryOutcome::refused, QueryOutcome::expired, QueryOutcome::failed}) {
    auto log = lonely_log(1000, 0);
    for (std::size_t i = 0; i < 30; ++i) log[30 * i].outcome = outcome;
    EXPECT_EQ(test_one(log).over, 30U);
    EXPECT_EQ(test_one(log).verdict, LevelVerdict::beyond);
  }
  auto all = lonely_log(1000, 0);
  for (QueryRecord& query : all) query.outcome = QueryOutcome::failed;
  EXPECT_EQ(test_one(all).verdict, LevelVerdict::beyond);
}

TEST(ServiceLevelTest, AQueryAnsweredExactlyAtTheBoundIsInTime) {
  EXPECT_EQ(test_one(lonely_log(1000, 0), {.quantile = 0.99, .bound = milliseconds(1)}).over, 0U);
}

TEST(ServiceLevelTest, SaysHowMuchLongerItWouldTake) {
  const ServiceLevelTest test = test_one(lonely_log(200, 0));
  EXPECT_EQ(test.verdict, LevelVerdict::undecided);
  // 299 queries decide, 99 more at 10 ms; the search for it is within 1 %.
  EXPECT_NEAR(to_milliseconds(test.more.value()), 990, 30);
  EXPECT_THAT(test.reason, HasSubstr("0 % of the queries were over the bound, which 200 independent queries cannot"));
  EXPECT_FALSE(test_one(lonely_log(1000, 100)).more) << "exactly at the boundary no time is enough";
}

TEST(ServiceLevelTest, CannotTellFromFewCycles) {
  auto log = lonely_log(1000, 0);
  // Each leaves when the third after it has come.
  for (QueryRecord& query : log) query.completed = query.scheduled + milliseconds(31);
  const ServiceLevelTest test = test_one(log, {.quantile = 0.99, .bound = milliseconds(40)});
  EXPECT_LT(test.cycles, fewest_cycles);
  EXPECT_EQ(test.verdict, LevelVerdict::undecided);
  EXPECT_THAT(test.reason, HasSubstr("nearly idle only"));
  EXPECT_EQ(test_one({}).reason, "no query was measured");
}

TEST(ServiceLevelTest, NeedsNoCyclesWhereAllOfTheRunIsBeyond) {
  const VirtualRun overloaded = run_poisson({.queue_limit = 100}, 1.5, 5000, service_with(0), 1);
  const MeasuredLog measured = overloaded.measured();
  const ServiceLevelTest test = test_service_level({&measured, 1}, {.quantile = 0.9, .bound = units(200)}, 1);
  EXPECT_LT(test.cycles, fewest_cycles);
  EXPECT_EQ(test.verdict, LevelVerdict::beyond) << "a third is refused";
}

// One stall makes a few queries in a row late.
TEST(ServiceLevelTest, DoesNotTakeAFewQueriesForAllOfTheRun) {
  const ServiceLevelTest test = test_one(lonely_log(50, 1));
  EXPECT_EQ(test.over, 50U);
  EXPECT_EQ(test.verdict, LevelVerdict::undecided);
}

TEST(ServiceLevelTest, PoolsRunsThatAreIndependent) {
  const auto log = lonely_log(100, 0);
  const std::vector<MeasuredLog> runs(3, {.log = log, .begin = seconds(0), .end = seconds(1)});
  const ServiceLevelTest test = test_service_level(runs, p99_of_5ms, 1);
  EXPECT_EQ(test.queries, 300U);
  EXPECT_EQ(test.verdict, LevelVerdict::within);
}

TEST(ServiceLevelTest, RefusesWhatIsNoLevel) {
  EXPECT_THROW(expect_usable(ServiceLevel{.quantile = 1, .bound = seconds(1)}), UsageError);
  EXPECT_THROW(expect_usable(ServiceLevel{.quantile = 0.5, .bound = seconds(0)}), UsageError);
  EXPECT_THROW(test_service_level({}, p99_of_5ms, 0), std::invalid_argument);
}

// Exactly at capacity: by Erlang's distribution of the wait in M/D/1 (1909), and by the exponential latency of M/M/1. All
// cells are printed by tests/performance/load_proofs.cpp. Of 300 runs, .088 are three standard deviations above .05.
TEST(ServiceLevelTest, KeepsItsErrorExactlyAtTheBoundaryWhereABinomialTestDoesNot) {
  constexpr int runs = 300;
  struct Boundary {
    double bound, variation, capacity, binomial;
  };
  for (const Boundary& at : {Boundary{2, 0, 0.1351572843587896, 0}, Boundary{4, 0, 0.4628794658793571, 0.15},
                             Boundary{10, 0, 0.7734872232692155, 0.35}, Boundary{10, 1, 1 - std::log(100) / 10, 0.2}}) {
    const ServiceLevel level{.quantile = 0.99, .bound = units(at.bound)};
    const ServiceTime service = service_with(at.variation);
    int within = 0;
    int beyond = 0;
    int within_if_independent = 0;
    for (std::uint64_t seed = 0; seed < runs; ++seed) {
      const VirtualRun run = run_poisson({}, at.capacity, 6000, service, seed);
      const MeasuredLog measured = run.measured();
      const LevelVerdict verdict = test_service_level({&measured, 1}, level, 1).verdict;
      if (verdict == LevelVerdict::within) ++within;
      if (verdict == LevelVerdict::beyond) ++beyond;
      if (independent_test(measured, level) == LevelVerdict::within) ++within_if_independent;
    }
    EXPECT_LE(within, 0.088 * runs) << at.bound;
    EXPECT_LE(beyond, 0.088 * runs) << at.bound;
    EXPECT_GE(within_if_independent, at.binomial * runs) << at.bound;
  }
}

// The same at nine tenths of the capacity and at one and a tenth of it: it is a test, not a refusal.
TEST(ServiceLevelTest, FindsOutAwayFromTheBoundary) {
  const auto verdicts = [](double rate, LevelVerdict wanted) {
    int found = 0;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const VirtualRun run = run_poisson({}, rate, 20'000, service_with(0.1), seed);
      const MeasuredLog measured = run.measured();
      found += test_service_level({&measured, 1}, {.bound = units(4)}, 1).verdict == wanted ? 1 : 0;
    }
    return found;
  };
  EXPECT_GE(verdicts(0.9 * 0.458, LevelVerdict::within), 40);
  EXPECT_GE(verdicts(1.1 * 0.458, LevelVerdict::beyond), 40);
}

/// Queries of one caller, so many of which take too long.
std::vector<QueryRecord> one_by_one(std::size_t queries, std::size_t late) {
  std::vector<QueryRecord> log(queries);
  for (std::size_t i = 0; i < queries; ++i) {
    log[i].scheduled = log[i].sent = log[i].dispatched = std::chrono::seconds(i);
    log[i].completed = log[i].scheduled + std::chrono::milliseconds(i < late ? 85 : 40);
  }
  return log;
}

TEST(ServiceLevelOfOneCaller, NeedsFewQueriesToSeeThatNoRateHoldsIt) {
  const ServiceLevel level{0.99, std::chrono::milliseconds(50)};
  const auto verdict = [&](std::size_t queries, std::size_t late) {
    const std::vector<QueryRecord> log = one_by_one(queries, late);
    return test_independent_queries({log, Nanoseconds{0}, std::chrono::hours(1)}, level);
  };
  EXPECT_EQ(verdict(35, 35), LevelVerdict::beyond);
  EXPECT_EQ(verdict(35, 3), LevelVerdict::beyond);  // p 0.005
  EXPECT_EQ(verdict(35, 1), LevelVerdict::undecided);
  EXPECT_EQ(verdict(35, 0), LevelVerdict::undecided);
  EXPECT_EQ(verdict(400, 0), LevelVerdict::within);
}

}  // namespace
}  // namespace stagemark
