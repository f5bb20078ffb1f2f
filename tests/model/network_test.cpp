#include "stagemark/model/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

/// The shapes of a residual network as torchvision's ResNet class makes them (Table 1 of He et al., 2015).
struct Residual {
  std::array<std::int64_t, 4> blocks;
  bool bottleneck = true;
  std::int64_t width = 64;
  std::int64_t groups = 1;
};

void add_normalisation(TensorShapes& shapes, const std::string& name, std::int64_t channels) {
  for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) shapes[name + part] = {channels};
  shapes[name + ".num_batches_tracked"] = {};
}

TensorShapes backbone(const Residual& network, bool numeric) {
  TensorShapes shapes;
  shapes[numeric ? "features.0.weight" : "conv1.weight"] = {64, 3, 7, 7};
  add_normalisation(shapes, numeric ? "features.1" : "bn1", 64);
  std::int64_t in = 64;
  for (std::size_t stage = 0; stage < 4; ++stage) {
    const std::int64_t planes = std::int64_t{64} << stage;
    const std::int64_t middle = planes * network.width / 64 * network.groups;
    const std::int64_t out = network.bottleneck ? 4 * planes : planes;
    for (std::int64_t b = 0; b < network.blocks[stage]; ++b) {
      const std::string block =
          (numeric ? "features." + std::to_string(stage + 4) : "layer" + std::to_string(stage + 1)) + "." +
          std::to_string(b) + ".";
      const auto convolution = [&](int number, std::int64_t to, std::int64_t from, std::int64_t kernel) {
        shapes[block + "conv" + std::to_string(number) + ".weight"] = {to, from, kernel, kernel};
        add_normalisation(shapes, block + "bn" + std::to_string(number), to);
      };
      if (network.bottleneck) {
        convolution(1, middle, in, 1);
        convolution(2, middle, middle / network.groups, 3);
        convolution(3, out, middle, 1);
      } else {
        convolution(1, out, in, 3);
        convolution(2, out, out, 3);
      }
      if (b == 0 && (in != out || stage > 0)) {
        shapes[block + "downsample.0.weight"] = {out, in, 1, 1};
        add_normalisation(shapes, block + "downsample.1", out);
      }
      in = out;
    }
  }
  return shapes;
}

TensorShapes torchvision(const Residual& network) {
  TensorShapes shapes = backbone(network, false);
  shapes["fc.weight"] = {1000, network.bottleneck ? 2048 : 512};
  shapes["fc.bias"] = {1000};
  return shapes;
}

/// Layers at classifier.2, .5, .8, ..., as after pooling, flattening, ReLU and dropout.
TensorShapes with_head(const Residual& network, const std::vector<std::int64_t>& sizes) {
  TensorShapes shapes = backbone(network, true);
  std::int64_t in = network.bottleneck ? 2048 : 512;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::string layer = "classifier." + std::to_string(2 + 3 * i);
    shapes[layer + ".weight"] = {sizes[i], in};
    shapes[layer + ".bias"] = {sizes[i]};
    in = sizes[i];
  }
  return shapes;
}

const Residual resnet50 = {{3, 4, 6, 3}};

std::string refusal(const TensorShapes& shapes) {
  try {
    (void)describe_network(shapes, "x.pt");
  } catch (const ModelError& error) {
    return error.what();
  }
  return "not refused";
}

// Numbers of parameters: torchvision's documentation of each model.
TEST(DescribeNetwork, RecognisesTheFamilyByShapes) {
  struct Case {
    Residual network;
    const char* name;
    std::uint64_t parameters;
  };
  const std::vector<Case> cases = {
      {{{2, 2, 2, 2}, false}, "resnet18", 11'689'512},
      {{{3, 4, 6, 3}, false}, "resnet34", 21'797'672},
      {{{3, 4, 6, 3}}, "resnet50", 25'557'032},
      {{{3, 4, 23, 3}}, "resnet101", 44'549'160},
      {{{3, 8, 36, 3}}, "resnet152", 60'192'808},
      {{{3, 4, 6, 3}, true, 128}, "wide_resnet50_2", 68'883'240},
      {{{3, 4, 23, 3}, true, 128}, "wide_resnet101_2", 126'886'696},
      {{{3, 4, 6, 3}, true, 4, 32}, "resnext50_32x4d", 25'028'904},
  };
  for (const Case& known : cases) {
    const ResidualNetwork network = describe_network(torchvision(known.network), "x.pt");
    EXPECT_EQ(network.architecture, known.name);
    EXPECT_EQ(network.parameters, known.parameters) << known.name;
    EXPECT_EQ(network.outputs, 1000);
  }
}

