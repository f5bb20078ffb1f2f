// What every engine that runs ONNX graphs does with those of users: the same, with each of them that was built.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(
      const std::string& graph, std::size_t batch = 1,
      std::shared_ptr<const Preprocessor> preprocessor = std::make_shared<FirstSample>(4)) const {
    BackendRequest request;
    request.approach = parse_approach(GetParam() + "@cpu");
    request.model = directory_.write("model.onnx", graph);
    request.preprocessor = std::move(preprocessor);
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

  /// A graph that makes two maps of the image, 1.5 and 3 times as bright, "c", and of these "y".
  template <class Tail>
  static std::string graph_of(std::uint64_t opset, const Tail& tail) {
    OnnxWriter writer;
    writer.opset(opset).input("x", float32, {std::nullopt, 3, std::nullopt, std::nullopt});
    writer.output("y", float32, {std::nullopt, 2});
    writer.constant("w", float32, {2, 3, 1, 1}, bytes_of({0.5, 0.5, 0.5, 1, 1, 1}));
    writer.node("Conv", {"x", "w"}, "c", {1, 1});
    tail(writer);
    return writer.file();
  }

  /// Averages and flattens.
  static void finish(OnnxWriter& writer, std::string_view map, std::string_view output = "y") {
    writer.node("GlobalAveragePool", {map}, "mean_of_maps").node("Flatten", {"mean_of_maps"}, output);
  }

  [[nodiscard]] static bool is_opencv() { return GetParam().starts_with("opencv"); }

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

TEST_P(GraphEngine, HasOnnxsDefaultsOfWhatAGraphLeavesOut) {
  const std::string transposed = graph_of(13, [](auto& w) {
    finish(w, "c", "f");
    w.constant("m", float32, {2, 2}, bytes_of({1, 2, 3, 4})).node("Gemm", {"f", "m"}, "y");
  });
  // (1.5, 3) times the matrix is (10.5, 15).
  EXPECT_NEAR(predict(*open(transposed), 1).logit.value_or(0), 4.5, 1e-5);
  const std::string shares = graph_of(13, [](auto& w) {
    w.node("Softmax", {"c"}, "s");
    finish(w, "s");
  });
  const auto wrapper = open(shares);
  (void)predict(*wrapper, 1);
  EXPECT_NEAR(wrapper->scores().back(), 0.25, 1e-6) << "of a row of four equal pixels";
}

TEST_P(GraphEngine, HasTheSoftmaxOfAllDimensionsFromItsAxisOrSaysThatItHasNot) {
  for (const char* const operation : {"Softmax", "LogSoftmax"}) {
    for (const bool row : {false, true}) {
      const std::string graph = graph_of(12, [&](auto& w) {
        if (row) finish(w, "c", "f");
        w.node(operation, {row ? "f" : "c"}, row ? "y" : "s");
        if (!row) finish(w, "s");
      });
      if (is_opencv() && !row) {
        EXPECT_SAYS(refusal(graph), "its " + std::string(operation) + " is, before operator set 13, one of all");
        EXPECT_SAYS(refusal(graph), "export it with operator set 13 or later");
        continue;
      }
      const double share = 1 / (1 + std::exp(-1.5)) / (row ? 1 : 16);
      const auto wrapper = open(graph);
      const Prediction prediction = predict(*wrapper, 1);
      if (operation[0] == 'S') {
        EXPECT_NEAR(wrapper->scores().back(), share, 1e-6) << row;
      } else {
        EXPECT_NEAR(prediction.logit.value_or(0), 1.5, 1e-5) << row;
      }
    }
  }
}

// Where height and width are free, OpenCV 4.6 was seen to average rows of the wrong length, or to refuse a Shape.
TEST_P(GraphEngine, KnowsTheSizeOfImagesThatTheGraphLeavesOpen) {
  const std::string axes(std::string_view("\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0", 16));
  OnnxWriter by_axes;
  by_axes.input("x", float32, {{}, {}, {}, {}}).output("y", float32, {{}, 2});
  by_axes.constant("w", float32, {2, 3, 1, 1}, bytes_of({0.5, 0.25, -0.5, 1, 2, -1}));
  by_axes.node("Conv", {"x", "w"}, "c", {1, 1}).node("Relu", {"c"}, "r");
  by_axes.node_with("ReduceMean", {"r"}, "y", {{"axes", std::vector<std::uint64_t>{2, 3}}, {"keepdims", 0U}});
  OnnxWriter fixed;
  fixed.input("x", float32, {{}, 3, input_side, input_side}).output("y", float32, {{}, 2});
  fixed.constant("w", float32, {2, 3, 1, 1}, bytes_of({0.5, 0.25, -0.5, 1, 2, -1}));
  fixed.node("Conv", {"x", "w"}, "c", {1, 1}).node("Relu", {"c"}, "r");
  finish(fixed, "r");
  const auto logit_of = [&](const OnnxWriter& writer) {
    const Image image = noise(1);
    Prediction prediction;
    StageTimer timer;
    open(writer.file(), 2, std::make_shared<ScaledPixels>())->predict({&image, 1}, {&prediction, 1}, timer);
    return prediction.logit.value_or(0);
  };
  EXPECT_NE(logit_of(fixed), 0);
  EXPECT_NEAR(logit_of(by_axes), logit_of(fixed), 1e-5);
}

TEST_P(GraphEngine, MakesTheSameOfAnImageInABatchOrSaysThatItDoesNot) {
  OnnxWriter writer;
  writer.input("x", float32, {{}, 3, 4, 4}).output("y", float32, {{}, 2});
  writer.constant("w", float32, {2, 3, 1, 1}, bytes_of({0.5, 0.5, 0.5, 1, 1, 1}));
  writer.constant("mean", float32, {1, 3, 1, 1}, bytes_of({1, 2, 3}));
  writer.node("Sub", {"x", "mean"}, "d").node("Conv", {"d", "w"}, "c", {1, 1});
  finish(writer, "c");
  EXPECT_NEAR(predict(*open(writer.file()), 4).logit.value_or(0), 3, 1e-5);
  std::unique_ptr<InferenceWrapper> wrapper;
  try {
    wrapper = open(writer.file(), 3);
  } catch (const ModelError& error) {
    EXPECT_TRUE(is_opencv());
    EXPECT_SAYS(std::string(error.what()), "makes something else of an image in a batch of 3");
    return;
  }
  const std::vector<Image> images = {{1, 1, 1, {4}}, {1, 1, 1, {5}}, {1, 1, 1, {6}}};
  std::vector<Prediction> predictions(3);
  StageTimer timer;
  wrapper->predict(images, predictions, timer);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(predictions[i].logit.value_or(0), 3 + 1.5 * double(i), 1e-5);
}

// x.view(x.size(0), -1), whose batch OpenCV settles as it reads the graph.
TEST_P(GraphEngine, RunsABatchThatTheGraphCountsOrSaysThatItIsTheBatch) {
  const std::string counted = graph_of(13, [](auto& w) {
    w.constant("zero", int64, {1}, std::string(8, '\0')).constant("rest", int64, {1}, std::string(8, '\xff'));
    w.constant("m", float32, {2, 2}, bytes_of({1, 0, 0, 1})).node("GlobalAveragePool", {"c"}, "p");
    w.node("Shape", {"p"}, "sizes").node_with("Gather", {"sizes", "zero"}, "n", {{"axis", 0U}});
    w.node_with("Concat", {"n", "rest"}, "rows", {{"axis", 0U}}).node("Reshape", {"p", "rows"}, "f");
    w.node("Gemm", {"f", "m"}, "y");
  });
  EXPECT_NEAR(predict(*open(counted), 2).logit.value_or(0), 3, 1e-5);
  const std::string why = refusal(counted, 3);
  if (why == "not refused") {
    EXPECT_NEAR(predict(*open(counted, 3), 2).logit.value_or(0), 3, 1e-5);
  } else {
    EXPECT_TRUE(is_opencv());
    EXPECT_SAYS(why, "for a batch of 3; see `batch`");
  }
}

TEST_P(GraphEngine, QuantisesTheEndWhateverItsNumbersAreCalledOrSaysThatItDoesNot) {
  for (const std::string name : {"z", "any"}) {
    const std::string graph = graph_of(13, [&](auto& w) {
      finish(w, "c", "f");
      w.constant(name + "_scale", float32, {}, bytes_of({0.5})).constant(name + "_zero_point", int8, {}, "\3");
      w.node("QuantizeLinear", {"f", name + "_scale", name + "_zero_point"}, "z_quantized");
      w.node("DequantizeLinear", {"z_quantized", name + "_scale", name + "_zero_point"}, "y");
    });
    if (is_opencv() && name != "z" && refusal(graph) != "not refused") {
      EXPECT_SAYS(refusal(graph), "its QuantizeLinear otherwise than ONNX defines it");
      continue;
    }
    EXPECT_NEAR(predict(*open(graph), 3).logit.value_or(0), 4.5, 1e-5) << name;
  }
}

TEST_P(GraphEngine, IsRefusedWhereOpencvLeavesAnAttributeOut) {
  const auto pooled = [](const char* operation, std::initializer_list<OnnxWriter::Attribute> attributes) {
    return graph_of(13, [&](auto& w) {
      w.node_with(operation, {"c"}, "p", attributes);
      finish(w, "p");
    });
  };
  using List = std::vector<std::uint64_t>;
  const OnnxWriter::Attribute size{"kernel_shape", List{2, 2}};
  const OnnxWriter::Attribute padded{"pads", List{1, 1, 1, 1}};
  const auto why = [&](const std::string& graph) { return is_opencv() ? refusal(graph) : "in onnxruntime"; };
  const auto said = [&](const std::string& words) { return is_opencv() ? words : "in onnxruntime"; };
  EXPECT_SAYS(why(pooled("MaxPool", {size, {"dilations", List{2, 2}}})), said("it leaves dilations out"));
  EXPECT_SAYS(why(pooled("AveragePool", {size, padded, {"count_include_pad", 1U}})),
              said("it leaves count_include_pad out"));
  EXPECT_SAYS(why(pooled("MaxPool", {size, {"auto_pad", std::string_view("SAME_LOWER")}})), said("as for SAME_UPPER"));
  for (const std::string& graph :
       {pooled("MaxPool", {size, {"dilations", List{1, 1}}}), pooled("AveragePool", {size, padded}),
        pooled("AveragePool", {size, {"count_include_pad", 1U}})})
    EXPECT_EQ(refusal(graph), "not refused");
  const std::string inverse = graph_of(13, [](auto& w) {
    finish(w, "c", "f");
    w.constant("d", float32, {2}, bytes_of({3, 12})).node("Div", {"d", "f"}, "y");
  });
  EXPECT_SAYS(why(inverse), said("it divides by the constant"));
  if (!is_opencv()) {
    EXPECT_NEAR(predict(*open(inverse), 1).logit.value_or(0), 2, 1e-5);
  }
  EXPECT_SAYS(
      why(pooled("AveragePool", {size, {"auto_pad", std::string_view("SAME_UPPER")}, {"count_include_pad", 1U}})),
      said("it leaves count_include_pad out"));
  EXPECT_EQ(refusal(pooled("AveragePool", {size, {"auto_pad", std::string_view("SAME_UPPER")}})), "not refused");
  const std::string trained = graph_of(14, [](auto& w) {
    for (const char* name : {"scale", "mean", "variance"}) w.constant(name, float32, {2}, bytes_of({1, 1}));
    w.node_with("BatchNormalization", {"c", "scale", "scale", "mean", "variance"}, "b", {{"training_mode", 1U}});
    finish(w, "b");
  });
  EXPECT_SAYS(why(trained), said("by the stored statistics"));
}

// Attention scales what it multiplies.
TEST_P(GraphEngine, ScalesAProductOfTwoComputedTensorsOrSaysThatItDoesNot) {
  const auto scaled = [](const char* operation, bool constant, bool shifted = false) {
    return graph_of(13, [&](auto& w) {
      finish(w, "c", "f");
      w.constant("half", float32, {1}, bytes_of({0.5})).constant("m", float32, {2, 1}, bytes_of({1, 1}));
      w.node("Transpose", {"f"}, "t").node("MatMul", {"f", constant ? "m" : "t"}, "p");
      if (shifted) w.node("Add", {"p", "half"}, "shifted");
      w.node(operation, {shifted ? "shifted" : "p", "half"}, "s").node("Mul", {"f", "s"}, "y");
    });
  };
  const std::string why = "leaves factors behind a MatMul of two computed tensors out";
  for (const char* operation : {"Mul", "Div"}) {
    EXPECT_EQ(refusal(scaled(operation, false)).find(why) != std::string::npos, is_opencv()) << operation;
    EXPECT_EQ(refusal(scaled(operation, false, true)).find(why), std::string::npos) << "not right behind it";
    EXPECT_EQ(refusal(scaled(operation, true)).find(why), std::string::npos) << "of one, that is";
  }
  if (is_opencv()) return;
  // (1.5, 3), whose square is 11.25 and whose sum is 4.5.
  EXPECT_NEAR(predict(*open(scaled("Mul", true)), 1).logit.value_or(0), 1.5 * 2.25, 1e-5);
  EXPECT_NEAR(predict(*open(scaled("Mul", false)), 1).logit.value_or(0), 1.5 * 5.625, 1e-4);
}

TEST_P(GraphEngine, TakesTheGreaterOfTwoSigmoids) {
  const std::string graph = graph_of(13, [](auto& w) {
    finish(w, "c", "f");
    w.constant("shift", float32, {2}, bytes_of({3, 0})).node("Add", {"f", "shift"}, "z").node("Sigmoid", {"z"}, "y");
  });
  const double first = 1 / (1 + std::exp(-4.5));
  const double second = 1 / (1 + std::exp(-3.0));
  EXPECT_NEAR(predict(*open(graph), 1).probability, second / (first + second), 1e-6);
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
