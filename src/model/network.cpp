#include "stagemark/model/network.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"

namespace stagemark {
namespace {

using Shape = std::vector<std::int64_t>;

std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// Takes tensors by name, checks their shapes, and remembers which were used.
class TensorTaker {
 public:
  TensorTaker(const TensorShapes& shapes, std::string source) : shapes_(shapes), source_(std::move(source)) {}

  [[nodiscard]] bool has(const std::string& name) const { return shapes_.contains(name); }

  [[nodiscard]] bool has_any(const std::string& prefix) const {
    const auto first = shapes_.lower_bound(prefix);
    return first != shapes_.end() && first->first.starts_with(prefix);
  }

  const Shape& shape(const std::string& name) const {
    const auto found = shapes_.find(name);
    if (found == shapes_.end()) fail("tensor '" + name + "' is missing");
    return found->second;
  }

  std::string take(const std::string& name, const Shape& expected) {
    const Shape& found = shape(name);
    if (found != expected)
      fail("tensor '" + name + "' has shape " + text_of(found) + ", expected " + text_of(expected));
    used_.insert(name);
    return name;
  }

  std::string take_parameter(const std::string& name, const Shape& expected) {
    std::uint64_t elements = 1;
    for (const std::int64_t size : expected) elements *= static_cast<std::uint64_t>(size);
    parameters_ += elements;
    return take(name, expected);
  }

  /// Not needed for inference, and not in every file.
  void take_if_there(const std::string& name) {
    if (has(name)) used_.insert(name);
  }

  [[nodiscard]] bool used(const std::string& name) const { return used_.contains(name); }
  [[nodiscard]] std::uint64_t parameters() const noexcept { return parameters_; }

  [[noreturn]] void fail(const std::string& problem) const {
    throw ModelError(problem, source_, "stagemark reads ResNets with the layout of torchvision or features/classifier");
  }

