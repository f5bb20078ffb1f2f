#include "stagemark/load/capacity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/tolerance.hpp"
#include "load/virtual_load.hpp"

namespace stagemark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(InterpolatedCapacity, IsLinearInTheLogarithmOfTheRate) {
  const auto capacity = interpolated_capacity({{10, 0, 100}, {40, 0.02, 100}, {20, 0.004, 100}}, 0.01);
  EXPECT_NEAR(*capacity, 20 * std::pow(2, 0.006 / 0.016), tight);
  EXPECT_NEAR(*interpolated_capacity({{10, 0.01, 100}, {20, 0.02, 100}}, 0.01), 10, tight);
}

// By hand: shares .02 and .01 with weights 1 and 3 become .0125 each.
TEST(InterpolatedCapacity, PoolsSharesThatFallAsTheRateRises) {
  const auto capacity = interpolated_capacity({{10, 0, 100}, {20, 0.02, 100}, {30, 0.01, 300}, {40, 0.5, 100}}, 0.0125);
  EXPECT_NEAR(*capacity, 30, tight);
  EXPECT_NEAR(*interpolated_capacity({{10, 0, 100}, {20, 0.02, 100}, {30, 0.01, 300}}, 0.01), 10 * std::pow(2, 0.8),
              tight);
}

TEST(InterpolatedCapacity, IsAbsentWithTheReasonWhereNothingCrosses) {
  EXPECT_THAT(interpolated_capacity({{10, 0.02, 1}}, 0.01).reason, HasSubstr("at every rate"));
  EXPECT_THAT(interpolated_capacity({{10, 0.01, 1}}, 0.01).reason, HasSubstr("at any rate"));
  EXPECT_THAT(interpolated_capacity({}, 0.01).reason, HasSubstr("no rate"));
  EXPECT_THROW(interpolated_capacity({{0, 0, 1}}, 0.01), std::invalid_argument);
  EXPECT_THROW(interpolated_capacity({{1, 2, 1}}, 0.01), std::invalid_argument);
  EXPECT_THROW(interpolated_capacity({{1, 0, 0}}, 0.01), std::invalid_argument);
}

using Capacities = std::vector<OrReason<double>>;

// NumPy; with four degrees of freedom Student's distribution function is 1/2 + 3/8 u (1 - u^2/12), where u is
// t / sqrt(1 + t^2/4).
TEST(CompareCapacities, IsStudentsTOverTheGenerations) {
  const Capacities baseline{10.0, 11.0, 10.5, 9.8, 10.2};
  const Capacities candidate{12.0, 12.6, 12.4, 12.1, 11.9};
  const auto ratio = compare_capacities(baseline, candidate);
  EXPECT_NEAR(ratio->ratio, 1.18516690412368, 1e-9);
  EXPECT_NEAR(ratio->p_value, 0.0001835653398138959, 1e-9);
  EXPECT_NEAR(ratio->interval.low, 1.143938220733328, 1e-9);
  EXPECT_NEAR(ratio->interval.high, 1.2278815107075176, 1e-9);
}

TEST(CompareCapacities, SaysWhichGenerationHasNone) {
  const Capacities whole{10.0, 11.0};
  const Capacities broken{10.0, OrReason<double>::absent("no crossing")};
  EXPECT_EQ(compare_capacities(whole, broken).reason, "generation 2 of the candidate has no capacity: no crossing");
  EXPECT_EQ(compare_capacities(broken, whole).reason, "generation 2 of the baseline has no capacity: no crossing");
  EXPECT_EQ(compare_capacities(Capacities{10.0}, Capacities{10.0}).reason, "needs 2 generations");
  EXPECT_THROW(compare_capacities(whole, Capacities{10.0}), std::invalid_argument);
}

TEST(TestCapacityDrop, IsStudentsTOfTheLossAgainstTheMargin) {
  const Capacities baseline{10.0, 11.0, 10.5, 9.8, 10.2};
  const Capacities candidate{9.3, 10.4, 9.8, 9.4, 9.6};
  // By the closed form of Student's distribution with 4 degrees of freedom.
  const auto test = test_capacity_drop(baseline, candidate, 0.05);
  EXPECT_NEAR(test->p_beyond, 0.09236208792063372, 1e-9);
  EXPECT_NEAR(test->p_within, 1 - 0.09236208792063372, 1e-9);
}

