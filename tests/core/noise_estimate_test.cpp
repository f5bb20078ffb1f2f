#include "stagemark/core/noise_estimate.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/noise.hpp"

namespace stagemark {
namespace {

/// Log speed-ups that have nothing but noise in common with a process: rounds of a standard deviation of 1 %.
std::vector<PairedRound> quiet_rounds(Noise& noise, std::size_t count, std::size_t generations) {
  std::vector<PairedRound> rounds;
  for (std::size_t i = 0; i < count; ++i) {
    rounds.push_back({.log_speedup = .01 * noise.normal(), .generation = i * generations / count});
  }
  return rounds;
}

// NumPy and SciPy (f_oneway): tests/core/make_comparison_goldens.py
TEST(EstimateNoise, IsTheAnalysisOfVarianceOfUnequalGenerations) {
  const std::vector<double> values = {.012, .031, -.004, .018, .025, .007, 0,    .022, .015, -.009,
                                      .028, .011, .019,  .003, .026, .014, .008, .033, .017, .021};
  std::vector<PairedRound> rounds;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i < 4) rounds.push_back({.log_speedup = values[i], .generation = 7});
    if (i >= 4 && i < 9) rounds.push_back({.log_speedup = values[i] + .01, .generation = 1});
    if (i >= 9 && i < 12) rounds.push_back({.log_speedup = values[i] - .02, .generation = 3});
    if (i >= 12) rounds.push_back({.log_speedup = values[i], .generation = 4});
  }
  const NoiseEstimate estimate = estimate_noise(rounds);
  EXPECT_NEAR(estimate.between_round_sd.value(), 0.012220436264716575, 1e-12);
  EXPECT_NEAR(estimate.between_process_sd.value(), 0.008071160375540329, 1e-12);
}

TEST(EstimateNoise, SeesNoProcessesWhereTheRoundsExplainAll) {
  const std::vector<PairedRound> rounds = {{.01, 0}, {-.01, 0}, {.01, 1}, {-.01, 1}};
  EXPECT_EQ(estimate_noise(rounds).between_process_sd, 0);
}

TEST(EstimateNoise, FindsNoProcessesInOneGeneration) {
  Noise noise(1);
  const NoiseEstimate estimate = estimate_noise(quiet_rounds(noise, 30, 1), {.generations = 1});
  EXPECT_TRUE(estimate.between_round_sd.has_value());
  EXPECT_EQ(estimate.between_process_sd, std::nullopt);
  EXPECT_EQ(estimate.false_difference_rate, std::nullopt);
  EXPECT_TRUE(estimate.smallest_detectable_change.has_value());
  // A plan of five generations needs to know how they differ.
  EXPECT_EQ(estimate_noise(quiet_rounds(noise, 30, 1)).smallest_detectable_change, std::nullopt);
}

TEST(EstimateNoise, FindsNoRoundsWhereEachHasAGenerationOfItsOwn) {
  Noise noise(2);
  const NoiseEstimate estimate = estimate_noise(quiet_rounds(noise, 6, 6));
  EXPECT_EQ(estimate.between_round_sd, std::nullopt);
  EXPECT_EQ(estimate.between_process_sd, std::nullopt);
  EXPECT_EQ(estimate.smallest_detectable_change, std::nullopt);
}

// Sixty rounds of phi = .7 carry (1 + .7) / (1 - .7) = 5.7 rounds each; the estimate from signs stops early.
TEST(EstimateNoise, SeesWhatRoundsHaveInCommon) {
  Noise noise(3);
  double independent = 0;
  double dependent = 0;
  for (int repeat = 0; repeat < 100; ++repeat) {
    independent += estimate_noise(quiet_rounds(noise, 60, 1)).autocorrelation_time / 100;
    std::vector<PairedRound> rounds;
    for (const double value : noise.autoregressive(60, .7)) rounds.push_back({.log_speedup = value});
    dependent += estimate_noise(rounds).autocorrelation_time / 100;
  }
  EXPECT_GE(independent, 1);
  EXPECT_LT(independent, 1.5);
  EXPECT_GT(dependent, 2.5);
}

