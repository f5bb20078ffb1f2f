// What the libtorch engine adds to the contract: int8, options, and programs made of checkpoints.
#include "stagemark/backends/libtorch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "backends/made_inputs.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/tiny_resnet.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/model_format.hpp"

namespace stagemark {
namespace {

std::string detail(const ExecutionFacts& facts, const std::string& name) {
  const auto found =
      std::find_if(facts.details.begin(), facts.details.end(), [&](const auto& named) { return named.first == name; });
  return found == facts.details.end() ? "absent" : found->second;
}

class LibTorch : public testing::Test {
 protected:
  LibTorch() {
    libtorch::add_to(registry_);
    write_lightning_checkpoint(checkpoint_, network_.tensors(), {});
  }

  /// Of the checkpoint, unless a model is given.
  [[nodiscard]] BackendRequest request(const std::string& approach) const {
    BackendRequest result;
    result.approach = registry_.resolve(parse_approach(approach), std::nullopt);
    result.model = checkpoint_;
    result.preprocessor = std::make_shared<ScaledPixels>();
    return result;
  }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const std::string& approach) const {
    return registry_.open(request(approach));
  }

  [[nodiscard]] std::string refusal(const std::string& approach) const {
    try {
      (void)registry_.resolve(parse_approach(approach), std::nullopt);
    } catch (const BackendError& error) {
      return error.what();
    }
    return "not refused";
  }

  static double logit(InferenceWrapper& wrapper, const Image& image) {
    Prediction prediction;
    StageTimer timer;
    wrapper.predict({&image, 1}, {&prediction, 1}, timer);
    return prediction.logit.value_or(0);
  }

  [[nodiscard]] double reference(const Image& image) const {
    std::vector<float> input(3 * input_side * input_side);
    ScaledPixels().run(image, input);
    return network_.logits(input, input_side).front();
  }

  TemporaryDirectory directory_;
  TinyResnet network_;
  std::filesystem::path checkpoint_ = directory_ / "tiny.ckpt";
  BackendRegistry registry_;
};

TEST_F(LibTorch, SaysInWhichMemoryFormatItRuns) {
  const Image one = noise(1);
  for (const auto& [approach, format] :
       {std::pair("libtorch-fp32@cpu", "channels_last"), std::pair("libtorch-fp32@cpu+channels-last", "channels_last"),
        std::pair("libtorch-fp32@cpu+nchw", "contiguous"), std::pair("libtorch-fp32@cpu+nchw+fold", "contiguous")}) {
    const auto wrapper = open(approach);
    EXPECT_NEAR(logit(*wrapper, one), reference(one), 1e-4) << approach;
    EXPECT_EQ(detail(wrapper->execution_facts(), "memory_format"), format) << approach;
  }
}

TEST_F(LibTorch, TakesTheQuickerMemoryFormatOnCuda) {
  const auto missing = registry_.find("libtorch").unavailable(parse_approach("libtorch-fp32@cuda:0"));
  if (missing) GTEST_SKIP() << missing->reason;
  const Image one = noise(1);
  for (const auto& [approach, format] :
       {std::pair("libtorch-fp32@cuda:0", "contiguous"), std::pair("libtorch-fp32@cuda:0+graph", "contiguous"),
        std::pair("libtorch-fp32@cuda:0+channels-last", "channels_last"),
        std::pair("libtorch-fp32@cuda:0+fold", "channels_last"),
        std::pair("libtorch-fp32@cuda:0+fold+nchw", "contiguous"),
        std::pair("torchscript-fp32@cuda:0", "channels_last")}) {
    const auto wrapper = open(approach);
    EXPECT_NEAR(logit(*wrapper, one), reference(one), 1e-4) << approach;
    EXPECT_EQ(detail(wrapper->execution_facts(), "memory_format"), format) << approach;
  }
}

TEST_F(LibTorch, SaysThatNormalisationsAreFoldedOnlyWhereTheyAre) {
  EXPECT_EQ(detail(open("libtorch-fp32@cpu+fold")->execution_facts(), "batch_normalisation"), "folded");
  EXPECT_EQ(detail(open("libtorch-fp32@cpu")->execution_facts(), "batch_normalisation"), "absent");
}

TEST_F(LibTorch, RefusesOptionsThatCannotBe) {
  EXPECT_NE(refusal("libtorch-fp32@cpu+nchw+channels-last").find("either"), std::string::npos);
  EXPECT_NE(refusal("libtorch-fp32@cpu+graph").find("needs a CUDA device"), std::string::npos);
  EXPECT_NE(refusal("torchscript-fp32@cpu+graph").find("needs a CUDA device"), std::string::npos);
  EXPECT_NE(refusal("libtorch-int8@cpu+fold").find("always folded"), std::string::npos);
  EXPECT_NE(refusal("libtorch-int8@cuda:0").find("CPU alone"), std::string::npos);
  EXPECT_THROW((void)registry_.resolve(parse_approach("torchscript-fp32@cpu+fold"), std::nullopt), UsageError);
}

class LibTorchInt8 : public LibTorch {
 protected:
  void SetUp() override {
    const Approach approach = parse_approach("libtorch-int8@cpu");
    if (const auto missing = registry_.find("libtorch").unavailable(approach)) GTEST_SKIP() << missing->reason;
  }

