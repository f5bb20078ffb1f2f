#include "stagemark/core/paired_auroc.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace stagemark {
namespace {

constexpr double digits = 5.1e-11;

/// The first half negative, the second positive.
std::vector<ScoredImage> scored(const std::vector<double>& probabilities) {
  std::vector<ScoredImage> images;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    images.push_back({.positive = i >= probabilities.size() / 2,
                      .probability = probabilities[i],
                      .predicted_positive = probabilities[i] >= .5});
  }
  return images;
}

const std::vector<double> a = {.1, .2, .3, .4, .6, .3, .5, .7, .8, .9};
const std::vector<double> b = {.2, .1, .5, .4, .5, .4, .3, .6, .9, .8};

// Computed by hand from the covariance matrix [[.0152, .0161], [.0161, .0268]]; the same code reproduced pROC's tests.
TEST(CompareAuroc, IsDeLongsTest) {
  const PairedAuroc result = compare_auroc(scored(b), scored(a)).value();
  EXPECT_NEAR(result.baseline, .78, 1e-12);
  EXPECT_NEAR(result.candidate, .86, 1e-12);
  EXPECT_NEAR(result.delta, .08, 1e-12);
  EXPECT_NEAR(result.standard_error.value(), std::sqrt(.0098), 1e-12);
  EXPECT_NEAR(result.delta / *result.standard_error, .8081220356, digits);
  EXPECT_NEAR(result.p_value.value(), .4190203335, digits);
  EXPECT_NEAR(result.interval.value().low, .08 - 1.959963984540054 * std::sqrt(.0098), 1e-12);
  EXPECT_NEAR(result.interval->high, .08 + 1.959963984540054 * std::sqrt(.0098), 1e-12);
}

TEST(CompareAuroc, TurnsOverWithThePair) {
  const PairedAuroc one_way = compare_auroc(scored(a), scored(b)).value();
  const PairedAuroc other_way = compare_auroc(scored(b), scored(a)).value();
  EXPECT_NEAR(one_way.delta, -other_way.delta, 1e-12);
  EXPECT_NEAR(*one_way.p_value, *other_way.p_value, 1e-12);
  EXPECT_NEAR(one_way.interval->low, -other_way.interval->high, 1e-12);
}

TEST(CompareAuroc, IsCertainOfNoDifferenceWhereTheRanksAreTheSame) {
  std::vector<double> squared = a;
  for (double& probability : squared) probability *= probability;
  const PairedAuroc result = compare_auroc(scored(a), scored(squared)).value();
  EXPECT_EQ(result.delta, 0);
  EXPECT_EQ(result.standard_error, 0);
  EXPECT_EQ(result.p_value, 1);
  EXPECT_EQ(result.interval, (Interval{.low = 0, .high = 0}));
}

TEST(CompareAuroc, MakesNoClaimWhereADifferenceHasNoVariance) {
  // All right against all wrong.
  const PairedAuroc result = compare_auroc(scored({.1, .2, .8, .9}), scored({.8, .9, .1, .2})).value();
  EXPECT_EQ(result.delta, -1);
  EXPECT_EQ(result.standard_error, 0);
  EXPECT_EQ(result.p_value, std::nullopt);
  EXPECT_EQ(result.interval, std::nullopt);
}

TEST(CompareAuroc, HasNoErrorForASingleImageOfAClass) {
  const PairedAuroc result = compare_auroc(scored({.4, .9}), scored({.9, .4})).value();
  EXPECT_EQ(result.delta, -1);
  EXPECT_EQ(result.standard_error, std::nullopt);
  EXPECT_EQ(result.p_value, std::nullopt);
  EXPECT_EQ(result.interval, std::nullopt);
}

TEST(CompareAuroc, IsAbsentForOneClass) {
  std::vector<ScoredImage> positives = scored(a);
  for (ScoredImage& image : positives) image.positive = true;
  EXPECT_EQ(compare_auroc(positives, positives), std::nullopt);
  EXPECT_EQ(compare_auroc({}, {}), std::nullopt);
}

TEST(CompareAuroc, ClipsItsIntervalToWhatIsPossible) {
  const PairedAuroc result = compare_auroc(scored({.1, .2, .8, .9}), scored({.8, .3, .4, .2}), .999999).value();
  ASSERT_TRUE(result.interval.has_value());
  EXPECT_EQ(result.interval->low, -1);
  EXPECT_LE(result.interval->high, 1);
}

TEST(CompareAuroc, RefusesOtherImages) {
  std::vector<ScoredImage> other = scored(b);
  std::swap(other.front(), other.back());
  EXPECT_THROW(compare_auroc(scored(a), other), std::invalid_argument);
  EXPECT_THROW(compare_auroc(scored(a), std::span(other).first(9)), std::invalid_argument);
  EXPECT_THROW(compare_auroc(scored(a), scored(b), 1), std::invalid_argument);
}

}  // namespace
}  // namespace stagemark
