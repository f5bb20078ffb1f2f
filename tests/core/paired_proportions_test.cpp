#include "stagemark/core/paired_proportions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace stagemark {
namespace {

constexpr double six_digits = 5.1e-7;

PairedOutcomes discordant(std::uint64_t harmful, std::uint64_t helpful, std::uint64_t count = 0) {
  return {.both_right = count > harmful + helpful ? count - harmful - helpful : 0,
          .harmful = harmful,
          .helpful = helpful,
          .both_wrong = 0};
}

TEST(McNemar, HasThePublishedValues) {
  struct Golden {
    std::uint64_t harmful = 0, helpful = 0;
    double exact = 0, mid_p = 0, tolerance = 0;
  };
  const std::vector<Golden> goldens = {{1, 7, .0703125, .0390625, 1e-12},
                                       {6, 16, .05247879028, .03468966484, 5.1e-12},
                                       {121, 59, 4.434449e-06, 3.266647e-06, 5.1e-13},  // statsmodels, R
                                       {0, 5, .0625, .03125, 1e-12},
                                       {0, 6, .03125, .015625, 1e-12},
                                       {3, 3, 1, .84375, 1e-12}};
  for (const Golden& golden : goldens) {
    for (const auto& outcomes :
         {discordant(golden.harmful, golden.helpful), discordant(golden.helpful, golden.harmful, 1000)}) {
      EXPECT_NEAR(mcnemar_exact(outcomes), golden.exact, golden.tolerance) << golden.harmful << ' ' << golden.helpful;
      EXPECT_NEAR(mcnemar_mid_p(outcomes), golden.mid_p, golden.tolerance) << golden.harmful << ' ' << golden.helpful;
    }
  }
}

TEST(McNemar, FindsNothingWithoutADiscordantImage) {
  EXPECT_EQ(mcnemar_exact(discordant(0, 0, 10)), 1);
  EXPECT_EQ(mcnemar_mid_p(discordant(0, 0, 10)), 1);
  EXPECT_EQ(mcnemar_exact({}), 1);
}

/// Given as drops, baseline - candidate, and so with the sign turned over.
struct IntervalGolden {
  PairedOutcomes outcomes;
  double drop = 0;
  Interval tango, newcombe;
};

// Tango's are those of ratesci's tests where those have them; Newcombe's were computed with an independent program.
const std::vector<IntervalGolden> interval_goldens = {
    {{36, 12, 2, 0}, .2, {.061112, .344709}, {.056930, .340428}},
    {{20, 12, 2, 16}, .2, {.061112, .344709}, {.056156, .329207}},
    {{1, 1, 7, 12}, -.285714, {-.517232, -.026003}, {-.506920, -.025559}},
    {{53, 16, 8, 9}, .093023, {-.019659, .206911}, {-.020104, .203916}},
    {{4, 9, 3, 16}, .1875, {-.027090, .389697}, {-.027348, .380672}},
    {{59, 6, 16, 80}, -.062112, {-.124023, -.005433}, {-.118621, -.004625}},
    {{794, 150, 86, 570}, .04, {.021362, .058998}, {.021230, .058704}}};

TEST(TangoInterval, HasThePublishedValues) {
  for (const IntervalGolden& golden : interval_goldens) {
    const Interval interval = tango_interval(golden.outcomes).value();
    EXPECT_NEAR(interval.low, -golden.tango.high, six_digits) << golden.drop;
    EXPECT_NEAR(interval.high, -golden.tango.low, six_digits) << golden.drop;
  }
  const Interval interval = tango_interval({43, 0, 1, 0}, .9).value();
  EXPECT_NEAR(interval.low, -.036517, six_digits);
  EXPECT_NEAR(interval.high, .095662, six_digits);
}

TEST(TangoInterval, IsThatOfOneHarmfulFlipIn624Images) {
  const Interval interval = tango_interval(discordant(1, 0, 624)).value();
  EXPECT_NEAR(interval.low, -.0090, .00005);
  EXPECT_NEAR(interval.high, .0045, .00005);
}

TEST(TangoInterval, HasItsClosedFormWithoutADiscordantImage) {
  const double z_squared = 1.959963984540054 * 1.959963984540054;
  const Interval interval = tango_interval(discordant(0, 0, 100)).value();
  EXPECT_NEAR(interval.low, -z_squared / (100 + z_squared), 1e-12);
  EXPECT_NEAR(interval.high, z_squared / (100 + z_squared), 1e-12);
}

TEST(TangoInterval, EndsAtWhatIsPossible) {
  const Interval all_lost = tango_interval(discordant(5, 0, 5)).value();
  EXPECT_EQ(all_lost.low, -1);
  EXPECT_GT(all_lost.high, -1);
  const Interval all_won = tango_interval(discordant(0, 5, 5)).value();
  EXPECT_EQ(all_won.high, 1);
  EXPECT_NEAR(all_won.low, -all_lost.high, 1e-12);
}

TEST(TangoInterval, IsAbsentWithoutImages) {
  EXPECT_EQ(tango_interval({}), std::nullopt);
  EXPECT_THROW(tango_interval({}, 1), std::invalid_argument);
}

TEST(TangoStatistic, HasThePublishedValue) { EXPECT_NEAR(tango_statistic({43, 0, 1, 0}, -.1), 1.708564, six_digits); }

TEST(TangoStatistic, FallsAsTheDropRises) {
  for (const auto& outcomes :
       {discordant(0, 0, 50), discordant(3, 1, 50), discordant(0, 7, 50), discordant(50, 0, 50)}) {
    double last = tango_statistic(outcomes, -.99);
    for (int step = -98; step <= 99; ++step) {
      const double now = tango_statistic(outcomes, step / 100.0);
      EXPECT_LT(now, last) << step;
      last = now;
    }
  }
}

TEST(TangoStatistic, RefusesAnImpossibleDrop) {
  for (const double bad : {-1.0, 1.0, std::nan("")}) {
    EXPECT_THROW(tango_statistic(discordant(1, 1, 10), bad), std::invalid_argument) << bad;
  }
}

TEST(NewcombeInterval, HasTheValuesOfMethodTen) {
  for (const IntervalGolden& golden : interval_goldens) {
    const Interval interval = newcombe_interval(golden.outcomes).value();
    EXPECT_NEAR(interval.low, -golden.newcombe.high, six_digits) << golden.drop;
    EXPECT_NEAR(interval.high, -golden.newcombe.low, six_digits) << golden.drop;
  }
}

TEST(NewcombeInterval, IsAbsentWithoutImages) {
  EXPECT_EQ(newcombe_interval({}), std::nullopt);
  EXPECT_THROW(newcombe_interval(discordant(1, 1, 10), 0), std::invalid_argument);
}

TEST(ImagesWithin, AreTheWholeImagesOfTheMargin) {
  EXPECT_EQ(images_within(.005, 624), 3U);
  EXPECT_EQ(images_within(0, 624), 0U);
  EXPECT_EQ(images_within(.005, 199), 0U);
}

TEST(ImagesWithin, LoseNoneToRounding) {
  // A tenth of a point of n * 1000 is n, whatever .001 is in binary.
  for (std::uint64_t n = 0; n < 10'000; ++n) EXPECT_EQ(images_within(.001, n * 1000), n);
  for (std::uint64_t n = 0; n < 10'000; ++n) EXPECT_EQ(images_within(.035, n * 200), n * 7);
}

TEST(AccuracyVerdict, CountsTheImagesOfThisDataSet) {
  // Half a point of 624 images is three.
  EXPECT_EQ(accuracy_verdict(discordant(3, 0, 624), .005), AccuracyVerdict::kept);
  EXPECT_EQ(accuracy_verdict(discordant(4, 0, 624), .005), AccuracyVerdict::lost);
  EXPECT_EQ(accuracy_verdict(discordant(24, 21, 624), .005), AccuracyVerdict::kept);
  EXPECT_EQ(accuracy_verdict(discordant(0, 9, 624), 0), AccuracyVerdict::kept);
  EXPECT_EQ(accuracy_verdict({}, .005), std::nullopt);
}

TEST(AccuracyVerdict, RefusesAnImpossibleMargin) {
  for (const double bad : {-.001, 1.0, std::nan("")}) {
    EXPECT_THROW(accuracy_verdict(discordant(1, 1, 10), bad), std::invalid_argument) << bad;
    EXPECT_THROW(population_accuracy_verdict(discordant(1, 1, 10), bad), std::invalid_argument) << bad;
    EXPECT_THROW(images_needed(discordant(1, 1, 10), bad), std::invalid_argument) << bad;
  }
  EXPECT_THROW(population_accuracy_verdict(discordant(1, 1, 10), .1, .5), std::invalid_argument);
  EXPECT_THROW(images_needed(discordant(1, 1, 10), .1, 0), std::invalid_argument);
}

TEST(PopulationAccuracyVerdict, IsUndecidedAfterOneHarmfulFlipIn624) {
  EXPECT_EQ(population_accuracy_verdict(discordant(0, 0, 624), .005), AccuracyVerdict::kept);
  EXPECT_EQ(population_accuracy_verdict(discordant(1, 0, 624), .005), AccuracyVerdict::inconclusive);
  EXPECT_EQ(population_accuracy_verdict(discordant(30, 2, 624), .005), AccuracyVerdict::lost);
  EXPECT_EQ(population_accuracy_verdict({}, .005), std::nullopt);
}

/// One-sided 95 % upper bounds of the drop, the restricted likelihood maximised numerically with SciPy
/// (tests/core/make_comparison_goldens.py), not by Tango's closed form.
TEST(PopulationAccuracyVerdict, FollowsTheUpperBoundOfTheDrop) {
  struct Golden {
    std::uint64_t harmful = 0, helpful = 0, count = 0;
    double bound = 0;
  };
  for (const Golden& golden : std::vector<Golden>{{0, 0, 624, 0.0043170888},
                                                  {1, 0, 624, 0.0071507793},
                                                  {1, 1, 624, 0.0056933596},
                                                  {2, 2, 624, 0.0067964279},
                                                  {5, 5, 624, 0.0093553565},
                                                  {0, 0, 1000, 0.0026982432},
                                                  {1, 0, 1000, 0.0044697229},
                                                  {2, 2, 1000, 0.0042478662},
                                                  {5, 5, 1000, 0.0058472338},
                                                  {10, 10, 5000, 0.0015667087}}) {
    const PairedOutcomes outcomes = discordant(golden.harmful, golden.helpful, golden.count);
    const double bound = -tango_interval(outcomes, .9)->low;
    // The maximum is flat: its place has half the digits of a double.
    EXPECT_NEAR(bound, golden.bound, 1e-8) << golden.harmful << ' ' << golden.count;
    EXPECT_EQ(population_accuracy_verdict(outcomes, bound + 1e-9), AccuracyVerdict::kept);
    EXPECT_NE(population_accuracy_verdict(outcomes, bound - 1e-9), AccuracyVerdict::kept);
  }
}

TEST(ImagesNeeded, AreThoseOfTheExample) { EXPECT_EQ(images_needed(discordant(1, 0, 624), .005), 1167U); }

TEST(ImagesNeeded, AreThoseOfTheClosedFormWithoutADiscordantImage) {
  for (const std::uint64_t count : {1U, 100U, 624U}) {
    EXPECT_EQ(images_needed(discordant(0, 0, count), .005), 539U);
    EXPECT_EQ(images_needed(discordant(0, 0, count), .005, .025), 765U);
  }
}

TEST(ImagesNeeded, AreEnoughAndOneLessIsNot) {
  // Rates of 1 and of 2 in 1000.
  const std::uint64_t needed = images_needed(discordant(2, 1, 1000), .005).value();
  const std::uint64_t thousands = needed / 1000 + 1;
  EXPECT_EQ(population_accuracy_verdict(discordant(2 * thousands, thousands, 1000 * thousands), .005),
            AccuracyVerdict::kept);
  EXPECT_NE(population_accuracy_verdict(discordant(2 * (thousands - 1), thousands - 1, 1000 * (thousands - 1)), .005),
            AccuracyVerdict::kept);
}

TEST(ImagesNeeded, AreAbsentWhereNoNumberWouldDo) {
  // Exactly the margin, however it is rounded.
  for (std::uint64_t n = 1; n < 1000; ++n) {
    EXPECT_EQ(images_needed(discordant(n, 0, 200 * n), .005), std::nullopt) << n;
    EXPECT_EQ(images_needed(discordant(3 * n, n, 1000 * n), .002), std::nullopt) << n;
    EXPECT_EQ(images_needed(discordant(7 * n, 0, 1000 * n), .007), std::nullopt) << n;
  }
  EXPECT_EQ(images_needed(discordant(9, 2, 1000), .005), std::nullopt);
  EXPECT_EQ(images_needed({}, .005), std::nullopt);
}

TEST(AccuracyVerdict, HasTheNamesOfTheReport) {
  EXPECT_EQ(to_string(AccuracyVerdict::kept), "kept");
  EXPECT_EQ(to_string(AccuracyVerdict::lost), "lost");
  EXPECT_EQ(to_string(AccuracyVerdict::inconclusive), "inconclusive");
}

}  // namespace
}  // namespace stagemark
