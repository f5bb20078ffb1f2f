// TorchScript programs in the engines libtorch (as stored) and torchscript (frozen). The programs are compiled here, by LibTorch itself.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "backends/made_inputs.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/backends/libtorch.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/model_format.hpp"

namespace stagemark {
namespace {

using torch::jit::Module;

/// One sub-module that runs the code.
Module part(const std::string& name, const std::string& code) {
  Module module(name);
  module.register_parameter("scale", at::full({1}, 2.0), false);
  module.define("def forward(self, x: Tensor) -> Tensor:\n  " + code + "\n");
  return module;
}

class TorchScript : public testing::TestWithParam<std::string> {
 protected:
  TorchScript() { libtorch::add_to(registry_); }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const Module& module, const std::string& precision = "fp32") {
    const std::filesystem::path file = directory_ / "program.pt";
    module.save(file.string());
    EXPECT_EQ(model_format(file), ModelFormat::torchscript);
    return open(file, precision);
  }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const std::filesystem::path& file,
                                                       const std::string& precision = "fp32") {
    BackendRequest request;
    request.approach = registry_.resolve(parse_approach(GetParam() + "-" + precision + "@cpu"), std::nullopt);
    request.model = file;
    request.preprocessor = std::make_shared<FirstSample>();
    return registry_.open(request);
  }

  [[nodiscard]] std::string refusal(const Module& module, const std::string& precision = "fp32") {
    try {
      (void)open(module, precision);
    } catch (const ModelError& error) {
      return error.what();
    }
    return "not refused";
  }

  /// Of an image whose input is `value` everywhere.
  static Prediction predict(InferenceWrapper& wrapper, std::uint8_t value, StageTimes* times = nullptr) {
    const Image image{1, 1, 1, {value}};
    Prediction prediction;
    StageTimer timer;
    wrapper.predict({&image, 1}, {&prediction, 1}, timer);
    if (times != nullptr) *times = timer.take();
    return prediction;
  }

  /// Mean of the input times 2, then plus 1: in the parts, or in the whole as well.
  static Module in_parts(const std::string& first, const std::string& second, const std::string& forward) {
    Module module("Net");
    module.register_module(first, part("First", "return x * self.scale"));
    module.register_module(second, part("Second", "return x.mean([1, 2, 3]).unsqueeze(1) + 1.0"));
    module.define("def forward(self, x: Tensor) -> Tensor:\n  " + forward + "\n");
    return module;
  }

  TemporaryDirectory directory_;
  BackendRegistry registry_;
};

TEST_P(TorchScript, IsSplitWhereItsPartsAreTheWhole) {
  for (const auto& [first, second] : {std::pair("features", "classifier"), std::pair("backbone", "head")}) {
    const std::string forward = std::string("return self.") + second + ".forward(self." + first + ".forward(x))";
    const auto wrapper = open(in_parts(first, second, forward));
    StageTimes times;
    EXPECT_DOUBLE_EQ(predict(*wrapper, 3, &times).logit.value_or(0), 7.0);
    EXPECT_TRUE(times.has(Stage::feature_extraction)) << first;
    EXPECT_TRUE(times.has(Stage::classification)) << second;
    EXPECT_TRUE(times.has(Stage::inference));
  }
}

TEST_P(TorchScript, StaysInOnePieceWhereItDoesMoreThanItsParts) {
  const auto wrapper =
      open(in_parts("features", "classifier", "return self.classifier.forward(self.features.forward(x) * 3.0)"));
  StageTimes times;
  EXPECT_DOUBLE_EQ(predict(*wrapper, 3, &times).logit.value_or(0), 19.0);
  EXPECT_FALSE(times.has(Stage::feature_extraction));
  EXPECT_FALSE(times.has(Stage::classification));
  EXPECT_TRUE(times.has(Stage::inference));
}

TEST_P(TorchScript, IsSplitByMethodsToo) {
  Module module("Net");
  module.define(R"(
def features(self, x: Tensor) -> Tensor:
  return x.mean([2, 3])
def classifier(self, x: Tensor) -> Tensor:
  return x[:, 0:1] - 1.0
def forward(self, x: Tensor) -> Tensor:
  return self.classifier(self.features(x))
)");
  StageTimes times;
  EXPECT_DOUBLE_EQ(predict(*open(module), 3, &times).logit.value_or(0), 2.0);
  EXPECT_TRUE(times.has(Stage::feature_extraction));
}