 private:
  const TensorShapes& shapes_;
  std::string source_;
  std::set<std::string> used_;
  std::uint64_t parameters_ = 0;
};

NormalisedConvolution take_convolution(TensorTaker& tensors, const std::string& convolution,
                                       const std::string& normalisation, std::int64_t in, std::int64_t stride) {
  const std::string weight = convolution + ".weight";
  const Shape& shape = tensors.shape(weight);
  const bool square = shape.size() == 4 && shape[2] == shape[3];
  // An odd kernel keeps the size with a padding of half of it; what torchvision's ResNets have is 1, 3 and 7.
  if (!square || shape[0] < 1 || shape[1] < 1 || shape[0] > 65'536 || shape[2] % 2 == 0 || shape[2] > 7) {
    tensors.fail("tensor '" + weight + "' has shape " + text_of(shape) + ", which no layer of a ResNet has");
  }
  // Groups take equal parts of what comes in, and make equal parts of what goes out.
  if (in % shape[1] != 0 || shape[0] % (in / shape[1]) != 0) {
    tensors.fail("tensor '" + weight + "' has shape " + text_of(shape) + ", but " + std::to_string(in) +
                 " channels come in");
  }
  NormalisedConvolution layer;
  layer.convolution = {tensors.take_parameter(weight, {shape[0], shape[1], shape[2], shape[2]}),
                       in,
                       shape[0],
                       shape[2],
                       stride,
                       shape[2] / 2,
                       in / shape[1]};
  const Shape channels = {shape[0]};
  layer.normalisation.weight = tensors.take_parameter(normalisation + ".weight", channels);
  layer.normalisation.bias = tensors.take_parameter(normalisation + ".bias", channels);
  layer.normalisation.running_mean = tensors.take(normalisation + ".running_mean", channels);
  layer.normalisation.running_variance = tensors.take(normalisation + ".running_var", channels);
  tensors.take_if_there(normalisation + ".num_batches_tracked");
  return layer;
}

/// A stem of 3x3 has another stride and no pooling, which no tensor tells.
void expect_kernel(const TensorTaker& tensors, const NormalisedConvolution& layer, std::int64_t kernel) {
  if (layer.convolution.kernel != kernel) {
    const std::string found = std::to_string(layer.convolution.kernel);
    const std::string expected = std::to_string(kernel);
    tensors.fail("tensor '" + layer.convolution.weight + "' has kernels of " + found + "x" + found + ", expected " +
                 expected + "x" + expected);
  }
}

std::string numbered(const std::string& prefix, const char* layer, std::size_t number) {
  return prefix + layer + std::to_string(number);
}

ResidualBlock take_block(TensorTaker& tensors, const std::string& prefix, std::int64_t in, std::int64_t stride) {
  ResidualBlock block;
  const std::size_t depth = tensors.has(prefix + "conv3.weight") ? 3 : 2;
  std::int64_t channels = in;
  for (std::size_t i = 1; i <= depth; ++i) {
    // Bottleneck v1.5 has its stride on the 3x3 convolution, the basic block on its first.
    const std::int64_t own_stride = i == depth - 1 ? stride : 1;
    block.convolutions.push_back(
        take_convolution(tensors, numbered(prefix, "conv", i), numbered(prefix, "bn", i), channels, own_stride));
    expect_kernel(tensors, block.convolutions.back(), depth == 2 || i == 2 ? 3 : 1);
    channels = block.convolutions.back().convolution.out;
  }
  if (tensors.has(prefix + "downsample.0.weight")) {
    block.downsample = take_convolution(tensors, prefix + "downsample.0", prefix + "downsample.1", in, stride);
    expect_kernel(tensors, *block.downsample, 1);
  }
  const std::int64_t beside = block.downsample ? block.downsample->convolution.out : in;
  if (beside != channels || (!block.downsample && stride != 1)) {
    tensors.fail("block '" + prefix + "' makes " + std::to_string(channels) + " channels and its shortcut " +
                 std::to_string(beside));
  }
  return block;
}

LinearSpecification take_linear(TensorTaker& tensors, const std::string& prefix, std::int64_t in) {
  const Shape& shape = tensors.shape(prefix + ".weight");
  if (shape.size() != 2 || shape[0] < 1) {
    tensors.fail("tensor '" + prefix + ".weight' has shape " + text_of(shape) + ", expected a matrix");
  }
  const std::int64_t out = shape[0];
  LinearSpecification layer;
  layer.weight = tensors.take_parameter(prefix + ".weight", {out, in});
  layer.bias = tensors.take_parameter(prefix + ".bias", {out});
  layer.in = in;
  layer.out = out;
  return layer;
}

/// Numbers N of the keys `classifier.N.weight`, ascending: the head's linear layers.
std::vector<std::size_t> head_layers(const TensorShapes& shapes) {
  std::vector<std::size_t> layers;
  constexpr std::string_view prefix = "classifier.";
  constexpr std::string_view suffix = ".weight";
  for (const auto& [name, shape] : shapes) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) continue;
    const std::string number = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    const bool digits = std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits && number.size() < 4) layers.push_back(static_cast<std::size_t>(std::stoul(number)));
  }
  std::sort(layers.begin(), layers.end());
  return layers;
}

/// Whether a tensor of this name belongs to a ResNet.
bool is_part(const std::string& name) {
  constexpr std::array<std::string_view, 6> parts = {"features.", "classifier.", "layer", "conv1.", "bn1.", "fc."};
  return !is_profiler_count(name) &&
         std::ranges::any_of(parts, [&](std::string_view part) { return name.starts_with(part); });
}

std::string name_of(const ResidualNetwork& network) {
  std::array<std::size_t, 4> blocks{};
  for (std::size_t i = 0; i < 4; ++i) blocks[i] = network.stages[i].size();
  const ResidualBlock& first = network.stages[0][0];
  const bool bottleneck = first.convolutions.size() == 3;
  using Blocks = std::array<std::size_t, 4>;
  static const std::map<std::pair<bool, Blocks>, std::string> names = {
      {{false, {2, 2, 2, 2}}, "18"},  {{false, {3, 4, 6, 3}}, "34"},  {{true, {3, 4, 6, 3}}, "50"},
      {{true, {3, 4, 23, 3}}, "101"}, {{true, {3, 8, 36, 3}}, "152"},
  };
  const auto found = names.find({bottleneck, blocks});
  if (found == names.end()) return {};
  const ConvolutionSpecification& middle = first.convolutions[1].convolution;
  if (middle.groups > 1)
    return "resnext" + found->second + "_" + std::to_string(middle.groups) + "x" +
           std::to_string(middle.out / middle.groups) + "d";
  return (bottleneck && middle.out == 128 ? "wide_resnet" + found->second + "_2" : "resnet" + found->second);
}

}  // namespace

