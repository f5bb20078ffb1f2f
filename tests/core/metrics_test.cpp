#include "stagemark/core/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/tolerance.hpp"

namespace stagemark {
namespace {

// scikit-learn's values agree to the last bits; sums in another order may not.

std::vector<ScoredImage> scored(const std::vector<int>& truth, const std::vector<double>& probabilities,
                                double threshold = 0.5) {
  std::vector<ScoredImage> images;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    images.push_back({.positive = truth[i] == 1,
                      .probability = probabilities[i],
                      .predicted_positive = probabilities[i] >= threshold});
  }
  return images;
}

std::vector<ScoredImage> twelve_images() {
  return scored({1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0}, {.95, .9, .85, .8, .7, .6, .5, .2, .7, .4, .3, .05});
}

std::vector<ScoredImage> ten_images(const std::vector<double>& probabilities) {
  return scored({0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, probabilities);
}

void expect_value(const OrReason<double>& metric, double expected) {
  ASSERT_TRUE(metric.value.has_value()) << metric.reason;
  EXPECT_NEAR(*metric.value, expected, tight);
  EXPECT_EQ(metric.reason, "");
}

void expect_absent(const OrReason<double>& metric, const std::string& reason) {
  EXPECT_EQ(metric.value, std::nullopt);
  EXPECT_EQ(metric.reason, reason);
}

TEST(ClassificationMetrics, AreThoseOfScikitLearnOnTwelveImages) {
  const ClassificationMetrics metrics = classification_metrics(twelve_images());
  EXPECT_EQ(metrics.count, 12U);
  EXPECT_EQ(metrics.confusion_matrix.value, (ConfusionMatrix{.tn = 3, .fp = 1, .fn = 1, .tp = 7}));
  expect_value(metrics.accuracy, 10.0 / 12);
  expect_value(metrics.precision, .875);
  expect_value(metrics.recall, .875);
  expect_value(metrics.sensitivity, .875);
  expect_value(metrics.specificity, .75);
  expect_value(metrics.f1, .875);
  expect_value(metrics.balanced_accuracy, .8125);
  expect_value(metrics.mcc, .625);
  expect_value(metrics.auroc, .828125);
  expect_value(metrics.average_precision, .9115936147186148);
  expect_value(metrics.brier, .163125);
}

TEST(ClassificationMetrics, TakeTheDecisionFromTheImageNotFromTheProbability) {
  auto images = twelve_images();
  images[6].predicted_positive = false;  // p = .5 under the rule p > .5
  EXPECT_EQ(classification_metrics(images).confusion_matrix, (ConfusionMatrix{.tn = 3, .fp = 1, .fn = 2, .tp = 6}));
}

TEST(ClassificationMetrics, GiveTheMatthewsCorrelationOfADocumentedExample) {
  // MCC([1, 1, 1, -1], [1, -1, 1, 1]) = -1/3
  const std::vector<ScoredImage> images = {{.positive = true, .probability = 1, .predicted_positive = true},
                                           {.positive = true, .probability = 0, .predicted_positive = false},
                                           {.positive = true, .probability = 1, .predicted_positive = true},
                                           {.positive = false, .probability = 1, .predicted_positive = true}};
  expect_value(classification_metrics(images).mcc, -1.0 / 3);
}

TEST(ClassificationMetrics, GiveTheBrierScoreOfADocumentedExample) {
  expect_value(classification_metrics(scored({0, 1, 1, 0}, {.1, .9, .8, .3})).brier, .0375);
}

TEST(ClassificationMetrics, GiveTheAreaAndTheAveragePrecisionOfADocumentedExample) {
  const ClassificationMetrics metrics = classification_metrics(scored({0, 0, 1, 1}, {.1, .4, .35, .8}));
  expect_value(metrics.auroc, .75);
  expect_value(metrics.average_precision, 5.0 / 6);
}

TEST(ClassificationMetrics, CountTiedProbabilitiesAsOneThreshold) {
  const ClassificationMetrics metrics = classification_metrics(scored({1, 0, 1, 0}, {.5, .5, .5, .5}));
  expect_value(metrics.average_precision, .5);
  expect_value(metrics.auroc, .5);
}

TEST(ClassificationMetrics, DoNotDependOnTheOrderOfTheImages) {
  auto images = twelve_images();
  const ClassificationMetrics before = classification_metrics(images);
  std::mt19937 random(7);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::shuffle(images.begin(), images.end(), random);
    const ClassificationMetrics after = classification_metrics(images);
    expect_value(after.auroc, *before.auroc.value);
    expect_value(after.average_precision, *before.average_precision.value);
    expect_value(after.ece, *before.ece.value);
    expect_value(after.brier, *before.brier.value);
  }
}

TEST(ClassificationMetrics, AreAbsentWithoutImages) {
  const ClassificationMetrics metrics = classification_metrics({});
  EXPECT_EQ(metrics.count, 0U);
  EXPECT_EQ(metrics.confusion_matrix.value, std::nullopt);
  for (const OrReason<double>& metric :
       {metrics.accuracy, metrics.precision, metrics.recall, metrics.sensitivity, metrics.specificity, metrics.f1,
        metrics.auroc, metrics.balanced_accuracy, metrics.mcc, metrics.average_precision, metrics.brier, metrics.ece}) {
    expect_absent(metric, "no images");
  }
  EXPECT_EQ(metrics.ci95.accuracy.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.sensitivity.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.specificity.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.auroc.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.auroc.reason, "no images");
}

TEST(ClassificationMetrics, HaveALineOfTheTableForEachMetric) {
  ClassificationMetrics metrics = ClassificationMetrics::absent("none");
  double value = 0;
  for (const Metric metric : all_values<Metric>) metrics.*entry_of(metric).member = ++value;
  // Each was written once: none shares a member with another.
  for (const Metric metric : all_values<Metric>) {
    EXPECT_EQ(*(metrics.*entry_of(metric).member), static_cast<double>(metric) + 1) << to_string(metric);
  }
  EXPECT_FALSE(entry_of(Metric::brier).better_when_larger);
  EXPECT_FALSE(entry_of(Metric::ece).better_when_larger);
  EXPECT_THROW((void)entry_of(static_cast<Metric>(99)), std::invalid_argument);
}

TEST(ClassificationMetrics, SayWhatIsMissingWithoutPositiveImages) {
  const ClassificationMetrics metrics = classification_metrics(scored({0, 0}, {.2, .7}));
  expect_value(metrics.accuracy, .5);
  expect_value(metrics.precision, 0);
  expect_value(metrics.specificity, .5);
  expect_value(metrics.f1, 0);
  expect_absent(metrics.recall, "no positive images");
  expect_absent(metrics.sensitivity, "no positive images");
  expect_absent(metrics.average_precision, "no positive images");
  expect_absent(metrics.auroc, "needs both classes");
  expect_absent(metrics.balanced_accuracy, "needs both classes");
  expect_absent(metrics.mcc, "needs both classes");
  EXPECT_TRUE(metrics.brier.value.has_value());
  EXPECT_TRUE(metrics.ece.value.has_value());
  EXPECT_TRUE(metrics.ci95.specificity.value.has_value());
  EXPECT_EQ(metrics.ci95.sensitivity.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.auroc.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.auroc.reason, "needs both classes");
}

TEST(ClassificationMetrics, SayWhatIsMissingWithoutNegativeImages) {
  const ClassificationMetrics metrics = classification_metrics(scored({1, 1}, {.2, .7}));
  expect_value(metrics.recall, .5);
  expect_value(metrics.precision, 1);
  expect_value(metrics.average_precision, 1);
  expect_absent(metrics.specificity, "no negative images");
  expect_absent(metrics.auroc, "needs both classes");
  expect_absent(metrics.balanced_accuracy, "needs both classes");
  expect_absent(metrics.mcc, "needs both classes");
  EXPECT_EQ(metrics.ci95.specificity.value, std::nullopt);
}

TEST(ClassificationMetrics, SayWhatIsMissingWithoutPositivePredictions) {
  const ClassificationMetrics metrics = classification_metrics(scored({0, 1}, {.1, .2}));
  expect_absent(metrics.precision, "no positive predictions");
  expect_absent(metrics.mcc, "needs predictions of both classes");
  expect_value(metrics.recall, 0);
  expect_value(metrics.f1, 0);
  expect_value(metrics.balanced_accuracy, .5);
}

TEST(ClassificationMetrics, SayWhatIsMissingWithoutNegativePredictions) {
  const ClassificationMetrics metrics = classification_metrics(scored({0, 1}, {.8, .9}));
  expect_absent(metrics.mcc, "needs predictions of both classes");
  expect_value(metrics.precision, .5);
}

TEST(ClassificationMetrics, HaveNoF1WhereNothingIsPositive) {
  expect_absent(classification_metrics(scored({0, 0}, {.1, .2})).f1, "no positive images and no positive predictions");
}

TEST(ClassificationMetrics, GiveWilsonIntervalsOfTheRatios) {
  const ClassificationMetrics metrics = classification_metrics(twelve_images());
  EXPECT_EQ(metrics.ci95.accuracy.value, wilson_interval(10, 12));
  EXPECT_EQ(metrics.ci95.sensitivity.value, wilson_interval(7, 8));
  EXPECT_EQ(metrics.ci95.specificity.value, wilson_interval(3, 4));
}

TEST(ClassificationMetrics, RefuseWhatIsNotAProbability) {
  for (const double bad : {std::nan(""), -0.01, 1.01, std::numeric_limits<double>::infinity()}) {
    const auto images = scored({0, 1}, {.5, bad});
    EXPECT_THROW(classification_metrics(images), std::invalid_argument) << bad;
    EXPECT_THROW(expected_calibration_error(images, 15), std::invalid_argument) << bad;
    EXPECT_THROW(auroc(images), std::invalid_argument) << bad;
  }
}

TEST(AurocInterval, IsDeLongsOnTheLogitScale) {
  const ClassificationMetrics metrics = classification_metrics(ten_images({.1, .2, .3, .4, .6, .3, .5, .7, .8, .9}));
  ASSERT_TRUE(metrics.ci95.auroc.value.has_value()) << metrics.ci95.auroc.reason;
  EXPECT_NEAR(metrics.ci95.auroc->low, .4522232928, 1e-10);  // the golden has ten digits
  EXPECT_NEAR(metrics.ci95.auroc->high, .9785903550, 1e-10);
  EXPECT_EQ(metrics.ci95.auroc.reason, "");
}

TEST(AurocInterval, IsAbsentWhereTheClassesAreSeparated) {
  for (const std::vector<int>& truth : {std::vector<int>{0, 0, 0, 1, 1, 1}, std::vector<int>{1, 1, 1, 0, 0, 0}}) {
    const ClassificationMetrics metrics = classification_metrics(scored(truth, {.1, .2, .3, .7, .8, .9}));
    EXPECT_TRUE(*metrics.auroc.value == 0 || *metrics.auroc.value == 1);
    EXPECT_EQ(metrics.ci95.auroc.value, std::nullopt);
    EXPECT_EQ(metrics.ci95.auroc.reason, "not defined for an area of 0 or 1");
  }
}

TEST(AurocInterval, IsAbsentWhereTheVarianceIsZero) {
  // Three of each, so that rounding would show if the variance were not computed as exactly 0.
  const ClassificationMetrics metrics = classification_metrics(scored({0, 0, 0, 1, 1, 1}, {.5, .5, .5, .5, .5, .5}));
  expect_value(metrics.auroc, .5);
  EXPECT_EQ(metrics.ci95.auroc.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.auroc.reason, "the variance is 0");
}

TEST(AurocInterval, IsAbsentForASingleImageOfAClass) {
  const ClassificationMetrics metrics = classification_metrics(scored({0, 0, 1}, {.1, .6, .5}));
  expect_value(metrics.auroc, .5);
  EXPECT_EQ(metrics.ci95.auroc.value, std::nullopt);
  EXPECT_EQ(metrics.ci95.auroc.reason, "needs two images of each class");
}

TEST(Auroc, CountsTiesAsHalf) {
  EXPECT_NEAR(auroc(scored({0, 0, 1, 1}, {.2, .5, .5, .9}))->area, .875, tight);
  EXPECT_NEAR(auroc(scored({0, 0, 1, 1}, {.5, .5, .5, .5}))->area, .5, tight);
}

TEST(Auroc, HasDeLongsVariance) {
  const auto four = auroc(scored({0, 0, 1, 1}, {.1, .4, .35, .8}));
  ASSERT_TRUE(four.has_value());
  EXPECT_NEAR(four->area, .75, tight);
  EXPECT_NEAR(four->variance.value(), .125, tight);

  const auto first = auroc(ten_images({.1, .2, .3, .4, .6, .3, .5, .7, .8, .9}));
  EXPECT_NEAR(first->area, .86, tight);
  EXPECT_NEAR(first->variance.value(), .0152, tight);

  const auto second = auroc(ten_images({.2, .1, .5, .4, .5, .4, .3, .6, .9, .8}));
  EXPECT_NEAR(second->area, .78, tight);
  EXPECT_NEAR(second->variance.value(), .0268, tight);

  const auto twelve = auroc(twelve_images());
  EXPECT_NEAR(std::sqrt(twelve->variance.value()), .1305501466, 1e-10);  // the golden has ten digits
}

// An independent formula for the same quantity: Hanley & McNeil (1982) assume exponential scores. Theirs for
// an area of .9 with 390 positive and 234 negative images is .0120293878. Scores drawn from just that model
// must have, on average, that error: 400 draws leave the average of the estimates uncertain by about 1 %, so
// 4 % is four of these.
TEST(Auroc, HasTheVarianceOfHanleyAndMcNeilUnderTheirModel) {
  std::mt19937_64 random(42);
  const auto uniform = [&random] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  constexpr int draws = 400;
  double area_sum = 0;
  double error_sum = 0;
  for (int draw = 0; draw < draws; ++draw) {
    std::vector<ScoredImage> images;
    // P(positive > negative) = 9 / (9 + 1) where the mean of the positive scores is nine times that of the
    // negative.
    for (int i = 0; i < 624; ++i) {
      const bool positive = i < 390;
      const double score = -std::log(uniform()) * (positive ? 9 : 1);
      images.push_back({.positive = positive, .probability = score / (1 + score), .predicted_positive = false});
    }
    const auto result = auroc(images);
    area_sum += result->area;
    error_sum += std::sqrt(result->variance.value());
  }
  EXPECT_NEAR(area_sum / draws, .9, 4 * .0120293878 / std::sqrt(draws));
  EXPECT_NEAR(error_sum / draws, .0120293878, .04 * .0120293878);
}

TEST(Auroc, EqualsTheCountOfAllPairs) {
  std::mt19937_64 random(3);
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::vector<ScoredImage> images;
    for (int i = 0; i < 40; ++i) {
      // Few values, so that ties abound.
      images.push_back({.positive = random() % 3 == 0, .probability = static_cast<double>(random() % 8) / 7});
    }
    images.push_back({.positive = true, .probability = .5});
    images.push_back({.positive = false, .probability = .5});
    double wins = 0;
    double pairs = 0;
    for (const ScoredImage& a : images) {
      for (const ScoredImage& b : images) {
        if (!a.positive || b.positive) continue;
        ++pairs;
        if (a.probability > b.probability) wins += 1;
        if (a.probability == b.probability) wins += .5;
      }
    }
    EXPECT_NEAR(auroc(images)->area, wins / pairs, tight);
  }
}