TEST(DescribeNetwork, TakesAHeadOfAnyDepth) {
  EXPECT_EQ(describe_network(with_head(resnet50, {1}), "x.pt").head.size(), 1U);
  EXPECT_EQ(describe_network(with_head(resnet50, {64, 2}), "x.pt").head.size(), 2U);
  EXPECT_EQ(describe_network(with_head(resnet50, {512, 256, 64, 2}), "x.pt").head.size(), 4U);
  const ResidualNetwork network = describe_network(with_head(resnet50, {256, 64, 1}), "x.pt");
  ASSERT_EQ(network.head.size(), 3U);
  EXPECT_EQ(network.head[0].in, 2048);
  EXPECT_EQ(network.head[2].weight, "classifier.8.weight");
  EXPECT_EQ(network.outputs, 1);
  EXPECT_EQ(network.parameters, 24'049'089U);  // origin of the first use
  EXPECT_EQ(describe_network(with_head(resnet50, {512, 256, 128, 64, 3}), "x.pt").outputs, 3);
}

TEST(DescribeNetwork, IsTheSameInBothLayouts) {
  for (const Residual& network : {Residual{{2, 2, 2, 2}, false}, Residual{{3, 4, 6, 3}, false}, resnet50}) {
    const ResidualNetwork numeric = describe_network(with_head(network, {1000}), "x.pt");
    const ResidualNetwork named = describe_network(torchvision(network), "x.pt");
    EXPECT_EQ(numeric.architecture, named.architecture);
    EXPECT_EQ(numeric.parameters, named.parameters);
    EXPECT_EQ(numeric.stages[3][0].convolutions[1].convolution.weight, "features.7.0.conv2.weight");
    EXPECT_EQ(named.stages[3][0].convolutions[1].convolution.weight, "layer4.0.conv2.weight");
  }
}

TEST(DescribeNetwork, StridesWhereTheArchitectureDoes) {
  const ResidualNetwork network = describe_network(torchvision(resnet50), "x.pt");
  EXPECT_EQ(network.stem.convolution.stride, 2);
  EXPECT_EQ(network.stem.convolution.padding, 3);
  EXPECT_EQ(network.stages[0][0].convolutions[1].convolution.stride, 1);
  // Version 1.5: on the 3x3 convolution, not on the 1x1 before it.
  EXPECT_EQ(network.stages[1][0].convolutions[0].convolution.stride, 1);
  EXPECT_EQ(network.stages[1][0].convolutions[1].convolution.stride, 2);
  EXPECT_EQ(network.stages[1][0].downsample->convolution.stride, 2);
  EXPECT_EQ(network.stages[1][1].convolutions[1].convolution.stride, 1);
  EXPECT_FALSE(network.stages[1][1].downsample);
}

TEST(DescribeNetwork, IgnoresWhatBelongsToTraining) {
  TensorShapes shapes = with_head(resnet50, {1});
  shapes["loss_fn.pos_weight"] = {1};
  EXPECT_EQ(describe_network(shapes, "x.pt").architecture, "resnet50");
}

TEST(DescribeNetwork, RefusesAHeadBehindABackboneThatKeptItsOwn) {
  for (const char* name : {"head", "linear", "out.0"}) {
    TensorShapes shapes = torchvision(resnet50);
    const std::int64_t classes = shapes.at("fc.weight")[0];
    shapes[name + std::string(".weight")] = {2, classes};
    shapes[name + std::string(".bias")] = {2};
    EXPECT_NE(refusal(shapes).find("takes as many numbers as 'fc.weight' gives"), std::string::npos) << refusal(shapes);
    shapes[name + std::string(".weight")] = {2, classes + 1};
    EXPECT_EQ(describe_network(shapes, "x.pt").architecture, "resnet50") << "of another network";
  }
}

