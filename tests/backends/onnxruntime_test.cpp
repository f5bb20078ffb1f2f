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

#include "../../src/backends/onnxruntime/profile.hpp"
#include "backends/made_inputs.hpp"
#include "fakes/expect_says.hpp"
#include "fakes/mean_classifier.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark::onnxruntime {
namespace {

using enum OnnxElementType;

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

TEST_F(OnnxRuntime, KeepsToABatchThatTheGraphFixes) {
  MeanClassifier classifier;
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

TEST_F(OnnxRuntime, RefusesWhatHasNoLayerOfANetwork) {
  const std::string no_layer = OnnxWriter()
                                   .input("x", float32, {std::nullopt, 3, 4, 4})
                                   .output("y", float32, {std::nullopt, 3})
                                   .node("GlobalAveragePool", {"x"}, "mean")
                                   .node("Flatten", {"mean"}, "y")
                                   .file();
  EXPECT_SAYS(refusal<BackendError>(no_layer), "no convolution and no matrix product");
}

TEST_F(OnnxRuntime, RefusesToCallAGraphWhatItIsNot) {
  EXPECT_SAYS(refusal<BackendError>(MeanClassifier{}.file(), "onnxruntime-int8@cpu"),
              "asked for int8, but of its convolutions ran 1 in fp32");
  EXPECT_SAYS(refusal<BackendError>(MeanClassifier{}.file(), "onnxruntime-fp16@cpu"),
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

TEST_F(OnnxRuntime, RunsOnOtherLibrariesForProcessorsWhereItIsBuiltWithThem) {
  const BackendRegistry& registry = registry_;
  const auto why_not = [&](const std::string& text) {
    return registry.find("onnxruntime").unavailable(parse_approach(text));
  };
  for (const auto& [option, provider] :
       {std::pair("dnnl", "DnnlExecutionProvider"), std::pair("xnnpack", "XnnpackExecutionProvider")}) {
    const std::string text = std::string("onnxruntime-fp32@cpu+") + option;
    if (const auto missing = why_not(text)) {
      EXPECT_SAYS(missing->reason, std::string("is built without its ") + provider);
      EXPECT_SAYS(missing->remedy, "libonnxruntime-dev");
      continue;
    }
    const auto wrapper = open(MeanClassifier{}.file(), text);
    EXPECT_NEAR(predict(*wrapper, {2}).front().logit.value_or(0), 3.0, 1e-5);
    EXPECT_EQ(detail(*wrapper, "provider"), provider);
    EXPECT_NE(detail(*wrapper, std::string("nodes_on_") + provider), "no nodes_on_" + std::string(provider));
    EXPECT_EQ(detail(*wrapper, "spinning"), "never");
  }
  EXPECT_SAYS(why_not("onnxruntime-int8@cpu+dnnl")->reason, "fp32 only");
  EXPECT_SAYS(why_not("onnxruntime-fp32@cpu+dnnl+xnnpack")->reason, "exclude one another");
  EXPECT_SAYS(why_not("onnxruntime-fp32@cuda+dnnl")->reason, "for processors");
}

TEST_F(OnnxRuntime, PrintsNothing) {
  testing::internal::CaptureStderr();
  for (const Backend& backend : registry_.backends()) {
    for (const Device& device : backend.devices)
      (void)backend.unavailable({{}, backend.engine, Precision::fp16, device, {}});
  }
  (void)predict(*open(MeanClassifier{}.file()), {1});
  (void)refusal("not a model\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(OnnxRuntime, LeavesNoFileBehind) {
  const TemporaryDirectory temporary;
  setenv("TMPDIR", temporary.str().c_str(), /*overwrite=*/1);
  (void)predict(*open(MeanClassifier{}.file()), {1});
  (void)refusal("not a model\n");
  unsetenv("TMPDIR");
  for (const auto& left : std::filesystem::directory_iterator(temporary.path())) ADD_FAILURE() << left.path();
}

TEST_F(OnnxRuntime, SaysWhatRan) {
  const auto wrapper = open(MeanClassifier{}.file());
  EXPECT_EQ(detail(*wrapper, "provider"), "CPUExecutionProvider");
  EXPECT_EQ(detail(*wrapper, "convolutions"), "1 in fp32");
  EXPECT_EQ(detail(*wrapper, "nodes_fallen_back"), "0");
  EXPECT_EQ(detail(*wrapper, "threads"), "2");
  EXPECT_EQ(detail(*wrapper, "graph_optimization"), "all");
  EXPECT_EQ(detail(*wrapper, "spinning"), "within a call");
  EXPECT_EQ(detail(*open(MeanClassifier{}.file(), "onnxruntime-fp32@cpu+nospin"), "spinning"), "never");
  EXPECT_TRUE(detail(*wrapper, "engine_version").starts_with("1.")) << detail(*wrapper, "engine_version");
}

TEST_F(OnnxRuntime, TakesNoTimeFromTheNextOne) {
  MeanClassifier classifier;
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