TEST_P(TorchScript, MayGiveOneTwoOrMoreLogitsAndOneWithoutADimensionOfItsOwn) {
  EXPECT_DOUBLE_EQ(predict(*open(part("Net", "return x.mean([1, 2, 3])")), 3).logit.value_or(0), 3.0);
  const Prediction two = predict(*open(part("Net", "return x[:, 0:2, 0, 0] * torch.tensor([1.0, 2.0])")), 3);
  EXPECT_DOUBLE_EQ(two.logit.value_or(0), 3.0);
  EXPECT_FALSE(two.class_index);
  const Prediction three = predict(*open(part("Net", "return x[:, :, 0, 0] * torch.tensor([1.0, 3.0, 2.0])")), 3);
  EXPECT_EQ(three.class_index, 1U);
  EXPECT_NEAR(three.probability, 1 / (1 + std::exp(-3.0) + std::exp(-6.0)), 1e-6);
}

TEST_P(TorchScript, TakesWhatASigmoidOrASoftmaxGivesForProbabilities) {
  for (const char* code :
       {"return torch.sigmoid(x.mean([1, 2, 3]))", "return x.mean([1, 2, 3]).unsqueeze(1).sigmoid().squeeze(1)"}) {
    const Prediction one = predict(*open(part("Net", code)), 3);
    EXPECT_NEAR(one.probability, 1 / (1 + std::exp(-3.0)), 1e-6) << code;
    EXPECT_FALSE(one.logit) << code;
  }
  const Prediction two =
      predict(*open(part("Net", "return torch.softmax(x[:, 0:2, 0, 0] * torch.tensor([1.0, 2.0]), 1)")), 3);
  EXPECT_NEAR(two.probability, 1 / (1 + std::exp(-3.0)), 1e-6);
  // Columns taken out and put together.
  for (const char* code : {"return torch.softmax(x[:, 0:2, 0, 0] * torch.tensor([1.0, 2.0]), 1)[:, 1]",
                           "p = torch.sigmoid(x.mean([1, 2, 3], True)[:, 0, 0])\n  return torch.cat([1.0 - p, p], 1)",
                           "p = torch.sigmoid(x.mean([1, 2, 3]))\n  return torch.stack([1.0 - p, p], 1)"}) {
    const Prediction column = predict(*open(part("Net", code)), 3);
    EXPECT_NEAR(column.probability, 1 / (1 + std::exp(-3.0)), 1e-6) << code;
    EXPECT_FALSE(column.logit) << code;
  }
  for (const char* code :
       {"return 1.0 - torch.sigmoid(-x.mean([1, 2, 3]))",
        "return torch.exp(torch.log_softmax(x[:, 0:2, 0, 0] * torch.tensor([1.0, 2.0]), 1))[:, 1]"}) {
    EXPECT_NEAR(predict(*open(part("Net", code)), 3).probability, 1 / (1 + std::exp(-3.0)), 1e-6) << code;
  }
  // A sigmoid on the way is none at the end; where more than 1 comes out, nothing tells what it is.
  const char* gate = "z = x.mean([1, 2, 3])\n  return torch.sigmoid(z) * z";
  EXPECT_NEAR(predict(*open(part("Net", gate)), 3).logit.value_or(0), 3 / (1 + std::exp(-3.0)), 1e-6);
  const char* centred = "return torch.sigmoid(x.mean([1, 2, 3])) * 2.0 - 1.0";
  EXPECT_TRUE(open(part("Net", centred))->execution_facts().outputs_unknown);
}