TEST(DescribeNetwork, NeedsNoCountOfBatches) {
  TensorShapes shapes = torchvision(resnet50);
  std::erase_if(shapes, [](const auto& entry) { return entry.first.ends_with("num_batches_tracked"); });
  EXPECT_EQ(describe_network(shapes, "x.pt").architecture, "resnet50");
}

// thop.profile leaves both as buffers of every module.
TEST(DescribeNetwork, CountsOfAProfilerAreNoParameters) {
  for (TensorShapes shapes : {torchvision(resnet50), with_head(resnet50, {256, 1})}) {
    const ResidualNetwork clean = describe_network(shapes, "x.pt");
    const bool numeric = shapes.contains("features.0.weight");
    std::vector<std::string> counts;
    for (const char* module : {"", "conv1.", "bn1.", "layer1.", "layer1.0.conv1.", "layer1.9.", "fc.", "features.",
                               "features.4.0.", "features.8.", "classifier.", "classifier.3."}) {
      for (const char* count : {"total_ops", "total_params"}) counts.push_back(std::string(module) + count);
    }
    for (const std::string& name : counts) shapes[name] = {1};
    const ResidualNetwork network = describe_network(shapes, "x.pt");
    std::ranges::sort(counts);
    EXPECT_EQ(network.unused, counts) << numeric;
    EXPECT_EQ(network.parameters, clean.parameters) << numeric;
    EXPECT_EQ(network.head.size(), clean.head.size()) << numeric;
    shapes["layer1.0.conv1.total_opsx"] = {1};
    EXPECT_NE(refusal(shapes).find("total_opsx"), std::string::npos) << numeric;
  }
}

TEST(DescribeNetwork, NamesAMissingTensor) {
  // Without these it is another network, not an incomplete one.
  for (const auto& [name, shape] : torchvision(resnet50)) {
    if (name.ends_with("num_batches_tracked")) continue;
    TensorShapes shapes = torchvision(resnet50);
    shapes.erase(name);
    const std::string said = refusal(shapes);
    EXPECT_EQ(said.find("x.pt: "), 0U) << said;
    const std::string part = name.substr(0, name.rfind('.'));
    const std::string block = name.substr(0, name.find('.', name.find('.') + 1));
    EXPECT_TRUE(said.find(part) != std::string::npos || said.find(block) != std::string::npos) << name << ": " << said;
  }
}

TEST(DescribeNetwork, NamesAMisshapenTensor) {
  for (const char* name : {"features.1.running_var", "features.5.2.bn2.bias", "classifier.5.bias"}) {
    TensorShapes shapes = with_head(resnet50, {256, 64, 1});
    shapes[name] = {7};
    EXPECT_NE(refusal(shapes).find(std::string("'") + name + "' has shape [7], expected ["), std::string::npos)
        << refusal(shapes);
  }
  TensorShapes shapes = with_head(resnet50, {256, 64, 1});
  shapes["classifier.5.weight"] = {64, 255};
  EXPECT_NE(refusal(shapes).find("[64, 255], expected [64, 256]"), std::string::npos) << refusal(shapes);
  shapes = with_head(resnet50, {1});
  shapes["features.5.0.conv2.weight"] = {128, 128, 4, 4};
  EXPECT_NE(refusal(shapes).find("which no layer of a ResNet has"), std::string::npos) << refusal(shapes);
  shapes["features.5.0.conv2.weight"] = {128, 0, 3, 3};
  EXPECT_NE(refusal(shapes).find("which no layer of a ResNet has"), std::string::npos) << refusal(shapes);
}

