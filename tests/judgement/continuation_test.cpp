// When a run has measured enough, on results made by hand.
#include "stagemark/judgement/continuation.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "judgement/made_rounds.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using namespace testing;
using std::chrono::hours;
using std::chrono::steady_clock;

const steady_clock::time_point soon = steady_clock::now() + hours(1);

SuiteResult suite_of(const std::vector<std::pair<std::string, Made>>& approaches, std::size_t rounds = 30) {
  SuiteResult suite = made_suite(made_dataset(alternating(30 * round_size)));
  suite.in_workers = true;
  suite.options.processes = 5;
  suite.round_count = rounds;
  for (auto [name, how] : approaches) {
    how.rounds = rounds;
    suite.collector.add(made(name, how));
  }
  return suite;
}

TEST(UntilPrecise, StopsAtTheWidthThatWasAskedFor) {
  const auto decision = until_precise(0.05, soon)(suite_of({{"a", {}}, {"b", {}}}));
  ASSERT_TRUE(std::holds_alternative<std::string>(decision));
  EXPECT_NE(std::get<std::string>(decision).find("5 % was asked for"), std::string::npos)
      << std::get<std::string>(decision);
}

TEST(UntilPrecise, GoesOnWithOneGenerationMoreWhileTheIntervalIsWider) {
  const auto decision = until_precise(1e-9, soon)(suite_of({{"a", {}}, {"bb", {}}}));
  ASSERT_TRUE(std::holds_alternative<MoreRounds>(decision));
  EXPECT_EQ(std::get<MoreRounds>(decision).rounds, 10U);
  EXPECT_EQ(std::get<MoreRounds>(decision).generations, 1U);
}

TEST(UntilPrecise, DoesNotLookBeforeThirtyRounds) {
  const auto decision = until_precise(0.5, soon)(suite_of({{"a", {}}, {"b", {}}}, 12));
  ASSERT_TRUE(std::holds_alternative<MoreRounds>(decision));
  EXPECT_EQ(std::get<MoreRounds>(decision).rounds, 18U);
}

TEST(UntilPrecise, EndsWithTheTimeAndSaysHowFarItCame) {
  const auto decision = until_precise(1e-9, steady_clock::now())(suite_of({{"a", {}}, {"bb", {}}}));
  ASSERT_TRUE(std::holds_alternative<std::string>(decision));
  EXPECT_NE(std::get<std::string>(decision).find("the time was up"), std::string::npos);
}

TEST(UntilPrecise, DoesNotWaitForWhatCannotBeCompared) {
  SuiteResult suite = suite_of({{"a", {}}, {"b", {}}});
  suite.collector.results()[1].error = "it fell over";
  const auto decision = until_precise(1e-9, soon)(suite);
  ASSERT_TRUE(std::holds_alternative<std::string>(decision));
}

TEST(RetryIfInconclusive, MeasuresAsMuchAgainOnceWhereTheGateCannotTell) {
  // Exactly at the margin half of the rounds are on either side of it.
  const Continuation go_on = retry_if_inconclusive({});
  const SuiteResult unclear = suite_of({{"a", {}}, {"bb", slower(1.05)}});
  const auto first = go_on(unclear);
  ASSERT_TRUE(std::holds_alternative<MoreRounds>(first));
  EXPECT_EQ(std::get<MoreRounds>(first).rounds, 30U);
  EXPECT_EQ(std::get<MoreRounds>(first).generations, 5U);
  EXPECT_TRUE(std::holds_alternative<std::string>(go_on(unclear)));
}

TEST(RetryIfInconclusive, LeavesAClearResultAsItIs) {
  EXPECT_TRUE(std::holds_alternative<std::string>(retry_if_inconclusive({})(suite_of({{"a", {}}, {"b", {}}}))));
  EXPECT_TRUE(
      std::holds_alternative<std::string>(retry_if_inconclusive({})(suite_of({{"a", {}}, {"b", slower(1.2)}}))));
}

TEST(RetryIfInconclusive, KnowsThatTheSameImagesTellNoMoreOfAccuracy) {
  GateCriteria population;
  population.estimand = Estimand::population;
  EXPECT_TRUE(std::holds_alternative<std::string>(retry_if_inconclusive(population)(suite_of({{"a", {}}, {"b", {}}}))));
}

TEST(RetryIfInconclusive, DoesNotRepeatWhatNoRunCanJudge) {
  EXPECT_TRUE(std::holds_alternative<std::string>(retry_if_inconclusive({})(suite_of({{"alone", {}}}))));
}

TEST(UntilPrecise, WantsAWidthAboveZero) {
  const auto deadline = std::chrono::steady_clock::now();
  for (const double width : {0.0, -0.01, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW((void)until_precise(width, deadline), UsageError) << width;
  }
}

TEST(RetryIfInconclusive, RefusesLimitsThatMeanNothingBeforeAnythingIsMeasured) {
  GateCriteria criteria;
  criteria.max_slowdown = -1;
  EXPECT_THROW((void)retry_if_inconclusive(criteria), UsageError);
}

}  // namespace
}  // namespace stagemark
