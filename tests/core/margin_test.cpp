#include "stagemark/core/margin.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/tolerance.hpp"

namespace stagemark {
namespace {

constexpr MarginTest clearly_beyond{.p_beyond = 1e-6, .p_within = 1};
constexpr MarginTest clearly_within{.p_beyond = 1, .p_within = 1e-6};
constexpr MarginTest unclear{.p_beyond = .5, .p_within = .5};

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], tight) << i;
}

TEST(HolmAdjusted, HasThePublishedValues) {
  expect_near(holm_adjusted(std::array{.01, .04, .03, .005}), {.03, .06, .06, .02});
}

// statsmodels 0.13, tests/core/make_comparison_goldens.py
TEST(HolmAdjusted, HasTheValuesOfStatsmodels) {
  expect_near(holm_adjusted(std::array{.01, .04, .03, .005, .5, .2, .9}), {.06, .16, .15, .035, 1, .6, 1});
}

TEST(HolmAdjusted, LeavesASingleValueAlone) {
  expect_near(holm_adjusted(std::array{.3}), {.3});
  EXPECT_TRUE(holm_adjusted({}).empty());
}

TEST(HolmAdjusted, RefusesWhatIsNoProbability) {
  for (const double bad : {-.1, 1.1, std::nan("")}) {
    EXPECT_THROW(holm_adjusted(std::array{.5, bad}), std::invalid_argument) << bad;
  }
}

TEST(GateOutcomes, FollowTheSideThatIsShown) {
  EXPECT_EQ(gate_outcomes(std::array{clearly_beyond, clearly_within, unclear}, interleaved_gate_level),
            (std::vector{GateOutcome::fail, GateOutcome::pass, GateOutcome::inconclusive}));
}

TEST(GateOutcomes, CountTheLevelItselfAsReached) {
  EXPECT_EQ(gate_outcomes(std::array{MarginTest{.p_beyond = .025, .p_within = 1}}, .025).front(), GateOutcome::fail);
  EXPECT_EQ(gate_outcomes(std::array{MarginTest{.p_beyond = .0251, .p_within = 1}}, .025).front(),
            GateOutcome::inconclusive);
}

TEST(GateOutcomes, AskForMoreInALargerFamily) {
  const MarginTest beyond{.p_beyond = .02, .p_within = 1};
  const MarginTest within{.p_beyond = 1, .p_within = .02};
  EXPECT_EQ(gate_outcomes(std::array{beyond}, .025).front(), GateOutcome::fail);
  EXPECT_EQ(gate_outcomes(std::array{within}, .025).front(), GateOutcome::pass);
  EXPECT_EQ(gate_outcomes(std::array{beyond, unclear}, .025).front(), GateOutcome::inconclusive);
  EXPECT_EQ(gate_outcomes(std::array{within, unclear}, .025).front(), GateOutcome::inconclusive);
}

TEST(GateOutcomes, RefuseAnImpossibleLevel) {
  for (const double bad : {0.0, .5, std::nan("")}) {
    EXPECT_THROW(gate_outcomes(std::array{unclear}, bad), std::invalid_argument) << bad;
  }
}

TEST(OverallOutcome, IsTheWorst) {
  using enum GateOutcome;
  EXPECT_EQ(overall_outcome(std::array{pass, pass}), pass);
  EXPECT_EQ(overall_outcome(std::array{pass, inconclusive}), inconclusive);
  EXPECT_EQ(overall_outcome(std::array{inconclusive, fail, pass}), fail);
}

TEST(OverallOutcome, OfNothingIsNoPass) { EXPECT_THROW(overall_outcome({}), std::invalid_argument); }

TEST(GateOutcome, HasTheNamesOfTheReport) {
  EXPECT_EQ(to_string(GateOutcome::pass), "pass");
  EXPECT_EQ(to_string(GateOutcome::fail), "fail");
  EXPECT_EQ(to_string(GateOutcome::inconclusive), "inconclusive");
}

}  // namespace
}  // namespace stagemark
