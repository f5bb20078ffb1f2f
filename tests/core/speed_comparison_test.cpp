#include "stagemark/core/speed_comparison.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "core/tolerance.hpp"

namespace stagemark {
namespace {

/// Log speed-ups of twenty rounds: one tie, two losses.
const std::vector<double> twenty_rounds = {.012, .031, -.004, .018, .025, .007, 0,    .022, .015, -.009,
                                           .028, .011, .019,  .003, .026, .014, .008, .033, .017, .021};

std::vector<PairedRound> in_generations(const std::vector<double>& log_speedups, std::size_t generations) {
  std::vector<PairedRound> rounds;
  for (std::size_t i = 0; i < log_speedups.size(); ++i) {
    rounds.push_back({.log_speedup = log_speedups[i], .generation = i * generations / log_speedups.size()});
  }
  return rounds;
}

std::vector<PairedRound> in_one_generation(const std::vector<double>& log_speedups) {
  return in_generations(log_speedups, 1);
}

std::vector<PairedRound> turned_over(std::vector<PairedRound> rounds) {
  for (PairedRound& round : rounds) round.log_speedup = -round.log_speedup;
  return rounds;
}

// The values of this file were computed with SciPy 1.10, tests/core/make_comparison_goldens.py.

TEST(CompareSpeed, IsTheSignTestAndTheOrderStatisticsOfTheRoundsOfOneGeneration) {
  const SpeedComparison comparison = compare_speed(in_one_generation(twenty_rounds));
  EXPECT_EQ(comparison.rounds, 20U);
  EXPECT_EQ(comparison.generations, 1U);
  EXPECT_EQ(comparison.ties, 1U);
  EXPECT_NEAR(comparison.log_speedup, .016, tight);
  EXPECT_NEAR(comparison.speedup, std::exp(.016), tight);
  EXPECT_NEAR(comparison.p_value, 0.000728607177734375, tight);  // 17 of 19
  ASSERT_TRUE(comparison.interval.has_value());
  EXPECT_NEAR(comparison.interval->low, 1.0080320855042735, tight);
  EXPECT_NEAR(comparison.interval->high, 1.0222437844704382, tight);
  EXPECT_EQ(comparison.scope, Scope::these_processes);
}

TEST(CompareSpeed, SpeaksForAnyProcessesFromFiveGenerationsOn) {
  EXPECT_EQ(compare_speed(in_generations(twenty_rounds, 4)).scope, Scope::these_processes);
  EXPECT_EQ(compare_speed(in_generations(twenty_rounds, 5)).scope, Scope::any_processes);
  EXPECT_EQ(compare_speed(in_generations(twenty_rounds, 5)).generations, 5U);
}

TEST(CompareSpeed, TakesTheRoundsWhereTheyAreTheWiderOne) {
  // The generations' medians are close: t gives [1.0129, 1.0186] and p = .000106.
  const SpeedComparison comparison = compare_speed(in_generations(twenty_rounds, 5));
  EXPECT_NEAR(comparison.interval->low, 1.0080320855042735, tight);
  EXPECT_NEAR(comparison.interval->high, 1.0222437844704382, tight);
  EXPECT_NEAR(comparison.p_value, 0.000728607177734375, tight);
}

TEST(CompareSpeed, TakesTheGenerationsWhereTheyAreTheWiderOne) {
  // Medians .04, .00, .05, .01, .03 of four rounds each: mean .026, standard deviation .0207364413533277.
  std::vector<double> values;
  for (const double center : {.04, .00, .05, .01, .03}) {
    for (const double offset : {-.003, -.001, .001, .003}) values.push_back(center + offset);
  }
  const SpeedComparison comparison = compare_speed(in_generations(values, 5));
  const double half_width = 2.7764451051977987 * .0207364413533277 / std::sqrt(5);
  EXPECT_NEAR(std::log(comparison.interval->low), .026 - half_width, 1e-9);
  EXPECT_NEAR(std::log(comparison.interval->high), .026 + half_width, 1e-9);
  // The point stays the median of the rounds.
  EXPECT_NEAR(comparison.log_speedup, .03 - .001 + 0, .0021);
  EXPECT_GT(comparison.p_value, .04);
}

TEST(CompareSpeed, TurnsOverWithThePair) {
  for (const std::size_t generations : {1U, 5U}) {
    const auto rounds = in_generations(twenty_rounds, generations);
    const SpeedComparison one_way = compare_speed(rounds);
    const SpeedComparison other_way = compare_speed(turned_over(rounds));
    EXPECT_NEAR(other_way.log_speedup, -one_way.log_speedup, tight);
    EXPECT_NEAR(other_way.interval->low, 1 / one_way.interval->high, tight);
    EXPECT_NEAR(other_way.interval->high, 1 / one_way.interval->low, tight);
    EXPECT_NEAR(other_way.p_value, one_way.p_value, tight);
    EXPECT_NEAR(other_way.p_practical_difference, one_way.p_practical_difference, tight);
  }
}

TEST(CompareSpeed, HasNoIntervalBelowSixRounds) {
  const std::vector<double> five(5, .2);
  EXPECT_EQ(compare_speed(in_one_generation(five)).interval, std::nullopt);
  EXPECT_EQ(compare_speed(in_generations(five, 5)).interval, std::nullopt);
  EXPECT_GT(compare_speed(in_generations(five, 5)).p_value, .05);
  EXPECT_TRUE(compare_speed(in_one_generation(std::vector<double>(6, .2))).interval.has_value());
}

TEST(CompareSpeed, FindsNothingInEqualRounds) {
  for (const std::size_t generations : {1U, 5U}) {
    const SpeedComparison comparison = compare_speed(in_generations(std::vector<double>(30, 0.0), generations));
    EXPECT_EQ(comparison.ties, 30U);
    EXPECT_EQ(comparison.speedup, 1);
    EXPECT_EQ(comparison.p_value, 1);
    EXPECT_EQ(comparison.interval, (Interval{.low = 1, .high = 1}));
    EXPECT_LT(comparison.p_practical_difference, 1e-8);
  }
}

TEST(CompareSpeed, IsWiderAtAHigherConfidence) {
  for (const std::size_t generations : {1U, 5U}) {
    const auto rounds = in_generations(twenty_rounds, generations);
    const Interval narrow = *compare_speed(rounds, {.confidence = .9}).interval;
    const Interval wide = *compare_speed(rounds, {.confidence = .999}).interval;
    EXPECT_LT(wide.low, narrow.low);
    EXPECT_GT(wide.high, narrow.high);
  }
}

TEST(CompareSpeed, RefusesNoRoundsAndWhatIsNoNumber) {
  EXPECT_THROW(compare_speed({}), std::invalid_argument);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(compare_speed(std::array{PairedRound{.log_speedup = bad}}), std::invalid_argument) << bad;
  }
  const auto rounds = in_one_generation(twenty_rounds);
  EXPECT_THROW(compare_speed(rounds, {.confidence = 1}), std::invalid_argument);
  EXPECT_THROW(compare_speed(rounds, {.practical = -.01}), std::invalid_argument);
  EXPECT_THROW(compare_speed(rounds, {.practical = std::nan("")}), std::invalid_argument);
}

TEST(TestSlowdown, IsTheOneSidedSignTestInOneGeneration) {
  const auto rounds = in_one_generation(twenty_rounds);
  const MarginTest far = test_slowdown(rounds, .05);
  EXPECT_NEAR(far.p_beyond, 1, tight);
  EXPECT_NEAR(far.p_within, 9.5367431640625e-07, tight);
  const MarginTest near = test_slowdown(rounds, -.01);  // six rounds beyond
  EXPECT_NEAR(near.p_beyond, 0.9793052673339844, tight);
  EXPECT_NEAR(near.p_within, 0.057659149169921875, tight);
}

TEST(TestSlowdown, NeedsTheRoundsAndTheGenerationsToAgree) {
  const auto rounds = in_generations(twenty_rounds, 5);
  const MarginTest far = test_slowdown(rounds, .05);
  EXPECT_NEAR(far.p_within, 9.5367431640625e-07, tight);  // t: 1.9e-07
  const MarginTest near = test_slowdown(rounds, -.01);
  EXPECT_NEAR(near.p_beyond, 0.9972558768836742, 1e-10);    // t, which feels the slack of the margin
  EXPECT_NEAR(near.p_within, 0.057659149169921875, tight);  // the sign test
  const MarginTest above = test_slowdown(rounds, -.02);
  EXPECT_NEAR(above.p_beyond, 0.13158798217773438, tight);  // t: .0053
}

TEST(TestSlowdown, TakesExactlyTheMarginForWithin) {
  for (const double margin : {.05, .1, .003, -.2, 0.0}) {
    // 3 * (1 + margin) is rounded, and so are both logarithms.
    const double log_speedup = std::log(3.0) - std::log(3 * (1 + margin));
    for (const std::size_t generations : {1U, 5U}) {
      const MarginTest test = test_slowdown(in_generations(std::vector<double>(30, log_speedup), generations), margin);
      EXPECT_LT(test.p_within, 1e-8) << margin;
      EXPECT_EQ(test.p_beyond, 1) << margin;
    }
  }
}

TEST(TestSlowdown, FindsTheLeastThatIsMeasurableBeyondTheMargin) {
  const double log_speedup = -std::log1p(.05) - 1e-9;
  const MarginTest test = test_slowdown(in_generations(std::vector<double>(30, log_speedup), 5), .05);
  EXPECT_LT(test.p_beyond, 1e-8);
}

TEST(TestSlowdown, RefusesAMarginOfAllTheTime) {
  for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(test_slowdown(in_one_generation(twenty_rounds), bad), std::invalid_argument) << bad;
  }
}