TEST_P(TorchScript, IsRefusedWhereItsProbabilitiesAreNotThoseOfTheClasses) {
  const std::string softmax = "p = torch.softmax(x[:, 0:2, 0, 0] * torch.tensor([1.0, 2.0]), 1)\n  return ";
  for (const auto& [code, words] : {std::pair(softmax + "p * 100.0", "probabilities times a constant"),
                                    {"return torch.sigmoid(x.mean([1, 2, 3])) * 255", "probabilities times a constant"},
                                    {"return 1.0 - torch.sigmoid(x.mean([1, 2, 3]))", "the probability of class 0"},
                                    {softmax + "p[:, 0]", "the probability of class 0"},
                                    {softmax + "p[:, 0:1]", "the probability of class 0"},
                                    {softmax + "p.narrow(1, 0, 1)", "the probability of class 0"},
                                    {softmax + "p.max(1)[0]", "the greatest probability"},
                                    {softmax + "p.amax([1])", "the greatest probability"},
                                    {softmax + "p.topk(1)[0]", "the greatest probability"},
                                    {"return torch.softmax(x[:, 0:2, 0, 0], 0)", "over the images of a batch"}}) {
    const std::string why = refusal(part("Net", code));
    EXPECT_NE(why.find(words), std::string::npos) << code << ": " << why;
    EXPECT_EQ(why.find('\n'), std::string::npos) << why;
  }
  for (const std::string& code : {softmax + "1.0 - p[:, 0]", softmax + "p[:, 1:2]", softmax + "p[:, -1]",
                                  std::string("return torch.sigmoid(x.mean([1, 2, 3], True)[:, :, 0, 0])[:, 0]")}) {
    const Prediction prediction = predict(*open(part("Net", code)), 3);
    EXPECT_NEAR(prediction.probability, 1 / (1 + std::exp(-3.0)), 1e-6) << code;
    EXPECT_FALSE(prediction.logit) << code;
  }
}

// Sigmoid or not, by what is settled when the program is saved or called with an image alone.
TEST_P(TorchScript, ReadsTheBranchThatRuns) {
  const auto reads_probabilities = [&](const std::string& code, const std::string& arguments = "x: Tensor") {
    Module net("Net");
    for (const char* name : {"probs", "training"}) net.register_attribute(name, c10::BoolType::get(), true);
    net.define("def forward(self, " + arguments + ") -> Tensor:\n  y = x.mean([1, 2, 3])\n" + code);
    const Prediction prediction = predict(*open(net), 3);
    EXPECT_NEAR(prediction.probability, 1 / (1 + std::exp(-3.0)), 1e-6) << code;
    return !prediction.logit;
  };
  EXPECT_TRUE(reads_probabilities("  if self.training:\n    return y\n  return torch.sigmoid(y)\n"));
  EXPECT_FALSE(reads_probabilities("  if self.training:\n    return torch.sigmoid(y)\n  return y\n"));
  EXPECT_TRUE(reads_probabilities("  if self.probs:\n    y = torch.sigmoid(y)\n  return y\n"));
  EXPECT_TRUE(reads_probabilities("  if p:\n    y = torch.sigmoid(y)\n  return y\n", "x: Tensor, p: bool = True"));
  EXPECT_TRUE(
      reads_probabilities("  q: Optional[Tensor] = None\n  if x.size(0) > 0:\n    q = torch.sigmoid(y)\n"
                          "  assert q is not None\n  return q\n"));
  EXPECT_TRUE(reads_probabilities("  l: List[Tensor] = []\n  l.append(torch.sigmoid(y))\n  return l[0]\n"));
}

TEST_P(TorchScript, FollowsWhatIsChangedInPlace) {
  const auto known = [&](const std::string& code) {
    const auto wrapper = open(part("Net", "y = x.mean([1, 2, 3], True)[:, :, 0, 0]\n  " + code));
    return wrapper->execution_facts().outputs_unknown ? "unknown"
           : predict(*wrapper, 3).logit               ? "logits"
                                                      : "probabilities";
  };
  EXPECT_EQ(known("y.sigmoid_()\n  return y"), std::string("probabilities"));
  EXPECT_EQ(known("return y.add_(1.0).sigmoid_()"), std::string("probabilities"));
  EXPECT_EQ(known("y = torch.sigmoid(y)\n  y[y < 0.1] = 0.0\n  return y"), std::string("probabilities"));
  EXPECT_EQ(known("o = torch.zeros([1, 1])\n  o.copy_(torch.sigmoid(y))\n  return o"), std::string("probabilities"));
  EXPECT_EQ(known("z = torch.sigmoid(y)\n  y.add_(1.0)\n  return z"), std::string("probabilities"));
  EXPECT_EQ(known("z = y * 1.5\n  z.add_(1.0)\n  return z"), std::string("logits"));
  // By a view of it, or on some ways.
  EXPECT_EQ(known("z = y * 1.5\n  z[:, 0].sigmoid_()\n  return z"), std::string("unknown"));
  EXPECT_EQ(known("z = y * 1.5\n  w = z.view([-1, 1])\n  z.sigmoid_()\n  return w"), std::string("unknown"));
  EXPECT_EQ(known("z = y * 1.5\n  if x.size(0) > 0:\n    z.sigmoid_()\n  return z"), std::string("unknown"));
}