  [[nodiscard]] std::filesystem::path calibrate() const {
    const std::vector<Image> images = {noise(1), noise(2), noise(3), noise(4)};
    write_activation_ranges(directory_ / "ranges",
                            libtorch::observe_activations(checkpoint_, images, ScaledPixels(), 1));
    return directory_ / "ranges";
  }
};

TEST_F(LibTorchInt8, RunsInTheRangesThatCalibrationSaw) {
  BackendRequest int8 = request("libtorch-int8@cpu");
  int8.activation_ranges = calibrate();
  const auto wrapper = registry_.open(int8);
  for (const unsigned seed : {1U, 2U, 11U, 12U}) {
    const Image one = noise(seed);
    EXPECT_NEAR(logit(*wrapper, one), reference(one), 8e-2) << seed;
  }
  const ExecutionFacts facts = wrapper->execution_facts();
  EXPECT_EQ(facts.precision, Precision::int8);
  // Stem, sixteen convolutions and three downsamplings of 21 layers.
  EXPECT_EQ(detail(facts, "int8_layers"), "20 of 21");
  EXPECT_NE(detail(facts, "quantised_engine"), "absent");
}

TEST_F(LibTorchInt8, NeedsTheRangeOfEveryTensor) {
  BackendRequest int8 = request("libtorch-int8@cpu");
  EXPECT_THROW((void)registry_.open(int8), UsageError);
  ActivationRanges ranges = read_activation_ranges(calibrate());
  ranges.erase("layer3.0.conv2.weight.sum");
  write_activation_ranges(directory_ / "ranges", ranges);
  int8.activation_ranges = directory_ / "ranges";
  try {
    (void)registry_.open(int8);
    FAIL() << "was opened";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("layer3.0.conv2.weight.sum"), std::string::npos) << error.what();
  }
}

TEST_F(LibTorchInt8, LeavesATensorThatIsAlwaysZeroAtZero) {
  BackendRequest int8 = request("libtorch-int8@cpu");
  ActivationRanges ranges = read_activation_ranges(calibrate());
  for (auto& [name, range] : ranges) range = {};
  write_activation_ranges(directory_ / "ranges", ranges);
  int8.activation_ranges = directory_ / "ranges";
  EXPECT_TRUE(std::isfinite(logit(*registry_.open(int8), noise(1))));
}

TEST_F(LibTorchInt8, HasNoRangesForAProgram) {
  libtorch::export_torchscript(checkpoint_, directory_ / "program.pt");
  BackendRequest int8 = request("libtorch-int8@cpu");
  int8.model = directory_ / "program.pt";
  int8.activation_ranges = calibrate();
  EXPECT_THROW((void)registry_.open(int8), UsageError);
}

TEST_F(LibTorch, ExportsAProgramThatBothEnginesSplit) {
  const std::filesystem::path program = directory_ / "program.pt";
  libtorch::export_torchscript(checkpoint_, program);
  EXPECT_EQ(model_format(program), ModelFormat::torchscript);
  const Image one = noise(5);
  for (const char* approach : {"libtorch-fp32@cpu", "torchscript-fp32@cpu"}) {
    BackendRequest of_program = request(approach);
    of_program.model = program;
    const auto wrapper = registry_.open(of_program);
    Prediction prediction;
    StageTimer timer;
    wrapper->predict({&one, 1}, {&prediction, 1}, timer);
    EXPECT_NEAR(prediction.logit.value_or(0), reference(one), 1e-4) << approach;
    const StageTimes times = timer.take();
    EXPECT_TRUE(times.has(Stage::feature_extraction)) << approach;
    EXPECT_TRUE(times.has(Stage::classification)) << approach;
    const ExecutionFacts facts = wrapper->execution_facts();
    ASSERT_TRUE(facts.model);
    EXPECT_EQ(facts.model->format, "torchscript");
    EXPECT_EQ(facts.model->parameters, network_.parameters());
  }
}

TEST_F(LibTorch, ExportsNothingWhereThereIsNoDirectory) {
  EXPECT_THROW(libtorch::export_torchscript(checkpoint_, directory_ / "missing" / "program.pt"), OutputError);
  EXPECT_THROW(libtorch::export_torchscript(directory_ / "missing.ckpt", directory_ / "program.pt"), ModelError);
}

TEST_F(LibTorch, SaysThatAProgramIsFrozenOnlyWhereItIs) {
  EXPECT_EQ(detail(open("torchscript-fp32@cpu")->execution_facts(), "program"), "frozen, optimised for inference");
  EXPECT_EQ(detail(open("libtorch-fp32@cpu")->execution_facts(), "program"), "absent");
}

}  // namespace
}  // namespace stagemark