TEST(Auroc, TurnsOverWithTheClasses) {
  auto images = twelve_images();
  const auto before = auroc(images);
  for (ScoredImage& image : images) image.positive = !image.positive;
  const auto after = auroc(images);
  EXPECT_NEAR(after->area, 1 - before->area, tight);
  EXPECT_NEAR(after->variance.value(), before->variance.value(), tight);
}

TEST(Auroc, IsAbsentForOneClass) {
  EXPECT_FALSE(auroc(scored({1, 1}, {.2, .3})).has_value());
  EXPECT_FALSE(auroc(scored({0, 0}, {.2, .3})).has_value());
  EXPECT_FALSE(auroc({}).has_value());
}

TEST(Auroc, HasNoVarianceForASingleImageOfAClass) {
  EXPECT_EQ(auroc(scored({0, 1, 1}, {.2, .3, .1}))->variance, std::nullopt);
  EXPECT_EQ(auroc(scored({0, 0, 1}, {.2, .3, .25}))->variance, std::nullopt);
}

// Comparing all pairs would take minutes here.
TEST(Auroc, HandlesAMillionImages) {
  std::vector<ScoredImage> images;
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    images.push_back({.positive = i % 2 == 1, .probability = static_cast<double>(i) / 1e6});
  }
  // Each positive is above one negative more than the positive before it: m(m+1)/2 of m^2 pairs.
  EXPECT_NEAR(auroc(images)->area, 500'001.0 / 1'000'000, tight);
}

