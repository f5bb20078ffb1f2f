// What operations make of logits, probabilities and decisions.
#include "stagemark/model/output_meaning.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "fakes/expect_says.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using enum OutputMeaning;

/// A network in the making, from its logits on.
class Output : public testing::Test {
 protected:
  NetworkValue after(std::string_view operation, std::initializer_list<NetworkValue> inputs) {
    NetworkValue made = value_after(operation, {inputs.begin(), inputs.size()});
    made.self = ++made_;
    return made;
  }
  static NetworkValue number(double value) { return {ValueKind::constant, value, value}; }

  const NetworkValue logit_{ValueKind::logits};
  const NetworkValue weights_{ValueKind::constant};
  const NetworkValue probability_ = after("sigmoid", {logit_});
  const NetworkValue shares_ = after("softmax", {logit_});
  const NetworkValue log_shares_ = after("logsoftmax", {logit_});
  const NetworkValue decision_ = after("greater", {probability_, number(0.5)});
  const NetworkValue class_number_ = after("argmax", {logit_});

 private:
  std::size_t made_ = 0;
};

TEST_F(Output, IsProbabilitiesWhereItsRangeIsTheirs) {
  const auto both = after("add", {probability_, shares_, number(1)});
  EXPECT_EQ(meaning_of(both), scaled_probabilities);
  EXPECT_EQ(meaning_of(after("div", {both, number(2)})), probabilities) << "their mean";
  EXPECT_EQ(meaning_of(after("mul", {after("sum", {shares_, shares_, shares_}), number(0.33333334)})), probabilities);
  EXPECT_EQ(meaning_of(after("mul", {probability_, shares_})), probabilities);
  EXPECT_EQ(meaning_of(after("add", {probability_, number(1e-7)})), probabilities);
  EXPECT_EQ(meaning_of(after("mul", {probability_, decision_})), probabilities);

  const auto scaled = after("mul", {probability_, number(4)});
  EXPECT_EQ(meaning_of(scaled), scaled_probabilities);
  EXPECT_EQ(meaning_of(after("mul", {shares_, number(100)})), scaled_probabilities);
  EXPECT_EQ(meaning_of(after("div", {probability_, number(0.01)})), scaled_probabilities);
  EXPECT_EQ(meaning_of(after("div", {after("mul", {shares_, number(100)}), number(100)})), probabilities);
  EXPECT_EQ(meaning_of(after("sub", {scaled, number(2)})), unknown);
  EXPECT_EQ(meaning_of(after("clip", {scaled, number(0), number(1)})), probabilities);
  EXPECT_EQ(meaning_of(after("mul", {probability_, weights_})), unknown);
  EXPECT_EQ(meaning_of(after("mul", {probability_, logit_})), logits) << "a gate";
}

TEST_F(Output, IsTheOtherClassesWhereItFallsAsTheLogitRises) {
  EXPECT_EQ(meaning_of(after("sub", {number(1), probability_})), other_class);
  EXPECT_EQ(meaning_of(after("rsub", {probability_, number(1), number(1)})), other_class);
  EXPECT_EQ(meaning_of(after("add", {after("neg", {probability_}), number(1)})), other_class);
  EXPECT_EQ(meaning_of(after("sigmoid", {after("neg", {logit_})})), other_class);
  EXPECT_EQ(meaning_of(after("sigmoid", {after("mul", {logit_, number(-2)})})), other_class);
  const auto twice = after("sub", {number(1), after("sub", {number(1), probability_})});
  EXPECT_EQ(meaning_of(twice), probabilities);
  EXPECT_EQ(meaning_of(after("sub", {number(1), after("sigmoid", {after("neg", {logit_})})})), probabilities);
  EXPECT_EQ(meaning_of(after("gemm", {after("neg", {logit_}), weights_})), logits);
  EXPECT_EQ(meaning_of(after("softmax", {after("neg", {logit_})})), probabilities) << "of distances";

  const auto first = taken_of(shares_, Whose::other);
  EXPECT_EQ(meaning_of(first), other_class);
  EXPECT_EQ(meaning_of(after("squeeze", {first})), other_class);
  EXPECT_EQ(meaning_of(after("sub", {number(1), first})), probabilities) << "what is left for the second class";
  EXPECT_EQ(meaning_of(taken_of(probability_, Whose::other)), probabilities) << "of one column";
  EXPECT_EQ(meaning_of(taken_of(logit_, Whose::other)), logits);
}

TEST_F(Output, StaysProbabilitiesInAnotherShapeAndInProducts) {
  for (const char* operation : {"ravel", "numpy_t", "broadcast_to", "median", "prod"}) {
    EXPECT_EQ(meaning_of(after(operation, {probability_})), probabilities) << operation;
    EXPECT_EQ(meaning_of(after(operation, {logit_})), logits) << operation;
  }
  EXPECT_EQ(meaning_of(after("prod", {after("mul", {probability_, number(2)})})), unknown);
}

