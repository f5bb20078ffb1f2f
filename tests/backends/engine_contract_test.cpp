// What every engine owes: one suite that each passes, on each of its precisions and devices that are here. That one is
// not here is a test that is skipped, with the engine's own reason.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "backends/made_inputs.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/tiny_resnet.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/network.hpp"
#include "stagemark/model/onnx_export.hpp"
#include "stagemark/session/engines.hpp"

namespace stagemark {
namespace {

std::vector<Image> images(std::size_t count) {
  std::vector<Image> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(noise(static_cast<unsigned>(i)));
  return result;
}

std::vector<double> reference(const TinyResnet& network, const Image& image) {
  std::vector<float> input(3 * input_side * input_side);
  ScaledPixels().run(image, input);
  return network.logits(input, input_side);
}

OnnxPrecision onnx_precision(Precision precision) {
  switch (precision) {
    case Precision::fp16:
      return OnnxPrecision::fp16;
    case Precision::int8:
      return OnnxPrecision::int8;
    default:
      return OnnxPrecision::fp32;
  }
}

/// Of all tensors, on the images that the tests classify.
ActivationRanges ranges_of(const TinyResnet& network) {
  ActivationRanges ranges;
  for (const Image& one : images(8)) {
    std::vector<float> input(3 * input_side * input_side);
    ScaledPixels().run(one, input);
    (void)network.logits(input, input_side, ranges);
  }
  return ranges;
}

/// An approach, and what its engine gets if it opens ONNX files: the backbone with the head beside it, or the whole.
struct Contestant {
  const char* approach;
  OnnxPart part = OnnxPart::backbone;
};

std::ostream& operator<<(std::ostream& out, const Contestant& contestant) {
  return out << contestant.approach << (contestant.part == OnnxPart::whole ? " whole" : "");
}

class EngineContract : public testing::TestWithParam<Contestant> {
 protected:
  void SetUp() override {
    approach_ = registry_.resolve(parse_approach(GetParam().approach), std::nullopt);
    model_ = save(network_);
  }

  /// What an engine is asked to open: the network's checkpoint, or what the tool exports from it.
  [[nodiscard]] BackendRequest save(const TinyResnet& network, const std::string& name = "tiny") const {
    const std::filesystem::path file = directory_ / (name + ".ckpt");
    write_lightning_checkpoint(file, network.tensors(), {});
    BackendRequest request;
    request.model = file;
    if (registry_.find(approach_.engine).runs_onnx) {
      const Checkpoint checkpoint = Checkpoint::open(file);
      request.exported_from =
          ModelFacts{file.string(), checkpoint.format(), checkpoint.sha256(), describe_network(checkpoint).parameters};
      request.model = save_onnx(checkpoint, network, name);
    } else if (approach_.precision == Precision::int8) {
      request.activation_ranges = directory_ / (name + ".ranges");
      write_activation_ranges(*request.activation_ranges, ranges_of(network));
    }
    return request;
  }

  [[nodiscard]] std::filesystem::path save_onnx(const Checkpoint& checkpoint, const TinyResnet& network,
                                                const std::string& name) const {
    OnnxExportOptions options;
    options.precision = onnx_precision(approach_.precision);
    options.part = GetParam().part;
    options.height = input_side;
    options.width = input_side;
    if (options.precision == OnnxPrecision::int8) options.ranges = ranges_of(network);
    if (registry_.find(approach_.engine).int8_graph == Int8Graph::integer_operators) {
      options.quantisation = OnnxQuantisation::operators;
    }
    const auto write = [&](const std::string& suffix) {
      std::filesystem::path file = directory_ / (name + suffix);
      if constexpr (STAGEMARK_HAS_ONNX != 0) export_onnx(file, checkpoint, options);
      return file;
    };
    if (options.part == OnnxPart::whole) return write(".onnx");
    const std::filesystem::path backbone = write(".backbone.onnx");
    options.part = OnnxPart::head;
    (void)write(".head.onnx");
    return backbone;
  }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(BackendRequest request, std::size_t channels = 3) const {
    request.approach = approach_;
    request.preprocessor = std::make_shared<ScaledPixels>(channels);
    request.max_batch = 5;
    return registry_.open(request);
  }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const std::filesystem::path& file) const {
    BackendRequest request = model_;
    request.model = file;
    return open(std::move(request));
  }