std::string ResidualNetwork::assumed() const {
  std::string text;
  for (const std::string& assumption : assumptions) text += (text.empty() ? "" : "; ") + assumption;
  return text;
}

bool is_profiler_count(std::string_view name) noexcept {
  const std::string_view last = name.substr(name.rfind('.') + 1);  // the whole where there is no dot
  return last == "total_ops" || last == "total_params";
}

ResidualNetwork describe_network(const TensorShapes& shapes, const std::string& source) {
  TensorTaker tensors(shapes, source);
  const bool numeric = tensors.has("features.0.weight");
  if (!numeric && !tensors.has("conv1.weight")) {
    tensors.fail("there is neither 'features.0.weight' nor 'conv1.weight': not a ResNet");
  }
  ResidualNetwork network;
  network.stem = take_convolution(tensors, numeric ? "features.0" : "conv1", numeric ? "features.1" : "bn1", 3, 2);
  expect_kernel(tensors, network.stem, 7);
  std::int64_t channels = network.stem.convolution.out;
  for (std::size_t stage = 0; stage < 4; ++stage) {
    const std::string prefix =
        numeric ? "features." + std::to_string(stage + 4) + "." : "layer" + std::to_string(stage + 1) + ".";
    std::vector<ResidualBlock> blocks;
    for (std::size_t b = 0; b == 0 || tensors.has_any(prefix + std::to_string(b) + "."); ++b) {
      blocks.push_back(take_block(tensors, prefix + std::to_string(b) + ".", channels, b == 0 && stage > 0 ? 2 : 1));
      channels = blocks.back().convolutions.back().convolution.out;
    }
    network.stages.push_back(std::move(blocks));
  }
  if (numeric) {
    const auto layers = head_layers(shapes);
    if (layers.empty()) tensors.fail("there is no 'classifier.N.weight': the network has no head");
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const std::string name = "classifier." + std::to_string(layers[i]);
      network.head.push_back(take_linear(tensors, name, channels));
      channels = network.head.back().out;
      // Layers of a Sequential are numbered one by one, also those without tensors.
      if (i + 1 == layers.size() || layers[i + 1] == layers[i] + 1) continue;
      network.head.back().relu = true;
      network.assumptions.push_back("ReLU between '" + name + "' and 'classifier." + std::to_string(layers[i + 1]) +
                                    "', of which the file tells only that something stands there");
    }
  } else {
    network.head.push_back(take_linear(tensors, "fc", channels));
    channels = network.head.back().out;
  }
  network.outputs = channels;
  network.parameters = tensors.parameters();
  network.architecture = name_of(network);
  if (network.architecture.empty()) tensors.fail("the numbers of blocks are those of no ResNet that stagemark knows");
  for (const auto& [name, shape] : shapes) {
    if (tensors.used(name)) continue;
    if (is_part(name)) tensors.fail("tensor '" + name + "' belongs to no layer of a " + network.architecture);
    // A head behind a backbone that kept its own.
    if (name.ends_with(".weight") && shape.size() == 2 && shape[1] == network.outputs) {
      tensors.fail("tensor '" + name + "' takes as many numbers as '" + network.head.back().weight +
                   "' gives: the network seems to go on behind it");
    }
    network.unused.push_back(name);
  }
  return network;
}

ResidualNetwork describe_network(const Checkpoint& checkpoint) {
  TensorShapes shapes;
  for (const auto& [name, tensor] : checkpoint.tensors()) shapes.emplace(name, tensor.shape);
  // A tensor that is missing, or one too many, may be what the reader could not make.
  for (const auto* others : {&checkpoint.objects(), &checkpoint.unread()}) {
    for (const auto& [name, reason] : *others) {
      if (is_part(name)) checkpoint.refuse_object_called(name);
    }
  }
  return describe_network(shapes, checkpoint.path().string());
}

}  // namespace stagemark