TEST_F(Output, IsNoClassesWhereItIsTheWinnersOrOfABatch) {
  EXPECT_EQ(meaning_of(after("unsqueeze", {taken_of(shares_, Whose::winner)})), winner);
  EXPECT_EQ(meaning_of(taken_of(shares_, Whose::batch)), across_images);
  EXPECT_EQ(meaning_of(taken_of(log_shares_, Whose::batch)), across_images);
  EXPECT_EQ(meaning_of(after("mul", {taken_of(shares_, Whose::batch), logit_})), logits) << "attention";
}

TEST_F(Output, IsAProbabilityOfTanhOnlyWhereItIsMovedThere) {
  const auto tanh = after("tanh", {logit_});
  EXPECT_EQ(meaning_of(tanh), unknown);
  EXPECT_EQ(meaning_of(after("mul", {tanh, number(30)})), unknown) << "soft-capped logits";
  for (const char* squashes : {"tanh", "erf", "softsign"}) {
    const auto shifted = after("add", {after(squashes, {logit_}), number(1)});
    EXPECT_EQ(meaning_of(after("mul", {shifted, number(0.5)})), probabilities) << squashes;
    EXPECT_EQ(meaning_of(after("gemm", {after(squashes, {logit_}), weights_})), logits)
        << squashes << ", a hidden layer";
  }
}

TEST_F(Output, IsAProbabilityOfAnExponentialOnlyWhereThatIsOfALogarithm) {
  EXPECT_EQ(meaning_of(after("exp", {log_shares_})), probabilities);
  EXPECT_EQ(meaning_of(after("exp", {logit_})), unknown);
  EXPECT_EQ(meaning_of(after("exp", {after("div", {log_shares_, number(2)})})), unknown);
  const auto exponential = after("exp", {after("neg", {logit_})});
  EXPECT_EQ(meaning_of(after("reciprocal", {after("add", {exponential, number(1)})})), probabilities);
  EXPECT_EQ(meaning_of(after("softplus", {logit_})), unknown);
  for (const char* bends : {"sqrt", "pow", "reciprocal"})
    EXPECT_EQ(meaning_of(after(bends, {probability_, number(0.5)})), unknown) << bends;
}

TEST_F(Output, IsProbabilitiesWhereNumbersAreDividedByTheirSum) {
  for (const auto& [name, positive] : {std::pair("exp", after("exp", {logit_})),
                                       {"relu", after("relu", {logit_})},
                                       {"abs", after("abs", {logit_})},
                                       {"softplus", after("add", {after("softplus", {logit_}), number(1)})}}) {
    const auto sum = after("clamp_min", {after("add", {after("reducesum", {positive}), number(1e-9)}), number(1e-9)});
    EXPECT_EQ(meaning_of(after("div", {positive, sum})), probabilities) << name;
    EXPECT_EQ(meaning_of(after("div", {positive, after("reducesum", {after("exp", {logit_})})})), unknown) << name;
  }
  EXPECT_EQ(meaning_of(after("div", {logit_, after("reducesum", {logit_})})), unknown);
  EXPECT_EQ(meaning_of(after("reducesum", {after("slice", {shares_})})), probabilities) << "of a group of classes";
  EXPECT_EQ(meaning_of(after("reducesum", {probability_})), unknown);
}

TEST_F(Output, IsLogitsOfLogOdds) {
  const auto rest = after("sub", {number(1), probability_});
  const auto odds = after("div", {probability_, rest});
  EXPECT_EQ(meaning_of(odds), unknown);
  EXPECT_EQ(meaning_of(after("log", {odds})), logits);
  const auto logarithm = after("log", {probability_});
  EXPECT_EQ(meaning_of(after("sub", {logarithm, after("log", {rest})})), logits);
  EXPECT_EQ(meaning_of(after("sub", {logarithm, after("log1p", {after("neg", {probability_})})})), logits);
  EXPECT_EQ(meaning_of(after("sub", {log_shares_, log_shares_})), logits);
  EXPECT_EQ(meaning_of(after("logit", {probability_})), logits);
}

TEST_F(Output, IsALogarithmUntilItsOrderIsTurned) {
  EXPECT_EQ(meaning_of(after("log", {after("add", {shares_, number(1e-6)})})), log_probabilities);
  EXPECT_EQ(meaning_of(after("div", {log_shares_, number(2)})), log_probabilities);
  EXPECT_EQ(meaning_of(after("neg", {log_shares_})), unknown);
  EXPECT_EQ(meaning_of(after("mul", {log_shares_, number(-1)})), unknown);
  EXPECT_EQ(meaning_of(after("log", {logit_})), unknown);
}