TEST(CalibrationError, IsThatOfTorchmetricsDocumentation) {
  EXPECT_NEAR(expected_calibration_error(scored({0, 0, 1, 1, 1}, {.25, .25, .55, .75, .75}), 2), .29, tight);
}

TEST(CalibrationError, IsThatOfTwelveImagesInFourBins) {
  EXPECT_NEAR(expected_calibration_error(twelve_images(), 4), 2.45 / 12, tight);
}

TEST(CalibrationError, PutsAnEdgeInTheBinAboveAndOneInTheLastBin) {
  // Bins [0, .5) and [.5, 1]: were .5 in the lower bin, the two errors there would cancel to .25.
  EXPECT_NEAR(expected_calibration_error(scored({1, 0}, {.5, .0}), 2), .25, tight);
  EXPECT_NEAR(expected_calibration_error(scored({0, 1}, {.5, .0}), 2), .75, tight);
  EXPECT_NEAR(expected_calibration_error(scored({1, 0}, {1, .5}), 2), .25, tight);
}

TEST(CalibrationError, FindsTheEdgesThatTheProductOfTheProbabilityMisses) {
  // The largest number below i/n, times n, rounds to i for many i and n. Beside the edge are two bins: with
  // the positive image just below it and the negative one on it nothing may cancel.
  for (const std::size_t bins : {3U, 7U, 10U, 15U, 49U}) {
    for (std::size_t i = 1; i < bins; ++i) {
      const double edge = static_cast<double>(i) / static_cast<double>(bins);
      const double below = std::nextafter(edge, 0);
      EXPECT_NEAR(expected_calibration_error(scored({1, 0}, {below, edge}), bins), .5, tight) << i << '/' << bins;
    }
  }
}

