#include "stagemark/backend/decision.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace stagemark {
namespace {

Prediction probability(double value) { return {.probability = value, .logit = {}, .class_index = {}}; }

TEST(Decision, IsForClassOneFromTheThresholdOn) {
  const DecisionRule rule{.threshold = 0.7, .classes = 2, .positive = 1};
  EXPECT_EQ(decide(probability(0.7), rule), 1U);
  EXPECT_EQ(decide(probability(0.69), rule), 0U);
}

TEST(Decision, ComparesTheProbabilityOfClassZeroWhereThatIsThePositiveOne) {
  const DecisionRule rule{.threshold = 0.25, .classes = 2, .positive = 0};
  EXPECT_DOUBLE_EQ(positive_probability(probability(0.75), rule), 0.25);
  EXPECT_EQ(decide(probability(0.75), rule), 0U);
  EXPECT_EQ(decide(probability(0.76), rule), 1U);
  EXPECT_EQ(decide(probability(0.75), {.threshold = 0.25, .classes = 2, .positive = 1}), 1U);
}

TEST(Decision, TurnsNothingRoundWhereTheTaskHasOtherThanTwoClasses) {
  EXPECT_EQ(decide(probability(0.8), {.threshold = 0.5, .classes = 0, .positive = 0}), 1U);
  EXPECT_EQ(decide(probability(0.8), {.threshold = 0.5, .classes = 3, .positive = 0}), 1U);
}

TEST(Decision, IsTheNetworksOwnWhereItNamesAWinner) {
  const Prediction winner{.probability = 0.4, .logit = {}, .class_index = 2};
  EXPECT_EQ(decide(winner, {.threshold = 0.9, .classes = 3, .positive = 0}), 2U);
}

TEST(Defect, TellsAPredictionThatNobodyWroteFromANaN) {
  EXPECT_EQ(defect(Prediction()), "the engine wrote no prediction");
  EXPECT_EQ(defect(probability(std::nan(""))), "the network returned NaN or infinity");
  EXPECT_EQ(defect(probability(0.0 * std::numeric_limits<double>::infinity())), "the network returned NaN or infinity");
  EXPECT_EQ(defect(probability(1.5)), "the network returned a probability outside [0, 1]");
  EXPECT_FALSE(defect(probability(1)));
}

}  // namespace
}  // namespace stagemark
