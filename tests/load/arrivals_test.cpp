#include "stagemark/load/arrivals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PoissonArrivals, AreTheSameForTheSameSeed) {
  EXPECT_EQ(poisson_arrivals(100, seconds(10), 1).scheduled, poisson_arrivals(100, seconds(10), 1).scheduled);
  EXPECT_NE(poisson_arrivals(100, seconds(10), 1).scheduled, poisson_arrivals(100, seconds(10), 2).scheduled);
}

TEST(PoissonArrivals, ScaleTheSameDrawsByTheRate) {
  const auto slow = poisson_arrivals(10, seconds(100), 3).scheduled;
  const auto fast = poisson_arrivals(40, seconds(25), 3).scheduled;
  ASSERT_NEAR(static_cast<double>(slow.size()), static_cast<double>(fast.size()), 1) << "but for rounding at the end";
  for (std::size_t i = 0; i < std::min(slow.size(), fast.size()); ++i) {
    ASSERT_NEAR(static_cast<double>(slow[i].count()), 4 * static_cast<double>(fast[i].count()), 4);
  }
}

TEST(PoissonArrivals, OfALongerScheduleBeginAsThoseOfAShorter) {
  const auto part = poisson_arrivals(100, seconds(1), 4).scheduled;
  auto whole = poisson_arrivals(100, seconds(2), 4).scheduled;
  whole.resize(part.size());
  EXPECT_EQ(part, whole);
}

// The gaps of a Poisson process are exponential (Kolmogorov-Smirnov: below 1.63 / sqrt(n) in 99 %), their number in a
// time has the variance of its mean.
TEST(PoissonArrivals, HaveExponentialGaps) {
  const auto scheduled = poisson_arrivals(1000, seconds(100), 5).scheduled;
  EXPECT_NEAR(static_cast<double>(scheduled.size()), 1e5, 3 * std::sqrt(1e5));
  std::vector<double> gaps;
  Nanoseconds before{0};
  for (const Nanoseconds at : scheduled) {
    gaps.push_back(static_cast<double>((at - before).count()) / 1e6);
    before = at;
  }
  std::ranges::sort(gaps);
  const auto n = static_cast<double>(gaps.size());
  double largest = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    largest = std::max(largest, std::abs(-std::expm1(-gaps[i]) - (static_cast<double>(i) + 0.5) / n));
  }
  EXPECT_LT(largest, 1.63 / std::sqrt(n));
}

TEST(UniformArrivals, AreOneGapApartFromZeroOn) {
  EXPECT_THAT(uniform_arrivals(4, seconds(1)).scheduled,
              ElementsAre(milliseconds(0), milliseconds(250), milliseconds(500), milliseconds(750)));
}

TEST(OfflineArrivals, AreAllAtOnce) {
  EXPECT_THAT(offline_arrivals(3).scheduled, ElementsAre(Nanoseconds(0), Nanoseconds(0), Nanoseconds(0)));
}

TEST(Arrivals, NameTheParameterThatIsOutOfRange) {
  for (const double rate :
       {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(poisson_arrivals(rate, seconds(1), 0), UsageError) << rate;
    EXPECT_THROW(uniform_arrivals(rate, seconds(1)), UsageError) << rate;
  }
  EXPECT_THROW(poisson_arrivals(1, seconds(0), 0), UsageError);
  EXPECT_THROW(uniform_arrivals(1e9, seconds(1)), UsageError);
  EXPECT_THROW(offline_arrivals(0), UsageError);
  EXPECT_THROW(offline_arrivals(most_queries + 1), UsageError);
  EXPECT_THROW(closed_arrivals(0, seconds(1)), UsageError);
  EXPECT_THROW(closed_arrivals(1, seconds(-1)), UsageError);
  EXPECT_THROW(multi_stream_arrivals(0, seconds(1)), UsageError);
}

TEST(ParseTrace, CountsFromTheFirstArrival) {
  EXPECT_THAT(parse_trace("10.5\r\n10.75\n10.75\n1.1e1\n\n\r\n", "t.csv").scheduled,
              ElementsAre(milliseconds(0), milliseconds(250), milliseconds(250), milliseconds(500)));
  EXPECT_THAT(parse_trace("0", "t.csv").scheduled, ElementsAre(Nanoseconds(0)));
}

void expect_refused(const std::string& text, const std::string& words) {
  try {
    parse_trace(text, "t.csv");
    FAIL() << words;
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr(words));
  }
}

TEST(ParseTrace, SaysWhichLineIsWrongAndHow) {
  expect_refused("1\n2\n1.5\n", "t.csv line 3: is before the line above it");
  expect_refused("1\nsoon\n", "t.csv line 2: is not a number of seconds");
  expect_refused("1,2\n", "t.csv line 1: is not a number of seconds");
  expect_refused("1\n\n2\n", "t.csv line 2: is not a number of seconds");
  expect_refused(" 1\n", "t.csv line 1: is not a number of seconds");
  expect_refused("nan\n", "t.csv line 1: is not a number of seconds");
  expect_refused("0\ninf\n", "t.csv line 2: is not a number of seconds");
  expect_refused("1e999\n", "t.csv line 1: is not a number of seconds");
  expect_refused("-1\n", "t.csv line 1: is not between 0 s and a year");
  expect_refused("1e9\n", "t.csv line 1: is not between 0 s and a year");
  expect_refused(std::string("1\0\n", 3), "t.csv line 1: is not a number of seconds");
  expect_refused("", "t.csv: holds no arrival");
  expect_refused("\n\r\n", "t.csv line 1: is not a number of seconds");
}

TEST(ParseTrace, RefusesMoreThanItMayHold) {
  std::string text;
  for (std::size_t i = 0; i <= most_queries; ++i) text += "0\n";
  expect_refused(text, "line 10000001: is one more than the 10,000,000 arrivals");
}

}  // namespace
}  // namespace stagemark