TEST(CalibrationError, IsTheDistanceOfTheMeansInASingleBin) {
  EXPECT_NEAR(expected_calibration_error(scored({1, 0, 0, 0}, {.9, .1, .2, .4}), 1), .4 - .25, tight);
}

TEST(CalibrationError, UsesFifteenBinsInTheMetrics) {
  const auto images = twelve_images();
  expect_value(classification_metrics(images).ece, expected_calibration_error(images, 15));
}

TEST(CalibrationError, RefusesNoBinsAndNoImages) {
  EXPECT_THROW(expected_calibration_error(twelve_images(), 0), std::invalid_argument);
  EXPECT_THROW(expected_calibration_error({}, 15), std::invalid_argument);
}

TEST(MulticlassAccuracy, CountsAgreement) {
  const std::array<std::size_t, 6> truth = {0, 1, 2, 0, 1, 2};
  const std::array<std::size_t, 6> predicted = {0, 2, 1, 0, 0, 1};
  const MulticlassAccuracy result = multiclass_accuracy(truth, predicted);
  EXPECT_EQ(result.count, 6U);
  EXPECT_EQ(result.correct, 2U);
  expect_value(result.accuracy, 1.0 / 3);
  EXPECT_EQ(result.ci95.value, wilson_interval(2, 6));
}