TEST(TestCapacityDrop, FindsALossOfExactlyTheMarginWithinIt) {
  const Capacities baseline{10.0, 12.0, 14.0};
  const Capacities candidate{9.0, 10.8, 12.6};
  EXPECT_LT(test_capacity_drop(baseline, candidate, 0.1)->p_within, 1e-6);
  EXPECT_LT(test_capacity_drop(baseline, candidate, 0.0999)->p_beyond, 1e-6);
  EXPECT_EQ(test_capacity_drop(baseline, baseline, 0)->p_within, 0);
}

TEST(TestCapacityDrop, IsAbsentWithoutCapacitiesAndRefusesWhatIsNoDrop) {
  const Capacities whole{10.0, 11.0};
  const Capacities broken{10.0, OrReason<double>::absent("no crossing")};
  EXPECT_EQ(test_capacity_drop(whole, broken, 0.05).reason,
            "generation 2 of the candidate has no capacity: no crossing");
  for (const double drop : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW((void)test_capacity_drop(whole, whole, drop), std::invalid_argument) << drop;
  }
}

TEST(DecideCapacities, FollowsTheRulesOfSpeed) {
  const auto of = [](double ratio, double p, double p_practical) {
    return OrReason<CapacityRatio>(
        CapacityRatio{.ratio = ratio, .interval = {}, .p_value = p, .p_practical_difference = p_practical});
  };
  const std::vector<OrReason<CapacityRatio>> family{of(1.2, 0.001, 1), of(0.8, 0.001, 1), of(1, 0.5, 0.001),
                                                    of(1.1, 0.04, 1), OrReason<CapacityRatio>::absent("no crossing")};
  std::vector<CapacityVerdict> verdicts;
  for (const CapacityDecision& decision : decide_capacities(family)) verdicts.push_back(decision.verdict);
  using enum CapacityVerdict;
  EXPECT_THAT(verdicts, ElementsAre(higher, lower, no_difference, inconclusive, inconclusive))
      << "the fourth is adjusted for five";
  EXPECT_EQ(decide_capacities(family)[4].p_adjusted, 1);
}

/// A search with an engine whose verdicts are `within` up to `passes`, `beyond` from `fails` on, else `undecided`.
std::pair<CapacityRange, std::vector<double>> search(const SearchPlan& plan, double passes, double fails) {
  CapacitySearch search(plan);
  std::vector<double> rates;
  while (const auto rate = search.next()) {
    rates.push_back(*rate);
    search.add(*rate, *rate <= passes  ? LoadVerdict::within
                      : *rate >= fails ? LoadVerdict::beyond
                                       : LoadVerdict::undecided);
  }
  return {search.range(), rates};
}

TEST(CapacitySearch, EndsWithNeighboursThatPassedAndFailed) {
  for (const double capacity : {2.0, 9.0, 10.0, 10.3, 14.0, 70.0}) {
    const auto [range, rates] =
        search({.predicted = 10, .lowest = 0.1, .highest = 100, .most_rates = 20}, capacity, capacity);
    ASSERT_TRUE(range.passed && range.failed) << capacity;
    EXPECT_LE(*range.passed, capacity);
    EXPECT_GE(*range.failed, capacity);
    EXPECT_LE(*range.failed / *range.passed, 1.05);
    EXPECT_LE(rates.size(), 14U);
    EXPECT_EQ(range.reason, "");
  }
}

TEST(CapacitySearch, BeginsOnEitherSideOfThePrediction) {
  const auto [range, rates] = search({.predicted = 10, .lowest = 0.1, .highest = 100, .most_rates = 2}, 10, 10);
  EXPECT_NEAR(rates[0] * rates[1], 100, 1e-9);
  EXPECT_EQ(range.reason, "the search ended after 2 rates");
}

TEST(CapacitySearch, ClosesInOnBothEndsOfWhatCannotBeTold) {
  const auto [range, rates] = search({.predicted = 10, .lowest = 0.1, .highest = 100, .most_rates = 20}, 9, 12);
  EXPECT_GE(*range.passed, 9 / 1.05);
  EXPECT_LE(*range.failed, 12 * 1.05);
}