TEST_P(TorchScript, SaysWhereItDoesNotKnowWhatTheNumbersAre) {
  for (const char* code :
       {"y = x[:, 0:2, 0, 0]\n  for i in range(x.size(0)):\n    y = torch.softmax(y, 1)\n  return y",
        "d = {'p': torch.sigmoid(x[:, 0, 0, 0])}\n  if x.size(0) > 1:\n    d['p'] = x[:, 0, 0, 0]\n  return d['p']",
        "y = x[:, 0, 0, 0]\n  return torch.sigmoid(y) if x.size(0) == 1 else y", "return torch.full([1, 1], 0.5)",
        "return torch.softmax(x[:, 0:2, 0, 0], 1).matmul(torch.ones([2, 2]))"}) {
    EXPECT_TRUE(open(part("Net", code))->execution_facts().outputs_unknown) << code;
  }
  EXPECT_FALSE(open(part("Net", "return x[:, 0, 0, 0]"))->execution_facts().outputs_unknown);
}

// A program in half precision, whose normalisation is folded where processors have no kernel for it in that precision.
TEST_P(TorchScript, FoldsAProgramOfLessPrecisionInFloat32) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    Module module("Net");
    module.register_parameter("weight", at::full({1, 3, 1, 1}, 1.0 / 3).to(type), false);
    module.register_parameter("scale", at::full({1}, 1.5).to(type), false);
    module.register_parameter("shift", at::full({1}, 0.25).to(type), false);
    module.register_buffer("mean", at::full({1}, 0.3).to(type));
    module.register_buffer("variance", at::full({1}, 0.7).to(type));
    module.define(R"(
def forward(self, x: Tensor) -> Tensor:
  y = torch.conv2d(x, self.weight)
  return torch.batch_norm(y, self.scale, self.shift, self.mean, self.variance, False, 0.1, 1e-05, True).mean([1, 2, 3])
)");
    const auto stored = [&](double value) { return at::full({}, value).to(type).item<double>(); };
    const double expected =
        (3 * 3 * stored(1.0 / 3) - stored(0.3)) / std::sqrt(stored(0.7) + 1e-5) * stored(1.5) + stored(0.25);
    EXPECT_NEAR(predict(*open(module), 3).logit.value_or(0), expected, 1e-5) << c10::toString(type);
  }
}

TEST_P(TorchScript, SaysThatAProgramWasTracedOnCuda) {
  if (at::hasCUDA()) GTEST_SKIP() << "this LibTorch may have the device";
  const std::string said =
      refusal(part("Net", "return x.mean([1, 2, 3]) + torch.zeros([1], device=torch.device('cuda:0'))"));
  EXPECT_NE(said.find("was traced on a CUDA device"), std::string::npos) << said;
}

TEST_P(TorchScript, RunsInThePrecisionThatWasAskedFor) {
  const auto wrapper = open(part("Net", "return (x * self.scale).mean([1, 2, 3])"), "bf16");
  EXPECT_DOUBLE_EQ(predict(*wrapper, 3).logit.value_or(0), 6.0);
  const ExecutionFacts facts = wrapper->execution_facts();
  EXPECT_EQ(facts.precision, Precision::bf16);
  ASSERT_TRUE(facts.model);
  EXPECT_EQ(facts.model->format, "torchscript");
  EXPECT_EQ(facts.model->parameters, 1U);
}

TEST_P(TorchScript, MayReturnMapsOfOnePixel) {
  const std::string two = "return x[:, 0:2, 0:1, 0:1] * torch.tensor([1.0, 2.0]).view([1, 2, 1, 1])";
  EXPECT_DOUBLE_EQ(predict(*open(part("Net", two)), 3).logit.value_or(0), 3.0);
  EXPECT_DOUBLE_EQ(predict(*open(part("Net", "return x.mean([1, 2, 3], True)")), 3).logit.value_or(0), 3.0);
  const std::string maps = refusal(part("Net", "return x[:, 0:2]"));
  EXPECT_NE(maps.find("returns 1 x 2 x 4 x 4 of 1 image, not one row of logits"), std::string::npos) << maps;
  EXPECT_EQ(maps.find('\n'), std::string::npos) << maps;
}