TEST(RoundsNeeded, AreThoseOfWhichAllOnOneSideReachTheLevel) {
  EXPECT_EQ(rounds_needed(.025, 1), 6U);   // 2^-6 = .0156
  EXPECT_EQ(rounds_needed(.025, 2), 7U);   // 2^-7 = .0078 <= .0125
  EXPECT_EQ(rounds_needed(.025, 10), 9U);  // 2^-9 = .00195 <= .0025
  EXPECT_EQ(rounds_needed(.0147, 1), 7U);
  EXPECT_THROW(rounds_needed(.025, 0), std::invalid_argument);
}

TEST(RoundsNeeded, AreEnoughForAVerdictInTheWholeFamilyAndOneLessIsNot) {
  for (const std::size_t family : {1U, 2U, 5U, 10U}) {
    const std::size_t enough = rounds_needed(.025, family);
    for (const std::size_t rounds : {enough, enough - 1}) {
      const std::vector<SpeedComparison> comparisons(family,
                                                     compare_speed(in_one_generation(std::vector<double>(rounds, .2))));
      const SpeedVerdict verdict = decide_speed(comparisons).front().verdict;
      EXPECT_EQ(verdict, rounds == enough ? SpeedVerdict::faster : SpeedVerdict::inconclusive) << family;
    }
  }
}