TEST_F(Output, IsUnknownOfWeightsOverProbabilitiesAlone) {
  for (const char* weights : {"matmul", "conv", "gemm", "einsum", "batchnormalization", "linear", "bmm"}) {
    EXPECT_EQ(meaning_of(after(weights, {shares_, weights_})), unknown) << weights;
    EXPECT_EQ(meaning_of(after(weights, {class_number_, weights_})), unknown) << weights;
    EXPECT_EQ(meaning_of(after(weights, {logit_, weights_})), logits) << weights;
    EXPECT_EQ(meaning_of(after(weights, {shares_, logit_})), logits) << weights << ", as attention";
  }
}

TEST_F(Output, IsClassNumbersWhereADecisionChoosesBetweenConstants) {
  EXPECT_EQ(meaning_of(after("hardmax", {logit_})), class_numbers);
  EXPECT_EQ(meaning_of(after("where", {decision_, number(1), number(0)})), class_numbers);
  EXPECT_EQ(meaning_of(after("masked_fill", {number(0), decision_, number(1)})), class_numbers);
  EXPECT_EQ(meaning_of(after("scatter", {number(0), number(1), class_number_, number(1)})), class_numbers);
  EXPECT_EQ(meaning_of(after("scatterelements", {number(0), class_number_, number(1)})), class_numbers);
  EXPECT_EQ(meaning_of(after("gather", {weights_, class_number_})), class_numbers);
  EXPECT_EQ(meaning_of(after("where", {decision_, probability_, number(0)})), probabilities);
  EXPECT_EQ(meaning_of(after("masked_fill", {shares_, decision_, number(0)})), probabilities);
  EXPECT_EQ(meaning_of(after("where", {decision_, logit_, number(0)})), logits);
}

TEST_F(Output, IsUnknownWhereItIsSeveralThingsAtOnce) {
  EXPECT_EQ(meaning_of(after("concat", {logit_, shares_})), unknown);
  EXPECT_EQ(meaning_of(after("concat", {probability_, after("sub", {number(1), probability_})})), probabilities);
  EXPECT_EQ(meaning_of(after("concat", {number(0), logit_})), logits) << "of one class the logit is 0";
  const std::vector<NetworkValue> differ = {logit_, shares_};
  const std::vector<NetworkValue> agree = {probability_, shares_};
  const std::vector<NetworkValue> with_constant = {logit_, number(0)};
  EXPECT_EQ(meaning_of(either_of(differ)), unknown);
  EXPECT_EQ(meaning_of(either_of(agree)), probabilities);
  EXPECT_EQ(meaning_of(either_of(with_constant)), unknown);
  EXPECT_EQ(meaning_of(either_of({})), unknown);
}

TEST_F(Output, IsUnknownWhereNothingOrNotEnoughMadeIt) {
  EXPECT_EQ(meaning_of(number(0.5)), unknown);
  EXPECT_EQ(meaning_of(after("notyetinvented", {logit_})), unknown);
  EXPECT_EQ(meaning_of(after("sigmoid", {})), unknown);
  EXPECT_EQ(meaning_of(after("clip", {logit_, number(0), number(1)})), unknown) << "logits where probabilities lie";
  EXPECT_EQ(meaning_of(after("clip", {logit_, number(-9), number(9)})), logits);
  EXPECT_EQ(meaning_of(after("div", {logit_, after("add", {after("abs", {logit_}), number(1)})})), unknown);
}

TEST(OutputMeaning, IsRefusedWhereNothingCanBeReadOutOfIt) {
  const auto refusal = [](OutputMeaning meaning, std::optional<std::size_t> outputs) -> std::string {
    try {
      expect_readable(meaning, outputs, "ArgMax");
    } catch (const ModelError& error) {
      return error.what();
    }
    return "not refused";
  };
  EXPECT_SAYS(refusal(class_numbers, std::nullopt), "class numbers or rounded ones");
  EXPECT_SAYS(refusal(class_numbers, 2), "save it without what makes them of its scores (ArgMax)");
  EXPECT_SAYS(refusal(scaled_probabilities, std::nullopt), "probabilities times a constant");
  EXPECT_SAYS(refusal(other_class, 1), "the probability of class 0");
  EXPECT_SAYS(refusal(winner, 1), "the greatest probability of each image");
  EXPECT_SAYS(refusal(across_images, 2), "its softmax is over the images of a batch");
  EXPECT_SAYS(refusal(log_probabilities, 1), "the logarithm of one probability; save it without the logarithm");
  for (const auto outputs : {std::optional<std::size_t>(), {2U}})
    EXPECT_EQ(refusal(log_probabilities, outputs), "not refused");
  for (const auto meaning : {logits, probabilities, unknown}) EXPECT_EQ(refusal(meaning, 1), "not refused");
}

}  // namespace
}  // namespace stagemark