TEST(MulticlassAccuracy, IsAbsentWithoutImages) {
  const MulticlassAccuracy result = multiclass_accuracy({}, {});
  expect_absent(result.accuracy, "no images");
  EXPECT_EQ(result.ci95.value, std::nullopt);
}

TEST(MulticlassAccuracy, RefusesDifferentLengths) {
  const std::array<std::size_t, 2> truth = {0, 1};
  EXPECT_THROW(multiclass_accuracy(truth, std::span(truth).first(1)), std::invalid_argument);
}

struct ProportionGolden {
  std::size_t successes = 0, n = 0;
  Interval wilson, clopper_pearson;
};

// Newcombe (1998a), and sizes of the chest X-ray test split. Six digits.
TEST(ProportionInterval, HasThePublishedValues) {
  constexpr double digits = 5.1e-7;
  const std::vector<ProportionGolden> goldens = {
      {.successes = 81, .n = 263, .wilson = {.255289, .366210}, .clopper_pearson = {.252737, .367622}},
      {.successes = 15, .n = 148, .wilson = {.062386, .160487}, .clopper_pearson = {.057844, .161650}},
      {.successes = 0, .n = 20, .wilson = {0, .161125}, .clopper_pearson = {0, .168433}},
      {.successes = 1, .n = 29, .wilson = {.006113, .171755}, .clopper_pearson = {.000873, .177644}},
      {.successes = 8, .n = 10, .wilson = {.490162, .943318}, .clopper_pearson = {.443905, .974789}},
      {.successes = 570, .n = 624, .wilson = {.888794, .933069}, .clopper_pearson = {.888594, .934322}},
      {.successes = 624, .n = 624, .wilson = {.993881, 1}, .clopper_pearson = {.994106, 1}}};
  for (const ProportionGolden& golden : goldens) {
    SCOPED_TRACE(std::to_string(golden.successes) + "/" + std::to_string(golden.n));
    const auto wilson = wilson_interval(golden.successes, golden.n);
    ASSERT_TRUE(wilson.has_value());
    EXPECT_NEAR(wilson->low, golden.wilson.low, digits);
    EXPECT_NEAR(wilson->high, golden.wilson.high, digits);
    const auto exact = clopper_pearson_interval(golden.successes, golden.n);
    ASSERT_TRUE(exact.has_value());
    EXPECT_NEAR(exact->low, golden.clopper_pearson.low, digits);
    EXPECT_NEAR(exact->high, golden.clopper_pearson.high, digits);
  }
}

