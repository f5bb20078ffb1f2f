// ONNX graphs of users in the engines of ONNX Runtime, and what those say of themselves. The graphs are written here,
// byte by byte.
#include "stagemark/backends/onnxruntime.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv is POSIX, not in <cstdlib>
#include <time.h>    // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX, not in <ctime>

#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "../../src/backends/onnxruntime/onnx_writer.hpp"
#include "../../src/backends/onnxruntime/profile.hpp"
#include "backends/made_inputs.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/onnx_description.hpp"

namespace stagemark::onnxruntime {
namespace {

using enum ElementType;

std::string bytes_of(const std::vector<float>& numbers) {
  std::string bytes(numbers.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// A classifier that multiplies the mean of the image by 3 * (1 / 2, 1, 3 / 2, ...): one number for each class.
struct Classifier {
  std::string input = "pixels";
  std::string output = "scores";
  std::optional<std::uint64_t> batch;
  std::uint64_t classes = 1;
  std::string last_operation = "Identity";

  [[nodiscard]] std::string file() const {
    std::vector<float> weights;
    for (std::uint64_t i = 0; i < 3 * classes; ++i) weights.push_back(0.5F * static_cast<float>(i / 3 + 1));
    return OnnxWriter()
        .input(input, float32, {batch, 3, std::nullopt, std::nullopt})
        .output(output, float32, {batch, classes})
        .constant("weights", float32, {classes, 3, 1, 1}, bytes_of(weights))
        .node("Conv", {input, "weights"}, "map")
        .node("GlobalAveragePool", {"map"}, "mean")
        .node("Flatten", {"mean"}, "logits")
        .node(last_operation, {"logits"}, output)
        .file();
  }
};

class OnnxRuntime : public testing::Test {
 protected:
  OnnxRuntime() { add_to(registry_); }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const std::string& model,
                                                       const std::string& approach = "onnxruntime-fp32@cpu",
                                                       std::size_t batch = 1, std::size_t side = 4) const {
    BackendRequest request;
    request.approach = parse_approach(approach);
    request.model = directory_.write("model.onnx", model);
    request.preprocessor = std::make_shared<FirstSample>(side);
    request.threads = 2;
    request.max_batch = batch;
    return registry_.open(request);
  }

  /// The one sentence that refuses the model.
  template <class Failure = ModelError>
  [[nodiscard]] std::string refusal(const std::string& model, const std::string& approach = "onnxruntime-fp32@cpu",
                                    std::size_t batch = 1) const {
    try {
      (void)open(model, approach, batch);
    } catch (const Failure& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return error.what();
    }
    return "not refused";
  }

  static std::vector<Prediction> predict(InferenceWrapper& wrapper, const std::vector<std::uint8_t>& values) {
    std::vector<Image> images;
    for (const std::uint8_t value : values) images.push_back({1, 1, 1, {value}});
    std::vector<Prediction> predictions(images.size());
    StageTimer timer;
    wrapper.predict(images, predictions, timer);
    return predictions;
  }

  static std::string detail(const InferenceWrapper& wrapper, const std::string& name) {
    for (const auto& [key, value] : wrapper.execution_facts().details) {
      if (key == name) return value;
    }
    return "no " + name;
  }

  TemporaryDirectory directory_;
  BackendRegistry registry_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(OnnxRuntime, RunsAUsersGraphWhateverItsTensorsAreCalled) {
  const auto wrapper = open(Classifier{}.file());
  const Prediction prediction = predict(*wrapper, {2}).front();
  EXPECT_DOUBLE_EQ(prediction.logit.value_or(0), 3.0);
  EXPECT_NEAR(prediction.probability, 1 / (1 + std::exp(-3.0)), 1e-9);
  const ExecutionFacts facts = wrapper->execution_facts();
  ASSERT_TRUE(facts.model);
  EXPECT_EQ(facts.model->format, "onnx");
  EXPECT_EQ(facts.model->parameters, 3U);
  EXPECT_EQ(facts.precision, Precision::fp32);
}

TEST_F(OnnxRuntime, ReadsTwoLogitsAndMore) {
  Classifier classifier;
  classifier.classes = 2;
  EXPECT_NEAR(predict(*open(classifier.file()), {2}).front().logit.value_or(0), 6.0 - 3.0, 1e-6);
  classifier.classes = 3;
  const Prediction prediction = predict(*open(classifier.file()), {1}).front();
  EXPECT_EQ(prediction.class_index, 2U);
  EXPECT_NEAR(prediction.probability, 1 / (1 + std::exp(-1.5) + std::exp(-3.0)), 1e-6);
}

TEST_F(OnnxRuntime, TakesTheOutputOfASoftmaxOrSigmoidForProbabilities) {
  Classifier classifier;
  classifier.last_operation = "Sigmoid";
  const Prediction one = predict(*open(classifier.file()), {2}).front();
  EXPECT_NEAR(one.probability, 1 / (1 + std::exp(-3.0)), 1e-6);
  EXPECT_FALSE(one.logit);

  classifier.last_operation = "Softmax";
  classifier.classes = 2;
  EXPECT_NEAR(predict(*open(classifier.file()), {2}).front().probability, 1 / (1 + std::exp(-3.0)), 1e-6);

  classifier.classes = 3;
  const Prediction three = predict(*open(classifier.file()), {1}).front();
  EXPECT_NEAR(three.probability, 1 / (1 + std::exp(-1.5) + std::exp(-3.0)), 1e-6);
  EXPECT_EQ(three.class_index, 2U);
  // Where nothing is uncertain any more there is no logit to make NaN of.
  EXPECT_FALSE(defect(predict(*open(classifier.file()), {255}).front()));
}

TEST_F(OnnxRuntime, KeepsToABatchThatTheGraphFixes) {
  Classifier classifier;
  classifier.batch = 1;
  EXPECT_SAYS(refusal(classifier.file(), "onnxruntime-fp32@cpu", 8), "batches of 1 only");
  EXPECT_DOUBLE_EQ(predict(*open(classifier.file()), {2}).front().logit.value_or(0), 3.0);

  classifier.batch = 3;
  EXPECT_SAYS(refusal(classifier.file()), "batches of 3 only");
  const auto wrapper = open(classifier.file(), "onnxruntime-fp32@cpu", 3);
  // Also the last, short batch.
  for (const std::vector<std::uint8_t>& values : {std::vector<std::uint8_t>{2, 4, 6}, {8, 10}}) {
    const std::vector<Prediction> predictions = predict(*wrapper, values);
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_DOUBLE_EQ(predictions[i].logit.value_or(0), 1.5 * values[i]) << i;
  }
}

TEST_F(OnnxRuntime, RoundsTheInputOfAHalfPrecisionGraphAndReadsItsOutput) {
  const std::string half = OnnxWriter()
                               .input("x", float16, {std::nullopt, 3, 4, 4})
                               .output("y", float16, {std::nullopt, 1})
                               .constant("w", float16, {1, 3, 1, 1}, {"\0\x38\0\x38\0\x38", 6})
                               .node("Conv", {"x", "w"}, "map")
                               .node("GlobalAveragePool", {"map"}, "mean")
                               .node("Flatten", {"mean"}, "y")
                               .file();
  // Of 2049 half precision keeps 2048.
  class Between final : public Preprocessor {
   public:
    [[nodiscard]] InputShape shape() const noexcept override { return {3, 4, 4}; }
    void run(const Image& /*image*/, std::span<float> out) const override {
      std::fill(out.begin(), out.end(), 2049.0F);
    }
  };
  BackendRequest request;
  request.approach = parse_approach("onnxruntime-fp32@cpu");
  request.model = directory_.write("half.onnx", half);
  request.preprocessor = std::make_shared<Between>();
  const auto wrapper = registry_.open(request);
  EXPECT_DOUBLE_EQ(predict(*wrapper, {0}).front().logit.value_or(0), 1.5 * 2048);
  EXPECT_EQ(wrapper->input_of({1, 1, 1, {0}}).front(), 2048.0F);
}

TEST_F(OnnxRuntime, RefusesInOneSentenceWhatIsNoImageClassifier) {
  const std::string other_size = OnnxWriter()
                                     .input("x", float32, {std::nullopt, 3, 8, 8})
                                     .output("y", float32, {std::nullopt, 3})
                                     .node("GlobalAveragePool", {"x"}, "mean")
                                     .node("Flatten", {"mean"}, "y")
                                     .file();
  EXPECT_SAYS(refusal(other_size), "it takes N x 3 x 8 x 8, and preprocessing makes N x 3 x 4 x 4");

  const std::string no_image = OnnxWriter()
                                   .input("x", float32, {std::nullopt, 2})
                                   .output("y", float32, {std::nullopt, 2})
                                   .node("Identity", {"x"}, "y")
                                   .file();
  EXPECT_SAYS(refusal(no_image), "it takes N x 2");

  const std::string map = OnnxWriter()
                              .input("x", float32, {std::nullopt, 3, 4, 4})
                              .output("y", float32, {std::nullopt, 3, 4, 4})
                              .node("Relu", {"x"}, "y")
                              .file();
  EXPECT_SAYS(refusal(map), "not one row of logits for each");

  const std::string no_layer = OnnxWriter()
                                   .input("x", float32, {std::nullopt, 3, 4, 4})
                                   .output("y", float32, {std::nullopt, 3})
                                   .node("GlobalAveragePool", {"x"}, "mean")
                                   .node("Flatten", {"mean"}, "y")
                                   .file();
  EXPECT_SAYS(refusal<BackendError>(no_layer), "no convolution and no matrix product");

  const std::string two_inputs = OnnxWriter()
                                     .input("a", float32, {std::nullopt, 3, 4, 4})
                                     .input("b", float32, {std::nullopt, 3, 4, 4})
                                     .output("y", float32, {std::nullopt, 3, 4, 4})
                                     .node("Add", {"a", "b"}, "y")
                                     .file();
  EXPECT_SAYS(refusal(two_inputs), "2 inputs and 1 outputs");

  const std::string integers = OnnxWriter()
                                   .input("x", int32, {std::nullopt, 3, 4, 4})
                                   .output("y", int32, {std::nullopt, 3, 4, 4})
                                   .node("Identity", {"x"}, "y")
                                   .file();
  EXPECT_SAYS(refusal(integers), "its input is neither float32 nor float16");

  EXPECT_SAYS(refusal("not a model\n"), "model.onnx: ONNX Runtime cannot run it: ");
  EXPECT_SAYS(refusal(""), "model.onnx: ");
}

TEST_F(OnnxRuntime, RefusesToCallAGraphWhatItIsNot) {
  EXPECT_SAYS(refusal<BackendError>(Classifier{}.file(), "onnxruntime-int8@cpu"),
              "asked for int8, but of its convolutions ran 1 in fp32");
  EXPECT_SAYS(refusal<BackendError>(Classifier{}.file(), "onnxruntime-fp16@cpu"),
              "asked for fp16, but of its convolutions ran 1 in fp32");
}

TEST_F(OnnxRuntime, HasHalfPrecisionOnTheCpuOnlyWhereItComputesInIt) {
  const Approach approach = parse_approach("onnxruntime-fp16@cpu");
  const auto why_not = registry_.find("onnxruntime").unavailable(approach);
  if (!why_not) GTEST_SKIP() << "this ONNX Runtime convolves in half precision on this CPU";
  EXPECT_SAYS(why_not->reason, "asked for fp16, but of its convolutions ran 1 in fp32");
}

TEST_F(OnnxRuntime, HasFp32AndInt8OnEveryCpu) {
  for (const char* const approach : {"onnxruntime-fp32@cpu", "onnxruntime-int8@cpu"}) {
    const auto why_not = registry_.find("onnxruntime").unavailable(parse_approach(approach));
    EXPECT_FALSE(why_not) << approach << ": " << why_not->reason;
  }
}

TEST_F(OnnxRuntime, SaysWhatTheGpuProvidersLack) {
  for (const char* const text : {"onnxruntime-fp32@cuda:0", "tensorrt-fp16@cuda:0"}) {
    const Approach approach = parse_approach(text);
    const auto why_not = registry_.find(approach.engine).unavailable(approach);
    if (!why_not) GTEST_SKIP() << text << " can run here";
    EXPECT_FALSE(why_not->remedy.empty()) << why_not->reason;
    // A library by its file's name, a provider, or the device: what to look for.
    EXPECT_TRUE(why_not->reason.find("ExecutionProvider") != std::string::npos ||
                why_not->reason.find("libonnxruntime_providers_") != std::string::npos ||
                why_not->reason.find("CUDA device") != std::string::npos)
        << why_not->reason;
  }
}

TEST_F(OnnxRuntime, PrintsNothing) {
  testing::internal::CaptureStderr();
  for (const Backend& backend : registry_.backends()) {
    for (const Device& device : backend.devices)
      (void)backend.unavailable({{}, backend.engine, Precision::fp16, device, {}});
  }
  (void)predict(*open(Classifier{}.file()), {1});
  (void)refusal("not a model\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(OnnxRuntime, LeavesNoFileBehind) {
  const TemporaryDirectory temporary;
  setenv("TMPDIR", temporary.str().c_str(), /*overwrite=*/1);
  (void)predict(*open(Classifier{}.file()), {1});
  (void)refusal("not a model\n");
  unsetenv("TMPDIR");
  for (const auto& left : std::filesystem::directory_iterator(temporary.path())) ADD_FAILURE() << left.path();
}

TEST_F(OnnxRuntime, SaysWhatRan) {
  const auto wrapper = open(Classifier{}.file());
  EXPECT_EQ(detail(*wrapper, "provider"), "CPUExecutionProvider");
  EXPECT_EQ(detail(*wrapper, "convolutions"), "1 in fp32");
  EXPECT_EQ(detail(*wrapper, "nodes_fallen_back"), "0");
  EXPECT_EQ(detail(*wrapper, "threads"), "2");
  EXPECT_EQ(detail(*wrapper, "graph_optimization"), "all");
  EXPECT_EQ(detail(*wrapper, "spinning"), "within a call");
  EXPECT_EQ(detail(*open(Classifier{}.file(), "onnxruntime-fp32@cpu+nospin"), "spinning"), "never");
  EXPECT_TRUE(detail(*wrapper, "engine_version").starts_with("1.")) << detail(*wrapper, "engine_version");
}

TEST_F(OnnxRuntime, TakesNoTimeFromTheNextOne) {
  Classifier classifier;
  classifier.classes = 64;
  const auto wrapper = open(classifier.file(), "onnxruntime-fp32@cpu", 1, 224);
  const auto processor_time = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  (void)predict(*wrapper, {1});
  const auto before = processor_time();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  // A thread that spins after a call was seen to take 8 ms and more; one that sleeps takes 0.03 ms.
  EXPECT_LT(processor_time() - before, std::chrono::milliseconds(2));
}

TEST(OnnxDescription, CountsWeightsAndNotWhatStandsBesideThem) {
  const TemporaryDirectory directory;
  const std::string graph = OnnxWriter()
                                .input("x", float32, {1, 2, 4, 4})
                                .output("y", float32, {1, 2, 4, 4})
                                .constant("scale", float32, {}, bytes_of({1}))
                                .constant("zero", int8, {2}, {"\0\0", 2})
                                .constant("w", int8, {2, 2, 1, 1}, {"\1\1\1\1", 4})
                                .constant("bias", float32, {2}, bytes_of({0, 0}))
                                .constant("mean", float32, {2}, bytes_of({0, 0}))
                                .node("DequantizeLinear", {"w", "scale", "zero"}, "weights")
                                .node("Conv", {"x", "weights"}, "c")
                                .node("BatchNormalization", {"c", "bias", "bias", "mean", "mean"}, "n")
                                .node("Softmax", {"n"}, "s")
                                .node("Identity", {"s"}, "y")
                                .file();
  const OnnxDescription facts = describe_onnx(directory.write("model.onnx", graph));
  EXPECT_EQ(facts.parameters, 6U);
  EXPECT_TRUE(facts.quantised);
  EXPECT_FALSE(facts.half_precision);
  EXPECT_TRUE(facts.yields_probabilities());
}

TEST(OnnxDescription, KnowsProbabilitiesBehindAClipAndClassNumbers) {
  const TemporaryDirectory directory;
  const auto meaning = [&](std::string_view last) {
    const std::string graph = OnnxWriter()
                                  .input("x", float32, {1, 3, 4, 4})
                                  .output("y", float32, {1, 1})
                                  .node(last, {"x"}, "s")
                                  .node("Clip", {"s"}, "c")
                                  .node("Squeeze", {"c"}, "y")
                                  .file();
    return describe_onnx(directory.write("model.onnx", graph)).meaning;
  };
  EXPECT_EQ(meaning("Sigmoid"), OnnxMeaning::sigmoid);
  EXPECT_EQ(meaning("Softmax"), OnnxMeaning::softmax);
  EXPECT_EQ(meaning("ArgMax"), OnnxMeaning::class_numbers);
  EXPECT_EQ(meaning("Gemm"), OnnxMeaning::logits);
}

TEST(OnnxDescription, IsRefusedWhereverItIsCut) {
  const TemporaryDirectory directory;
  const std::string whole = Classifier{}.file();
  for (std::size_t length = 0; length + 1 < whole.size(); ++length) {
    try {
      (void)describe_onnx(directory.write("cut.onnx", whole.substr(0, length)));
      // Only the graph itself is read: what comes after it is the operators' version.
      EXPECT_GT(length, whole.size() - 10);
    } catch (const ModelError& error) {
      EXPECT_SAYS(std::string(error.what()), "cut.onnx");
    }
  }
}

TEST(Profile, IsReadWhateverTheNodesAreCalled) {
  std::istringstream profile(R"([
{"cat" : "Session","name" :"model_run","args" : {}},
{"cat" : "Node","name" :"a_fence_before","args" : {"op_name" : "Conv"}},
{"cat" : "Node","name" :"b, "args" : {"op_name" : "Gemm"}_kernel_time","args" : {"input_type_shape" : [{"float16":[1,3]},{"float":[1]}],"provider" : "CPUExecutionProvider","op_name" : "Conv"}},
{"cat" : "Node","name" :"c_kernel_time","args" : {"op_name" : "Constant","provider" : "P","input_type_shape" : []}}
])");
  const std::vector<ExecutedNode> nodes = read_profile(profile);
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(nodes[0].operation, "Conv");
  EXPECT_EQ(nodes[0].provider, "CPUExecutionProvider");
  EXPECT_EQ(nodes[0].input_type, "float16");
  EXPECT_EQ(nodes[1].operation, "Constant");
  EXPECT_EQ(nodes[1].input_type, "");
}

}  // namespace
}  // namespace stagemark::onnxruntime