SpeedVerdict verdict_on(double log_speedup, double p_value, double p_practical_difference) {
  const SpeedComparison comparison{
      .log_speedup = log_speedup, .p_value = p_value, .p_practical_difference = p_practical_difference};
  return decide_speed(std::array{comparison}).front().verdict;
}

TEST(DecideSpeed, NamesADifferenceThatIsCertainAndMatters) {
  EXPECT_EQ(verdict_on(.02, .001, 1), SpeedVerdict::faster);
  EXPECT_EQ(verdict_on(-.02, .001, 1), SpeedVerdict::slower);
}

TEST(DecideSpeed, NamesNoDifferenceThatIsUncertain) { EXPECT_EQ(verdict_on(.02, .051, 1), SpeedVerdict::inconclusive); }

TEST(DecideSpeed, NamesNoDifferenceThatDoesNotMatter) {
  EXPECT_EQ(verdict_on(.009, 1e-9, .5), SpeedVerdict::inconclusive);
  EXPECT_EQ(verdict_on(.009, 1e-9, .02), SpeedVerdict::no_difference);
  EXPECT_EQ(verdict_on(0, 1, .02), SpeedVerdict::no_difference);
  EXPECT_EQ(verdict_on(0, 1, .03), SpeedVerdict::inconclusive);
}