// Strides and pooling are in no tensor. A ResNet for small images (3x3/1 stem, no pooling) has all names of the usual one,
// and computed as the usual one it would give other logits without a word.
TEST(DescribeNetwork, RefusesKernelsThatComeWithOtherStrides) {
  TensorShapes shapes = torchvision({{2, 2, 2, 2}, false});
  shapes["conv1.weight"] = {64, 3, 3, 3};
  EXPECT_NE(refusal(shapes).find("'conv1.weight' has kernels of 3x3, expected 7x7"), std::string::npos)
      << refusal(shapes);
  shapes = torchvision({{2, 2, 2, 2}, false});
  shapes["layer2.0.conv1.weight"] = {128, 64, 1, 1};
  EXPECT_NE(refusal(shapes).find("kernels of 1x1, expected 3x3"), std::string::npos) << refusal(shapes);
  shapes = torchvision(resnet50);
  shapes["layer1.0.conv3.weight"] = {256, 64, 3, 3};
  EXPECT_NE(refusal(shapes).find("kernels of 3x3, expected 1x1"), std::string::npos) << refusal(shapes);
  shapes = torchvision(resnet50);
  shapes["layer1.0.downsample.0.weight"] = {256, 64, 3, 3};
  EXPECT_NE(refusal(shapes).find("kernels of 3x3, expected 1x1"), std::string::npos) << refusal(shapes);
}

// One channel in is a network for grey images; it is not three groups.
TEST(DescribeNetwork, RefusesGroupsThatDoNotDivideWhatGoesOut) {
  TensorShapes shapes = torchvision(resnet50);
  shapes["conv1.weight"] = {64, 1, 7, 7};
  EXPECT_NE(refusal(shapes).find("'conv1.weight' has shape [64, 1, 7, 7], but 3 channels come in"), std::string::npos)
      << refusal(shapes);
  shapes["conv1.weight"] = {64, 2, 7, 7};
  EXPECT_NE(refusal(shapes).find("but 3 channels come in"), std::string::npos) << refusal(shapes);
}

// Layers of a Sequential are numbered one by one, also those without tensors.
TEST(DescribeNetwork, LayersWithAdjacentNumbersHaveNothingBetweenThem) {
  const ResidualNetwork gaps = describe_network(with_head(resnet50, {256, 64, 1}), "x.pt");
  EXPECT_TRUE(gaps.head[0].relu);
  EXPECT_TRUE(gaps.head[1].relu);
  EXPECT_FALSE(gaps.head[2].relu);
  ASSERT_EQ(gaps.assumptions.size(), 2U);
  EXPECT_NE(gaps.assumptions[0].find("ReLU between 'classifier.2' and 'classifier.5'"), std::string::npos);
  TensorShapes shapes = with_head(resnet50, {256});
  shapes["classifier.3.weight"] = {1, 256};
  shapes["classifier.3.bias"] = {1};
  const ResidualNetwork adjacent = describe_network(shapes, "x.pt");
  ASSERT_EQ(adjacent.head.size(), 2U);
  EXPECT_FALSE(adjacent.head[0].relu);
  EXPECT_TRUE(adjacent.assumptions.empty());
  EXPECT_TRUE(adjacent.assumed().empty());
}

TEST(DescribeNetwork, CountsALayerOfTheHeadOnce) {
  TensorShapes shapes = with_head(resnet50, {2048, 1});
  shapes["classifier.02.weight"] = {2048, 2048};
  shapes["classifier.02.bias"] = {2048};
  EXPECT_NE(refusal(shapes).find("'classifier.02."), std::string::npos) << refusal(shapes);
}

TEST(DescribeNetwork, NamesASurplusTensor) {
  for (const char* name : {"features.9.weight", "features.4.0.se.fc.weight", "classifier.12.bias"}) {
    TensorShapes shapes = with_head(resnet50, {256, 64, 1});
    shapes[name] = {7};
    EXPECT_NE(refusal(shapes).find(name), std::string::npos) << refusal(shapes);
  }
}

TEST(DescribeNetwork, RefusesOtherArchitectures) {
  EXPECT_NE(refusal({{"patch_embed.proj.weight", {768, 3, 16, 16}}}).find("not a ResNet"), std::string::npos);
  EXPECT_NE(refusal(torchvision({{1, 1, 1, 1}})).find("numbers of blocks"), std::string::npos);
  EXPECT_NE(refusal(backbone(resnet50, true)).find("no head"), std::string::npos);
}

}  // namespace
}  // namespace stagemark