TEST(EstimateNoise, DoesNotTakeProcessesThatDifferForRoundsThatDoNot) {
  Noise noise(4);
  std::vector<PairedRound> rounds = quiet_rounds(noise, 60, 2);
  const double before = estimate_noise(rounds).autocorrelation_time;
  for (PairedRound& round : rounds) round.log_speedup += round.generation == 0 ? .5 : -.5;
  EXPECT_NEAR(estimate_noise(rounds).autocorrelation_time, before, 1e-9);
}

// Without any spread between processes and with independent rounds: the median of 30 of a standard deviation of 1 %
// has one of 1 % sqrt(pi / (60 + pi - 2)) = .227 %, and 1.960 + .842 of it are found four times in five.
TEST(EstimateNoise, KnowsTheSmallestChangeThatOneGenerationFinds) {
  Noise noise(5);
  double log_change = 0;
  for (int repeat = 0; repeat < 100; ++repeat) {
    log_change +=
        std::log1p(*estimate_noise(quiet_rounds(noise, 300, 1), {.generations = 1}).smallest_detectable_change) / 100;
  }
  // Series that look dependent by chance add some percent.
  EXPECT_GT(log_change, .00635 * .97);
  EXPECT_LT(log_change, .00635 * 1.1);
}

TEST(EstimateNoise, AsksForALargerChangeWithFewerRoundsAndWithProcessesThatDiffer) {
  Noise noise(6);
  std::vector<PairedRound> rounds = quiet_rounds(noise, 60, 10);
  const auto change = [&](const NoisePlan& plan) { return *estimate_noise(rounds, plan).smallest_detectable_change; };
  const double usual = change({});
  EXPECT_GT(change({.rounds = 15}), usual);
  EXPECT_GT(change({.confidence = .99}), usual);
  EXPECT_LT(change({.generations = 10}), usual);
  for (PairedRound& round : rounds) round.log_speedup += round.generation % 2 == 0 ? .02 : -.02;
  EXPECT_GT(change({}), 2 * usual);
}

// Six rounds each of two generations: all twelve are on one side in one of the two relabellings, and six against six
// in the other.
TEST(EstimateNoise, CountsTheRelabellingsThatWouldHaveFoundADifference) {
  std::vector<PairedRound> rounds;
  for (std::size_t i = 0; i < 12; ++i) {
    rounds.push_back({.log_speedup = i < 6 ? .02 : -.02, .generation = i < 6 ? 0U : 1U});
  }
  EXPECT_EQ(estimate_noise(rounds).false_difference_rate, .5);
}

// Student's t of five generations about as far from 0 as from one another is significant only where all agree, in one
// relabelling of sixteen.
TEST(EstimateNoise, FindsFewFalseDifferencesWithFiveGenerations) {
  std::vector<PairedRound> rounds;
  for (std::size_t i = 0; i < 30; ++i)
    rounds.push_back({.log_speedup = .02 + 1e-4 * static_cast<double>(i % 6), .generation = i / 6});
  EXPECT_EQ(estimate_noise(rounds).false_difference_rate, 1. / 16);
}

TEST(EstimateNoise, DrawsRelabellingsOfManyGenerations) {
  Noise noise(7);
  const auto rounds = quiet_rounds(noise, 120, 20);
  const double rate = *estimate_noise(rounds).false_difference_rate;
  EXPECT_EQ(rate, estimate_noise(rounds).false_difference_rate);
  // Exchangeable: the p-value holds its level, up to what these 120 rounds happen to be.
  EXPECT_LT(rate, .1);
}

TEST(EstimateNoise, RefusesNoRoundsAndImpossiblePlans) {
  const std::array rounds = {PairedRound{.log_speedup = .1}};
  EXPECT_THROW(estimate_noise({}), std::invalid_argument);
  EXPECT_THROW(estimate_noise(std::array{PairedRound{.log_speedup = std::nan("")}}), std::invalid_argument);
  EXPECT_THROW(estimate_noise(rounds, {.rounds = 0}), std::invalid_argument);
  EXPECT_THROW(estimate_noise(rounds, {.generations = 0}), std::invalid_argument);
  EXPECT_THROW(estimate_noise(rounds, {.confidence = 1}), std::invalid_argument);
}

}  // namespace
}  // namespace stagemark