  static std::vector<Prediction> predict(InferenceWrapper& wrapper, std::span<const Image> batch) {
    std::vector<Prediction> predictions(batch.size());
    StageTimer timer(TimingMode::total_only);
    wrapper.predict(batch, predictions, timer);
    return predictions;
  }

  /// How far a logit of about 1 may be from the exact one: a hundred roundings of FP32, a few of the others.
  [[nodiscard]] double tolerance() const {
    switch (approach_.precision) {
      case Precision::fp32:
        return 1e-5;
      case Precision::fp16:
        return 1e-2;
      default:
        return 8e-2;
    }
  }

  TemporaryDirectory directory_;
  TinyResnet network_;
  BackendRegistry registry_ = built_in_engines();
  Approach approach_;
  BackendRequest model_;
};

TEST_P(EngineContract, ComputesTheNetwork) {
  const auto wrapper = open(model_);
  for (const Image& one : images(3)) {
    const Prediction prediction = predict(*wrapper, {&one, 1}).front();
    const double logit = reference(network_, one).front();
    ASSERT_TRUE(prediction.logit);
    EXPECT_NEAR(*prediction.logit, logit, tolerance() * std::max(1.0, std::abs(logit)));
    EXPECT_NEAR(prediction.probability, 1 / (1 + std::exp(-*prediction.logit)), 1e-6);
    EXPECT_FALSE(prediction.class_index);
  }
}

TEST_P(EngineContract, GivesABatchTheNumbersOfItsImages) {
  const auto wrapper = open(model_);
  const std::vector<Image> five = images(5);
  const std::vector<Prediction> together = predict(*wrapper, five);
  for (std::size_t i = 0; i < five.size(); ++i) {
    const Prediction alone = predict(*wrapper, {&five[i], 1}).front();
    EXPECT_NEAR(*together[i].logit, *alone.logit, tolerance()) << i;
  }
}

TEST_P(EngineContract, TurnsTwoLogitsAndMoreIntoProbabilities) {
  const Image one = noise(7);
  const TinyResnet two(2);
  const std::vector<double> pair = reference(two, one);
  const Prediction binary = predict(*open(save(two, "two")), {&one, 1}).front();
  EXPECT_FALSE(binary.class_index);
  EXPECT_NEAR(binary.probability, 1 / (1 + std::exp(pair[0] - pair[1])), tolerance());

  const TinyResnet five(5);
  const std::vector<double> logits = reference(five, one);
  const Prediction prediction = predict(*open(save(five, "five")), {&one, 1}).front();
  const auto best = std::max_element(logits.begin(), logits.end());
  const double sum =
      std::accumulate(logits.begin(), logits.end(), 0.0, [](double s, double logit) { return s + std::exp(logit); });
  EXPECT_EQ(prediction.class_index, static_cast<std::size_t>(best - logits.begin()));
  EXPECT_NEAR(prediction.probability, std::exp(*best) / sum, tolerance());
}

TEST_P(EngineContract, TellsTheScoresThatItsPredictionsAreOf) {
  const std::vector<Image> three = images(3);
  for (const std::size_t outputs : {1U, 2U, 5U}) {
    const auto wrapper = open(save(TinyResnet(outputs), "scored" + std::to_string(outputs)));
    const std::vector<Prediction> predictions = predict(*wrapper, three);
    const std::span<const float> scores = wrapper->scores();
    ASSERT_EQ(scores.size(), three.size() * outputs);
    std::vector<Prediction> read(three.size());
    read_out(scores, outputs, read);
    for (std::size_t i = 0; i < three.size(); ++i) {
      EXPECT_EQ(read[i].probability, predictions[i].probability) << outputs << " outputs, image " << i;
      EXPECT_EQ(read[i].logit, predictions[i].logit);
      EXPECT_EQ(read[i].class_index, predictions[i].class_index);
    }
    (void)predict(*wrapper, std::span(three).first(1));
    ASSERT_EQ(wrapper->scores().size(), outputs);
  }
}

TEST_P(EngineContract, SaysWhatReallyRuns) {
  const auto wrapper = open(model_);
  const Image one = noise(1);
  (void)predict(*wrapper, {&one, 1});
  const ExecutionFacts facts = wrapper->execution_facts();
  EXPECT_EQ(facts.precision, approach_.precision);
  EXPECT_EQ(facts.device, approach_.device);
  ASSERT_TRUE(facts.model);
  EXPECT_EQ(facts.model->path, (directory_ / "tiny.ckpt").string());
  EXPECT_EQ(facts.model->parameters, network_.parameters());
  EXPECT_EQ(facts.model->sha256.size(), 64U);
  EXPECT_FALSE(facts.details.empty());
}

TEST_P(EngineContract, TimesItsStagesInTheModeForIt) {
  const auto wrapper = open(model_);
  const Image one = noise(1);
  Prediction prediction;
  StageTimer timer(TimingMode::whole_network);
  wrapper->predict({&one, 1}, {&prediction, 1}, timer);
  EXPECT_TRUE(timer.take().has(Stage::inference));
  timer.set_mode(TimingMode::stages);
  wrapper->predict({&one, 1}, {&prediction, 1}, timer);
  const StageTimes times = timer.take();
  EXPECT_TRUE(times.has(Stage::preprocessing));
  EXPECT_EQ(times.has(Stage::upload), wrapper->asynchronous());
  EXPECT_EQ(times.has(Stage::feature_extraction), times.has(Stage::classification));
}

TEST_P(EngineContract, RefusesAModelThatIsNotThereOrIsCut) {
  EXPECT_THROW((void)open(directory_ / "missing"), ModelError);
  const std::string whole = TemporaryDirectory::read(*model_.model);
  EXPECT_THROW((void)open(directory_.write("cut", whole.substr(0, whole.size() / 2))), ModelError);
  EXPECT_THROW((void)open(directory_.write("text", "not a model\n")), ModelError);
}

TEST_P(EngineContract, ThrowsOnAnInputOfTheWrongShapeAndGoesOnWithTheNextOpened) {
  const Image one = noise(1);
  EXPECT_THROW((void)predict(*open(model_, 1), {&one, 1}), std::exception);
  EXPECT_EQ(predict(*open(model_), {&one, 1}).size(), 1U);
}

TEST_P(EngineContract, KeepsTwoOpenedNetworksApart) {
  const TinyResnet other(1, 99);
  const auto first = open(model_);
  const auto second = open(save(other, "other"));
  const Image one = noise(3);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(*predict(*first, {&one, 1}).front().logit, reference(network_, one).front(), 4 * tolerance());
    EXPECT_NEAR(*predict(*second, {&one, 1}).front().logit, reference(other, one).front(), 4 * tolerance());
  }
}