TEST_P(TorchScript, SaysThatItsCastsDoNotGoWithThePrecision) {
  const auto casts_to = [](at::ScalarType type) {
    Module module("Net");
    module.register_parameter("weight", at::full({1, 3, 1, 1}, 1.0 / 3), false);
    module.define("def forward(self, x: Tensor) -> Tensor:\n  return torch.conv2d(x.to(" + std::to_string(int(type)) +
                  "), self.weight).mean([1, 2, 3])\n");
    return module;
  };
  const std::string narrow = refusal(casts_to(at::kBFloat16));
  EXPECT_NE(narrow.find("its code casts to bfloat16, and its weights were brought to float32"), std::string::npos)
      << narrow;
  EXPECT_EQ(narrow.find('\n'), std::string::npos) << narrow;
  const std::string wide = refusal(casts_to(at::kFloat), "bf16");
  EXPECT_NE(wide.find("its code casts to float32, and its weights were brought to bfloat16"), std::string::npos)
      << wide;
  EXPECT_NEAR(predict(*open(casts_to(at::kBFloat16), "bf16"), 3).logit.value_or(0), 3.0, 0.02);
  EXPECT_NEAR(predict(*open(casts_to(at::kFloat)), 3).logit.value_or(0), 3.0, 1e-5);
}

TEST_P(TorchScript, IsRefusedInOneSentenceWhereItIsNoClassifier) {
  const std::string several = refusal(part("Net", "return x"));
  EXPECT_NE(several.find("one row of logits for each image"), std::string::npos) << several;
  const std::string fails = refusal(part("Net", "return x.mm(x)"));
  EXPECT_NE(fails.find("program.pt"), std::string::npos) << fails;
  EXPECT_EQ(fails.find('\n'), std::string::npos) << fails;
  EXPECT_EQ(fails.find("Traceback"), std::string::npos) << fails;
  Module pair("Net");
  pair.define("def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:\n  return x, x\n");
  EXPECT_NE(refusal(pair).find("returns no tensor"), std::string::npos);
  EXPECT_NE(refusal(Module("Net")).find("no method 'forward'"), std::string::npos);
  for (const char* decides :
       {"return x[:, 0:2, 0, 0].argmax(1)", "return x[:, 0:2, 0, 0].max(1)[1]", "return x[:, 0, 0, 0] > 0.0",
        "return (x[:, 0, 0, 0] > 0.0).float()", "return torch.sigmoid(x[:, 0, 0, 0]).round()",
        "return (torch.sigmoid(x[:, 0, 0, 0]) + 0.5).int().float()",
        "return torch.where(x[:, 0, 0, 0] > 0.0, torch.ones([1]), torch.zeros([1]))"}) {
    const std::string why = refusal(part("Net", decides));
    EXPECT_NE(why.find("class numbers"), std::string::npos) << decides << ": " << why;
  }
  const std::string of_its_own = refusal(part("Net", "assert x.dim() == 5, 'expects uint8'\n  return x"));
  EXPECT_NE(of_its_own.find("expects uint8"), std::string::npos) << of_its_own;
  const std::string logarithm = refusal(part("Net", "return torch.log(torch.sigmoid(x[:, 0, 0, 0]))"));
  EXPECT_NE(logarithm.find("the logarithm of one probability"), std::string::npos) << logarithm;
}

TEST_P(TorchScript, IsRefusedWhereItIsCutOrHasNoModule) {
  part("Net", "return x").save((directory_ / "whole.pt").string());
  const std::string whole = TemporaryDirectory::read(directory_ / "whole.pt");
  for (const std::size_t tenths : {1U, 5U, 9U}) {
    const auto file = directory_.write("cut.pt", whole.substr(0, whole.size() * tenths / 10));
    EXPECT_THROW((void)open(file), ModelError) << tenths;
  }
  // A damaged program: LibTorch's own reader must not bring the process down.
  std::string damaged = whole;
  damaged.replace(damaged.find("data.pkl") + 40, 20, 20, '\xff');
  EXPECT_THROW((void)open(directory_.write("damaged.pt", damaged)), ModelError);
}

TEST_P(TorchScript, IsNoCheckpoint) {
  part("Net", "return x").save((directory_ / "program.pt").string());
  try {
    (void)Checkpoint::open(directory_ / "program.pt");
    FAIL() << "was read as a checkpoint";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("TorchScript program"), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, TorchScript, testing::Values("libtorch", "torchscript"),
                         [](const auto& engine) { return engine.param; });

}  // namespace
}  // namespace stagemark