TEST(CapacitySearch, SaysWhereALevelHoldsNowhereOrAlways) {
  const auto [none, probed] = search({.predicted = 10, .lowest = 1, .highest = 20}, 0, 0);
  EXPECT_FALSE(none.passed);
  EXPECT_EQ(none.failed, 1.0);
  EXPECT_THAT(none.reason, HasSubstr("was not seen to hold even at 1 queries"));
  EXPECT_LE(probed.size(), 5U);
  const auto [all, upwards] = search({.predicted = 10, .lowest = 1, .highest = 20}, 99, 99);
  EXPECT_EQ(all.passed, 20.0);
  EXPECT_FALSE(all.failed);
  EXPECT_THAT(all.reason, HasSubstr("was not seen to fail even at 20 queries"));
}

TEST(CapacitySearch, TakesVerdictsOnRatesThatItDidNotAskFor) {
  CapacitySearch search({.predicted = 10, .lowest = 1, .highest = 100, .resolution = 1.2});
  search.add(10, LoadVerdict::within);
  search.add(11, LoadVerdict::unstable);
  EXPECT_FALSE(search.next());
  search.add(11, LoadVerdict::invalid);
  EXPECT_TRUE(search.next()) << "the last verdict on a rate stands";
}

// What the first generation does at a rate, the second does at one a fifth higher.
TEST(CapacitySearch, GoesOutwardsUntilEachGenerationHasACapacity) {
  CapacitySearch search({.share = 0.01, .predicted = 10, .lowest = 1, .highest = 100});
  while (const auto rate = search.next()) {
    const std::vector<ShareOver> shares{{*rate, *rate <= 8 ? 0.0 : 0.02, 100}, {*rate, *rate <= 12 ? 0.0 : 0.02, 100}};
    search.add(*rate, *rate <= 10 ? LoadVerdict::within : LoadVerdict::beyond, shares);
  }
  EXPECT_EQ(search.range().reason, "");
  const auto capacities = search.of_generations();
  ASSERT_EQ(capacities.size(), 2U);
  EXPECT_NEAR(capacities[0].value.value(), 8, 0.8);
  EXPECT_NEAR(capacities[1].value.value(), 12, 1.2);
}

TEST(CapacitySearch, WantsTheSameGenerationsAtEachRate) {
  CapacitySearch search({.predicted = 10, .lowest = 1, .highest = 100});
  search.add(8, LoadVerdict::within, std::vector<ShareOver>{{8, 0, 1}});
  EXPECT_THROW(search.add(9, LoadVerdict::within), std::invalid_argument);
  EXPECT_THROW(search.add(9, LoadVerdict::within, std::vector<ShareOver>{{8, 0, 1}}), std::invalid_argument);
}

TEST(CapacitySearch, BelievesTheLowestRateThatFailed) {
  CapacitySearch search({.predicted = 10, .lowest = 1, .highest = 100});
  search.add(8, LoadVerdict::within);
  search.add(9, LoadVerdict::beyond);
  search.add(12, LoadVerdict::within);
  EXPECT_EQ(search.range().passed, 8.0);
  EXPECT_EQ(search.range().failed, 9.0);
}

TEST(CapacitySearch, RefusesAPlanThatCannotBe) {
  EXPECT_THROW(CapacitySearch({.predicted = 1, .lowest = 2, .highest = 3}), std::invalid_argument);
  EXPECT_THROW(CapacitySearch({.predicted = 1, .lowest = 0, .highest = 3}), std::invalid_argument);
  EXPECT_THROW(CapacitySearch({.predicted = 1, .lowest = 1, .highest = 3, .resolution = 1}), std::invalid_argument);
  EXPECT_THROW(CapacitySearch({.predicted = 1, .lowest = 1, .highest = 3, .most_rates = 0}), std::invalid_argument);
  EXPECT_THROW(CapacitySearch({.share = 0, .predicted = 1, .lowest = 1, .highest = 3}), std::invalid_argument);
}

// M/M/1 keeps p90 within t up to the rate 1 - ln(10) / t, in services. The whole, 2,000 searches, is printed by
// tests/performance/load_proofs.cpp; of 100, 88 are three standard deviations below .95.
TEST(CapacitySearch, FindsTheCapacityThatTheoryGives) {
  const ServiceLevel level{.quantile = 0.9, .bound = units(6)};
  const double capacity = 1 - std::log(10) / 6;
  const ServiceTime service = exponential_service();
  int covered = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const VirtualSearch search = search_capacity(level, 0.9 * capacity, 1000, service, seed);
    if (search.range.passed.value_or(0) <= capacity && search.range.failed.value_or(2) >= capacity) ++covered;
  }
  EXPECT_GE(covered, 88);
}

}  // namespace
}  // namespace stagemark
