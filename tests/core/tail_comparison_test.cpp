#include "stagemark/core/tail_comparison.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "core/noise.hpp"
#include "core/tolerance.hpp"

namespace stagemark {
namespace {

using Latencies = std::vector<std::vector<double>>;

const Latencies baseline = {{108.8, 97.7, 100.2, 102.1, 96.1, 100, 100, 91.6, 105.2, 103},
                            {96.9, 99.1, 102.6, 98.7, 98.8, 93, 102.8, 100.6, 101.4, 92.7},
                            {108.6, 100.8, 98.1, 110.7, 99.8, 93, 98, 89.2, 105.4, 97.9},
                            {96.4, 105.5, 92.1, 102.7, 90.2, 96.7, 94.2, 107.6, 109.2, 98.4},
                            {104.3, 99.1, 102.9, 96.3, 91.8, 91.4, 101.9, 111.9, 101.4, 97.4},
                            {110, 101.2, 100.5, 101.3, 99.3, 98.5, 93.1, 102.5, 99.5, 106.1},
                            {98.2, 90.9, 99.5, 108.9, 98.1, 95.6, 94.2, 94.9, 98.5, 94.3},
                            {107.8, 98.6, 100.5, 107.5, 107.8, 98.9, 101.7, 103.7, 99, 91.5}};
const Latencies candidate = {{107.5, 108.8, 106.2, 99.3, 103, 101, 102.5, 111, 112.3, 107.5},
                             {106.9, 107.6, 103.9, 103.6, 100.6, 103.7, 116.4, 108.6, 102.2, 101.6},
                             {99.6, 106, 106.1, 96.8, 106.6, 101.1, 111.7, 104.8, 113.3, 101.6},
                             {102.5, 105.6, 109.6, 107, 97.8, 105, 104.1, 101.8, 100.7, 113.5},
                             {102, 99.7, 107.4, 104.7, 103.6, 108.1, 106.6, 105.9, 109.1, 105.5},
                             {100.8, 102.1, 101.3, 105.1, 98.5, 94.9, 104.5, 97.3, 94.3, 106},
                             {100.4, 106.6, 101.3, 98.3, 97.7, 101.4, 102.6, 99.8, 102.5, 96.3},
                             {104.1, 95.1, 103, 107.7, 109.8, 113.3, 96.2, 108, 110.5, 109.2}};

/// Round i in generation i modulo `generations`.
std::vector<RoundLatencies> rounds_of(const Latencies& of_baseline, const Latencies& of_candidate,
                                      std::size_t generations = 1) {
  std::vector<RoundLatencies> rounds;
  for (std::size_t i = 0; i < of_baseline.size(); ++i) {
    rounds.push_back({.baseline = of_baseline[i], .candidate = of_candidate[i], .generation = i % generations});
  }
  return rounds;
}

// NumPy and SciPy, all 256 swaps: tests/core/make_comparison_goldens.py

TEST(CompareTails, CountsAllSwapsOfFewRounds) {
  const TailComparison comparison = compare_tails(rounds_of(baseline, candidate), .9).value();
  EXPECT_NEAR(comparison.log_speedup, -0.019020190237893253, tight);
  EXPECT_NEAR(comparison.speedup, std::exp(-0.019020190237893253), tight);
  EXPECT_NEAR(comparison.p_value, 34. / 256, tight);
  EXPECT_EQ(comparison.scope, Scope::these_processes);
}

TEST(TestTailSlowdown, CountsAllSwapsAboutTheMargin) {
  const MarginTest far = test_tail_slowdown(rounds_of(baseline, candidate), .9, .05).value();
  EXPECT_NEAR(far.p_beyond, 252. / 256, tight);
  EXPECT_NEAR(far.p_within, 8. / 256, tight);
  const MarginTest above = test_tail_slowdown(rounds_of(baseline, candidate), .9, -.02).value();
  EXPECT_NEAR(above.p_beyond, 4. / 256, tight);
  EXPECT_NEAR(above.p_within, 1, tight);
}

// 9999 of the 256 swaps, drawn: three standard deviations of a share of .133 are .010.
TEST(CompareTails, DrawsSwapsWhereThereAreMoreThanItMayTake) {
  const auto rounds = rounds_of(baseline, candidate);
  const TailComparison drawn = compare_tails(rounds, .9, {.resamples = 255, .seed = 1}).value();
  EXPECT_NE(drawn.p_value, 34. / 256);
  EXPECT_NEAR(drawn.p_value, 34. / 256, 3 * std::sqrt(.133 * .867 / 255));
  EXPECT_GE(drawn.p_value, 1. / 256);
}

TEST(CompareTails, IsTheSameForTheSameSeed) {
  const auto rounds = rounds_of(baseline, candidate);
  const auto with_seed = [&](std::uint64_t seed) {
    return *compare_tails(rounds, .9, {.resamples = 99, .seed = seed});
  };
  EXPECT_EQ(with_seed(3).p_value, with_seed(3).p_value);
  EXPECT_EQ(with_seed(3).interval, with_seed(3).interval);
  EXPECT_NE(with_seed(3).interval, with_seed(4).interval);
}

TEST(CompareTails, NeedsTheGenerationsToAgreeFromFiveOn) {
  // t over five generations: p = .0029, interval [.9556, .9819]; the swaps are the weaker ones, and the bootstrap's
  // interval is the wider.
  const TailComparison comparison = compare_tails(rounds_of(baseline, candidate, 5), .9).value();
  EXPECT_EQ(comparison.scope, Scope::any_processes);
  EXPECT_NEAR(comparison.p_value, 34. / 256, tight);
  const TailComparison of_rounds = compare_tails(rounds_of(baseline, candidate), .9).value();
  EXPECT_EQ(comparison.interval, of_rounds.interval);
  EXPECT_GT(of_rounds.interval.high - of_rounds.interval.low, 0.9819180362378587 - 0.9556277085931996);
}

TEST(CompareTails, TakesTheGenerationsWhereProcessesDiffer) {
  // Each round on workers of its own, alternately half as fast and twice as fast.
  Latencies alternating = candidate;
  for (std::size_t i = 0; i < alternating.size(); ++i) {
    for (double& latency : alternating[i]) latency *= i % 2 == 0 ? 2 : .5;
  }
  const TailComparison comparison = compare_tails(rounds_of(baseline, alternating, 8), .9).value();
  EXPECT_LT(comparison.interval.low, .7);
  EXPECT_GT(comparison.interval.high, 1.3);
  EXPECT_GT(comparison.p_value, .5);
}

TEST(CompareTails, HoldsTheSpeedupInItsInterval) {
  Noise noise(1);
  Latencies slow;
  Latencies fast;
  for (int round = 0; round < 30; ++round) {
    slow.push_back(noise.log_latencies(20, .95));
    for (double& value : slow.back()) value = std::exp(value);
    fast.push_back(noise.log_latencies(20, .95));
    for (double& value : fast.back()) value = std::exp(value) / 3;
  }
  for (const std::size_t generations : {1U, 5U}) {
    const TailComparison comparison =
        compare_tails(rounds_of(slow, fast, generations), .95, {.resamples = 999}).value();
    EXPECT_LT(comparison.interval.low, comparison.speedup);
    EXPECT_GT(comparison.interval.high, comparison.speedup);
    EXPECT_GT(comparison.interval.low, 2);
    EXPECT_LT(comparison.interval.high, 4.5);
    EXPECT_LE(comparison.p_value, .002);
  }
}

TEST(CompareTails, IsTypeSevenOfThePooledRoundsWhateverTheirSizes) {
  Noise noise(2);
  Latencies a;
  Latencies b;
  std::array<std::vector<double>, 2> pooled;
  for (std::size_t round = 0; round < 9; ++round) {
    a.push_back(noise.independent(10 + round));
    b.push_back(noise.independent(20 - round));
    for (double& value : a.back()) value = std::exp(value);
    for (double& value : b.back()) value = std::exp(value);
    pooled[0].insert(pooled[0].end(), a.back().begin(), a.back().end());
    pooled[1].insert(pooled[1].end(), b.back().begin(), b.back().end());
  }
  for (auto& values : pooled) std::sort(values.begin(), values.end());
  for (const double p : {.5, .77, .9, .95}) {
    EXPECT_NEAR(compare_tails(rounds_of(a, b), p, {.resamples = 9})->speedup,
                quantile(pooled[0], p) / quantile(pooled[1], p), tight)
        << p;
  }
}

TEST(TestTailSlowdown, TakesExactlyTheMarginForWithin) {
  const Latencies hundred(30, std::vector<double>(20, 100));
  const Latencies hundred_and_five(30, std::vector<double>(20, 105));
  const MarginTest test = test_tail_slowdown(rounds_of(hundred, hundred_and_five, 5), .95, .05).value();
  EXPECT_LE(test.p_within, .001);
  EXPECT_EQ(test.p_beyond, 1);
}

TEST(CompareTails, FindsNothingInEqualLatencies) {
  const Latencies equal(30, std::vector<double>(20, 100));
  const TailComparison comparison = compare_tails(rounds_of(equal, equal, 5), .95).value();
  EXPECT_EQ(comparison.speedup, 1);
  EXPECT_EQ(comparison.p_value, 1);
  EXPECT_EQ(comparison.interval, (Interval{.low = 1, .high = 1}));
}

TEST(CompareTails, IsAbsentWhereTheTailIsAHandfulOfImages) {
  const Latencies nearly_sixty = {std::vector<double>(30, 1), std::vector<double>(29, 1)};
  const Latencies fewer = {std::vector<double>(30, 1), std::vector<double>(28, 1)};
  EXPECT_TRUE(compare_tails(rounds_of(nearly_sixty, nearly_sixty), .95).has_value());
  EXPECT_FALSE(compare_tails(rounds_of(fewer, nearly_sixty), .95).has_value());
  EXPECT_FALSE(compare_tails(rounds_of(nearly_sixty, fewer), .95).has_value());
  EXPECT_FALSE(test_tail_slowdown(rounds_of(nearly_sixty, fewer), .95, .05).has_value());
  EXPECT_FALSE(compare_tails({}, .95).has_value());
}

TEST(CompareTails, RefusesWhatIsNoLatency) {
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    Latencies broken = candidate;
    broken[3][4] = bad;
    EXPECT_THROW(compare_tails(rounds_of(baseline, broken), .9), std::invalid_argument) << bad;
  }
  Latencies one_sided = candidate;
  one_sided[2].clear();
  EXPECT_THROW(compare_tails(rounds_of(baseline, one_sided), .9), std::invalid_argument);
}

TEST(CompareTails, RefusesImpossibleOptions) {
  const auto rounds = rounds_of(baseline, candidate);
  for (const double bad : {0.0, 1.0, std::nan("")}) {
    EXPECT_THROW(compare_tails(rounds, bad), std::invalid_argument) << bad;
    EXPECT_THROW(compare_tails(rounds, .9, {.confidence = bad}), std::invalid_argument) << bad;
  }
  EXPECT_THROW(compare_tails(rounds, .9, {.resamples = 0}), std::invalid_argument);
  EXPECT_THROW(test_tail_slowdown(rounds, .9, -1), std::invalid_argument);
}

}  // namespace
}  // namespace stagemark
