// What every engine that runs ONNX graphs does with those of users: the same, with each of them that was built.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "backends/made_inputs.hpp"
#include "fakes/expect_says.hpp"
#include "fakes/mean_classifier.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/session/engines.hpp"

namespace stagemark {
namespace {

using enum OnnxElementType;

class GraphEngine : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto& engines = built_in_toolkit().registry.available_approaches();
    if (std::ranges::find(engines, GetParam() + "@cpu") == engines.end()) GTEST_SKIP() << GetParam() << " is not here";
  }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const std::string& graph, std::size_t batch = 1) const {
    BackendRequest request;
    request.approach = parse_approach(GetParam() + "@cpu");
    request.model = directory_.write("model.onnx", graph);
    request.preprocessor = std::make_shared<FirstSample>(4);
    request.threads = 1;
    request.max_batch = batch;
    return built_in_toolkit().registry.open(request);
  }

  /// The one sentence that refuses the model.
  [[nodiscard]] std::string refusal(const std::string& graph, std::size_t batch = 1) const {
    try {
      (void)open(graph, batch);
    } catch (const ModelError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return error.what();
    }
    return "not refused";
  }

  static Prediction predict(InferenceWrapper& wrapper, std::uint8_t value) {
    const Image image{1, 1, 1, {value}};
    Prediction prediction;
    StageTimer timer;
    wrapper.predict({&image, 1}, {&prediction, 1}, timer);
    return prediction;
  }

  TemporaryDirectory directory_;
};

TEST_P(GraphEngine, RunsAUsersGraphWhateverItsTensorsAreCalled) {
  const auto wrapper = open(MeanClassifier{}.file());
  const Prediction prediction = predict(*wrapper, 2);
  EXPECT_DOUBLE_EQ(prediction.logit.value_or(0), 3.0);
  EXPECT_NEAR(prediction.probability, 1 / (1 + std::exp(-3.0)), 1e-9);
  const ExecutionFacts facts = wrapper->execution_facts();
  ASSERT_TRUE(facts.model);
  EXPECT_EQ(facts.model->format, "onnx");
  EXPECT_EQ(facts.model->parameters, 3U);
  EXPECT_EQ(facts.precision, Precision::fp32);
}

TEST_P(GraphEngine, ReadsTwoLogitsAndMore) {
  MeanClassifier classifier;
  classifier.classes = 2;
  EXPECT_NEAR(predict(*open(classifier.file()), 2).logit.value_or(0), 6.0 - 3.0, 1e-6);
  classifier.classes = 3;
  const Prediction prediction = predict(*open(classifier.file()), 1);
  EXPECT_EQ(prediction.class_index, 2U);
  EXPECT_NEAR(prediction.probability, 1 / (1 + std::exp(-1.5) + std::exp(-3.0)), 1e-6);
}

TEST_P(GraphEngine, TakesTheOutputOfASoftmaxOrSigmoidForProbabilities) {
  MeanClassifier classifier;
  // With what exporters put behind it too.
  for (const std::vector<std::string>& last : {std::vector<std::string>{"Sigmoid"}, {"Sigmoid", "Clip", "Identity"}}) {
    classifier.last_operations = last;
    const Prediction one = predict(*open(classifier.file()), 2);
    EXPECT_NEAR(one.probability, 1 / (1 + std::exp(-3.0)), 1e-6);
    EXPECT_FALSE(one.logit);
  }
  classifier.last_operations = {"Softmax"};
  classifier.classes = 2;
  EXPECT_NEAR(predict(*open(classifier.file()), 2).probability, 1 / (1 + std::exp(-3.0)), 1e-6);

  classifier.classes = 3;
  const auto wrapper = open(classifier.file());
  const Prediction three = predict(*wrapper, 1);
  EXPECT_NEAR(three.probability, 1 / (1 + std::exp(-1.5) + std::exp(-3.0)), 1e-6);
  EXPECT_EQ(three.class_index, 2U);
  // Where nothing is uncertain any more there is no logit to make NaN of.
  EXPECT_FALSE(defect(predict(*wrapper, 255)));
}