TEST(DecideSpeed, TakesExactlyThePracticalDifferenceForOne) {
  EXPECT_EQ(verdict_on(std::log(1.01), .001, 1), SpeedVerdict::faster);
  EXPECT_EQ(verdict_on(-std::log(1.01), .001, 1), SpeedVerdict::slower);
}

TEST(DecideSpeed, AdjustsOverTheFamily) {
  const SpeedComparison sure{.log_speedup = .1, .p_value = .01};
  const SpeedComparison less_sure{.log_speedup = .1, .p_value = .03};
  const auto decisions = decide_speed(std::array{less_sure, sure, less_sure});
  EXPECT_NEAR(decisions[1].p_adjusted, .03, tight);
  EXPECT_NEAR(decisions[0].p_adjusted, .06, tight);
  EXPECT_EQ(decisions[1].verdict, SpeedVerdict::faster);
  EXPECT_EQ(decisions[0].verdict, SpeedVerdict::inconclusive);
}

TEST(DecideSpeed, FindsNoDifferenceBetweenRoundsThatScatterByHalfTheLimit) {
  std::vector<double> rounds;
  for (int i = 0; i < 30; ++i) rounds.push_back(i % 2 == 0 ? .005 : -.005);
  EXPECT_EQ(decide_speed(std::array{compare_speed(in_generations(rounds, 5))}).front().verdict,
            SpeedVerdict::no_difference);
}

// Pairs (0,1) (0,2) (0,3) (1,2) (1,3) (2,3).
TEST(SpeedRanks, AreSharedByThoseThatDoNotDiffer) {
  const std::array speeds = {0.0, .5, .49, -.3};
  EXPECT_EQ(speed_ranks(speeds, std::array{.001, .001, .001, .7, .001, .001}), (std::vector<std::size_t>{2, 1, 1, 3}));
}

TEST(SpeedRanks, BeginAnewAtTheFirstThatDiffersFromTheFastestOfARank) {
  // The middle one differs from neither end, the ends differ.
  EXPECT_EQ(speed_ranks(std::array{.2, .1, 0.0}, std::array{.4, .001, .4}), (std::vector<std::size_t>{1, 1, 2}));
}

TEST(SpeedRanks, OfOneAreOneAndOfNoneNone) {
  EXPECT_EQ(speed_ranks(std::array{0.0}, {}), (std::vector<std::size_t>{1}));
  EXPECT_TRUE(speed_ranks({}, {}).empty());
}

TEST(SpeedRanks, RefuseAnotherNumberOfPairs) {
  EXPECT_THROW(speed_ranks(std::array{0.0, 1.0}, {}), std::invalid_argument);
  EXPECT_THROW(speed_ranks({}, std::array{.1}), std::invalid_argument);
}

TEST(SpeedNames, AreThoseOfTheReport) {
  EXPECT_EQ(to_string(Scope::these_processes), "these_processes");
  EXPECT_EQ(to_string(Scope::any_processes), "any_processes");
  EXPECT_EQ(to_string(SpeedVerdict::faster), "faster");
  EXPECT_EQ(to_string(SpeedVerdict::slower), "slower");
  EXPECT_EQ(to_string(SpeedVerdict::no_difference), "no_difference");
  EXPECT_EQ(to_string(SpeedVerdict::inconclusive), "inconclusive");
}

}  // namespace
}  // namespace stagemark