TEST(ProportionInterval, EndsExactlyAtTheBorderOfThePossible) {
  for (const auto interval : {wilson_interval, clopper_pearson_interval}) {
    for (const std::size_t n : {1U, 7U, 30U, 624U}) {
      EXPECT_EQ(interval(0, n, .95)->low, 0.0);
      EXPECT_EQ(interval(n, n, .95)->high, 1.0);
    }
  }
}

TEST(ProportionInterval, IsAbsentWithoutTrials) {
  EXPECT_EQ(wilson_interval(0, 0), std::nullopt);
  EXPECT_EQ(clopper_pearson_interval(0, 0), std::nullopt);
}

TEST(ProportionInterval, RefusesMoreSuccessesThanTrialsAndAnImpossibleConfidence) {
  for (const auto interval : {wilson_interval, clopper_pearson_interval}) {
    EXPECT_THROW(interval(3, 2, .95), std::invalid_argument);
    EXPECT_THROW(interval(1, 2, 0), std::invalid_argument);
    EXPECT_THROW(interval(1, 2, 1), std::invalid_argument);
    EXPECT_THROW(interval(1, 2, std::nan("")), std::invalid_argument);
  }
}

TEST(ProportionInterval, ContainsTheProportionAndGrowsWithTheConfidence) {
  for (const auto interval : {wilson_interval, clopper_pearson_interval}) {
    for (const std::size_t n : {1U, 2U, 10U, 624U}) {
      for (std::size_t x = 0; x <= n; ++x) {
        const Interval narrow = interval(x, n, .9).value();
        const Interval wide = interval(x, n, .99).value();
        const double proportion = static_cast<double>(x) / static_cast<double>(n);
        EXPECT_LE(wide.low, narrow.low);
        EXPECT_LE(narrow.low, proportion);
        EXPECT_GE(narrow.high, proportion);
        EXPECT_GE(wide.high, narrow.high);
      }
    }
  }
}

// The definition: at either end the observed count is just in the tail.
TEST(ClopperPearson, LeavesHalfTheErrorInEachTail) {
  for (const std::size_t x : {1U, 15U, 300U, 623U}) {
    const Interval interval = clopper_pearson_interval(x, 624).value();
    EXPECT_NEAR(1 - binomial_cdf(x - 1, 624, interval.low), .025, tight);
    EXPECT_NEAR(binomial_cdf(x, 624, interval.high), .025, tight);
  }
}

TEST(ClopperPearson, HandlesAMillionTrials) {
  const Interval interval = clopper_pearson_interval(500'000, 1'000'000).value();
  EXPECT_NEAR(interval.low + interval.high, 1, tight);
  EXPECT_NEAR(binomial_cdf(500'000, 1'000'000, interval.high), .025, 1e-10);
}

}  // namespace
}  // namespace stagemark