TEST_P(GraphEngine, RefusesInOneSentenceWhatItIsNotGiven) {
  MeanClassifier classifier;
  classifier.channels = 1;
  EXPECT_SAYS(refusal(classifier.file()), "export it for images of three channels");
  classifier = {};
  classifier.element = uint8;
  EXPECT_SAYS(refusal(classifier.file()), "takes uint8 ");
  classifier = {};
  classifier.last_operations = {"ArgMax"};
  EXPECT_SAYS(refusal(classifier.file()), "class numbers");
  classifier = {};
  classifier.batch = 1;
  EXPECT_SAYS(refusal(classifier.file(), 8), "batches of 1 only");
  EXPECT_DOUBLE_EQ(predict(*open(classifier.file()), 2).logit.value_or(0), 3.0);

  const std::string last_channels = OnnxWriter()
                                        .input("x", float32, {std::nullopt, 4, 4, 3})
                                        .output("y", float32, {std::nullopt, 3})
                                        .node("Flatten", {"x"}, "y")
                                        .file();
  EXPECT_SAYS(refusal(last_channels), "channels last");
  // What only running it shows: nothing is declared of it.
  const std::string map = OnnxWriter()
                              .input("x", float32, {std::nullopt, 3, 4, 4})
                              .output("y", float32, {std::nullopt, std::nullopt, std::nullopt, std::nullopt})
                              .constant("weights", float32, {1, 3, 1, 1}, bytes_of({1, 1, 1}))
                              .node("Conv", {"x", "weights"}, "y", {1, 1})
                              .file();
  EXPECT_SAYS(refusal(map), "not one row of logits for each");
  EXPECT_SAYS(refusal("not a model\n"), "model.onnx: ");
  EXPECT_SAYS(refusal(""), "model.onnx: ");
}

TEST_P(GraphEngine, RunsOrRefusesAGraphThatDeclaresNoShape) {
  const std::string graph = OnnxWriter()
                                .input("x", float32)
                                .output("y", float32)
                                .constant("weights", float32, {1, 3, 1, 1}, bytes_of({0.5, 0.5, 0.5}))
                                .node("Conv", {"x", "weights"}, "map", {1, 1})
                                .node("GlobalAveragePool", {"map"}, "mean")
                                .node("Flatten", {"mean"}, "y")
                                .file();
  try {
    EXPECT_NEAR(predict(*open(graph), 2).logit.value_or(0), 3.0, 1e-6);
  } catch (const ModelError& error) {
    EXPECT_SAYS(std::string(error.what()), "model.onnx: ");
    EXPECT_SAYS(GetParam(), "opencv");
  }
}

TEST_P(GraphEngine, SaysWhetherItKnowsWhatTheNumbersAre) {
  EXPECT_FALSE(open(MeanClassifier{}.file())->execution_facts().outputs_unknown);
  MeanClassifier classifier;
  classifier.last_operations = {"Elu"};
  EXPECT_TRUE(open(classifier.file())->execution_facts().outputs_unknown);
  classifier.last_operations = {"Sigmoid", "Log"};
  EXPECT_SAYS(refusal(classifier.file()), "the logarithm of one probability");
}

TEST_P(GraphEngine, NamesTheFileOfWeightsThatIsMissingOrShort) {
  MeanClassifier classifier;
  classifier.weights_file = "model.data";
  EXPECT_SAYS(refusal(classifier.file()), "keeps weights in 'model.data', and there is no such file beside it");
  (void)directory_.write("model.data", "short");
  EXPECT_SAYS(refusal(classifier.file()), "ends before its tensor 'weights' does");
}

TEST_P(GraphEngine, RunsWeightsInAnotherFileOrSaysThatItDoesNot) {
  MeanClassifier classifier;
  classifier.weights_file = "model.data";
  (void)directory_.write("model.data", classifier.weights());
  if (GetParam().starts_with("opencv")) {
    EXPECT_SAYS(refusal(classifier.file()), "keeps its weights in 'model.data', and OpenCV reads graphs in one file");
    return;
  }
  const auto first = open(classifier.file());
  EXPECT_DOUBLE_EQ(predict(*first, 2).logit.value_or(0), 3.0);
  (void)directory_.write("model.data", bytes_of({1, 1, 1}));
  const auto second = open(classifier.file());
  EXPECT_DOUBLE_EQ(predict(*second, 2).logit.value_or(0), 6.0);
  EXPECT_NE(first->execution_facts().model->sha256, second->execution_facts().model->sha256);
}

TEST_P(GraphEngine, SaysInASentenceThatItsLibraryIsTooOldForTheGraph) {
  const std::string graph = OnnxWriter()
                                .opset(99)
                                .input("x", float32, {std::nullopt, 3, 4, 4})
                                .output("y", float32, {std::nullopt, 1})
                                .constant("weights", float32, {1, 3, 1, 1}, bytes_of({1, 1, 1}))
                                .node("Conv", {"x", "weights"}, "map", {1, 1})
                                .node("NotYetInvented", {"map"}, "y")
                                .file();
  EXPECT_SAYS(refusal(graph), "model.onnx: ");
  EXPECT_SAYS(refusal(graph), "99");
}

INSTANTIATE_TEST_SUITE_P(Engines, GraphEngine, testing::Values("opencv-fp32", "onnxruntime-fp32"),
                         [](const auto& engine) { return engine.param.substr(0, engine.param.find('-')); });

}  // namespace
}  // namespace stagemark