TEST_P(EngineContract, GivesTheSameNumbersWhenOpenedAgain) {
  const Image one = noise(4);
  const Prediction before = predict(*open(model_), {&one, 1}).front();
  const Prediction after = predict(*open(model_), {&one, 1}).front();
  EXPECT_EQ(before.logit, after.logit);
}

TEST_P(EngineContract, NeedsNoMoreMemoryAfterAThousandPredictions) {
#ifdef STAGEMARK_IS_SANITIZED
  GTEST_SKIP() << "AddressSanitizer keeps what was freed; its leak checker looks instead";
#endif
  const auto wrapper = open(model_);
  const Image one = noise(5);
  const auto peak_kilobytes = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  for (int i = 0; i < 100; ++i) (void)predict(*wrapper, {&one, 1});
  const long before = peak_kilobytes();
  for (int i = 0; i < 1'000; ++i) (void)predict(*wrapper, {&one, 1});
  // A leak of one input tensor (27 KB) per call would be 27 MB.
  EXPECT_LT(peak_kilobytes() - before, 4'096);
}

std::string name_of(const testing::TestParamInfo<Contestant>& info) {
  std::string name = info.param.approach;
  if (info.param.part == OnnxPart::whole) name += " whole";
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

std::optional<std::string> why_not_here(const Contestant& contestant) {
  const Approach approach = parse_approach(contestant.approach);
  static const BackendRegistry registry = built_in_engines();
  const Backend& backend = registry.find(approach.engine);
  if (const auto why_not = backend.unavailable(approach)) return why_not->reason;
  if (backend.runs_onnx && STAGEMARK_HAS_ONNX == 0) return "nothing here exports the graph that it opens";
  return std::nullopt;
}

constexpr std::array contestants = {
    Contestant{"libtorch-fp32@cpu"},
    Contestant{"libtorch-bf16@cpu"},
    Contestant{"libtorch-fp16@cpu"},
    Contestant{"libtorch-int8@cpu"},
    Contestant{"libtorch-fp32@cpu+fold"},
    Contestant{"libtorch-bf16@cpu+fold"},
    Contestant{"libtorch-fp32@cpu+nchw"},
    Contestant{"torchscript-fp32@cpu"},
    Contestant{"torchscript-bf16@cpu"},
    Contestant{"torchscript-fp16@cpu"},
    Contestant{"opencv-fp32@cpu"},
    Contestant{"opencv-fp32@cpu", OnnxPart::whole},
    Contestant{"opencv-int8@cpu"},
    Contestant{"opencv-int8@cpu", OnnxPart::whole},
    Contestant{"onnxruntime-fp32@cpu"},
    Contestant{"onnxruntime-fp32@cpu", OnnxPart::whole},
    Contestant{"onnxruntime-int8@cpu"},
    Contestant{"onnxruntime-int8@cpu", OnnxPart::whole},
    Contestant{"onnxruntime-fp16@cpu"},
    Contestant{"onnxruntime-fp32@cpu+dnnl", OnnxPart::whole},
    Contestant{"onnxruntime-fp32@cpu+xnnpack", OnnxPart::whole},
    Contestant{"libtorch-fp32@cuda:0"},
    Contestant{"libtorch-fp16@cuda:0"},
    Contestant{"libtorch-bf16@cuda:0"},
    Contestant{"libtorch-fp16@cuda:0+channels-last"},
    Contestant{"libtorch-fp32@cuda:0+graph"},
    Contestant{"libtorch-fp16@cuda:0+graph"},
    Contestant{"libtorch-fp32@cuda:0+fold"},
    Contestant{"libtorch-bf16@cuda:0+fold"},
    Contestant{"libtorch-fp16@cuda:0+nchw+fold"},
    Contestant{"libtorch-fp16@cuda:0+fold+graph"},
    Contestant{"torchscript-fp32@cuda:0"},
    Contestant{"torchscript-fp16@cuda:0"},
    Contestant{"onnxruntime-fp32@cuda:0"},
    Contestant{"onnxruntime-fp16@cuda:0"},
    Contestant{"onnxruntime-int8@cuda:0"},
    Contestant{"tensorrt-fp32@cuda:0"},
    Contestant{"tensorrt-fp16@cuda:0"},
    Contestant{"tensorrt-int8@cuda:0"},
};

class EngineContractOf : public testing::TestWithParam<Contestant> {};

TEST_P(EngineContractOf, IsTested) {
  if (const auto reason = why_not_here(GetParam())) GTEST_SKIP() << *reason;
}

std::vector<Contestant> those_here() {
  std::vector<Contestant> here;
  std::ranges::copy_if(contestants, std::back_inserter(here),
                       [](const Contestant& contestant) { return !why_not_here(contestant); });
  return here;
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineContractOf, testing::ValuesIn(contestants), name_of);
INSTANTIATE_TEST_SUITE_P(Engines, EngineContract, testing::ValuesIn(those_here()), name_of);

}  // namespace
}  // namespace stagemark
