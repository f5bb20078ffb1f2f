#include "stagemark/core/stored_baseline.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/tolerance.hpp"

namespace stagemark {
namespace {

std::vector<double> logarithms(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return values;
}

const std::vector<double> stored = logarithms({50.1, 50.9, 49.7, 50.4, 51.0, 50.2});
const std::vector<double> slower = logarithms({53.9, 54.8, 53.2});

// SciPy 1.10 (ttest_ind), tests/core/make_comparison_goldens.py
TEST(CompareWithStored, IsThePooledTTest) {
  const StoredBaselineComparison comparison = compare_with_stored(stored, slower, .05).value();
  EXPECT_NEAR(comparison.slowdown, 0.07108580631477164, tight);
  EXPECT_NEAR(comparison.interval.low, 0.0453031511498975, tight);
  EXPECT_NEAR(comparison.interval.high, 0.09750439690815718, tight);
  // The slack of the margin is 1e-12 of a standard error of .008.
  EXPECT_NEAR(comparison.test.p_beyond, 0.022172241966525078, 1e-10);
  EXPECT_NEAR(comparison.test.p_within, 0.977827758033475, 1e-10);
}

TEST(CompareWithStored, IsAbsentBelowFiveStoredOrThreeNewRuns) {
  EXPECT_TRUE(compare_with_stored(std::span(stored).first(5), slower, .05).has_value());
  EXPECT_FALSE(compare_with_stored(std::span(stored).first(4), slower, .05).has_value());
  EXPECT_FALSE(compare_with_stored(stored, std::span(slower).first(2), .05).has_value());
  EXPECT_FALSE(compare_with_stored({}, {}, .05).has_value());
}

TEST(CompareWithStored, AgreesWithItsInterval) {
  const Interval interval = compare_with_stored(stored, slower, .05)->interval;
  EXPECT_NEAR(compare_with_stored(stored, slower, interval.low)->test.p_beyond, .01, 1e-9);
  EXPECT_NEAR(compare_with_stored(stored, slower, interval.high)->test.p_within, .01, 1e-9);
}

TEST(CompareWithStored, TakesExactlyTheMarginForWithin) {
  const StoredBaselineComparison comparison =
      compare_with_stored(logarithms(std::vector<double>(5, 100)), logarithms(std::vector<double>(3, 105)), .05)
          .value();
  EXPECT_EQ(comparison.test.p_within, 0);
  EXPECT_EQ(comparison.test.p_beyond, 1);
}

/// Runs whose sample standard deviation is exactly `deviation`.
std::vector<double> runs(std::size_t count, double deviation) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i));
  const double scale = deviation / standard_deviation(values).value();
  for (double& value : values) value *= scale;
  return values;
}

// In logarithms, two digits: statistics of 20,000 simulated gates.
TEST(CompareWithStored, KnowsTheSmallestExcessThatItFindsFourTimesInFive) {
  const auto log_excess = [](std::size_t stored_runs, std::size_t new_runs, double deviation) {
    const auto comparison = compare_with_stored(runs(stored_runs, deviation), runs(new_runs, deviation), .05).value();
    return std::log1p(comparison.smallest_detectable_excess / 1.05);
  };
  EXPECT_NEAR(log_excess(5, 3, .02), .059, .0005);
  EXPECT_NEAR(log_excess(10, 3, .02), .047, .0005);
  EXPECT_NEAR(log_excess(10, 5, .01), .019, .0005);
  EXPECT_NEAR(log_excess(10, 5, .02), .039, .0005);
  EXPECT_NEAR(log_excess(20, 5, .02), .034, .0005);
}

TEST(CompareWithStored, RefusesWhatIsNoNumberAndImpossibleLevels) {
  const std::vector<double> bad = {1, 2, std::nan("")};
  EXPECT_THROW(compare_with_stored(stored, bad, .05), std::invalid_argument);
  EXPECT_THROW(compare_with_stored(bad, slower, .05), std::invalid_argument);
  EXPECT_THROW(compare_with_stored(stored, slower, -1), std::invalid_argument);
  EXPECT_THROW(compare_with_stored(stored, slower, .05, .5), std::invalid_argument);
}

}  // namespace
}  // namespace stagemark
