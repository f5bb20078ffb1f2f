#include "quantised_network.hpp"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/QEngine.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "folded_network.hpp"
#include "stagemark/core/error.hpp"
#include "torch_network.hpp"

namespace stagemark::libtorch {
namespace {

using PackedConvolution = c10::intrusive_ptr<ConvPackedParamsBase<2>>;
using PackedLinear = c10::intrusive_ptr<LinearPackedParamsBase>;

template <class Signature>
c10::TypedOperatorHandle<Signature> operation(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

at::Tensor quantise_weight(const at::Tensor& weight) {
  const at::Tensor largest = weight.abs().flatten(1).amax(1).to(at::kDouble);
  // A channel of zeros has no scale of its own.
  const at::Tensor scales = at::where(largest > 0, largest / 127, at::ones_like(largest));
  return at::quantize_per_channel(weight, scales, at::zeros({weight.size(0)}, at::kLong), 0, at::kQInt8);
}

PackedConvolution pack(const FoldedConvolution& layer) {
  using List = c10::List<std::int64_t>;
  static const auto prepack =
      operation<PackedConvolution(at::Tensor, c10::optional<at::Tensor>, List, List, List, std::int64_t)>(
          "quantized::conv2d_prepack");
  const at::Tensor weight = quantise_weight(layer.weight).contiguous(at::MemoryFormat::ChannelsLast);
  return prepack.call(weight, layer.bias, List({layer.stride, layer.stride}), List({layer.padding, layer.padding}),
                      List({1, 1}), layer.groups);
}

PackedLinear pack(const at::Tensor& weight, const at::Tensor& bias) {
  static const auto prepack =
      operation<PackedLinear(at::Tensor, c10::optional<at::Tensor>)>("quantized::linear_prepack");
  return prepack.call(quantise_weight(weight), bias);
}

/// Whether the current engine convolves as integers do. The largest inputs and weights there are overflow 16 bits,
/// which is what some instructions add pairs of products in, at the least.
bool convolves_exactly() try {
  constexpr std::int64_t channels = 64, width = 8, kernel = 3;
  const at::Tensor input = at::full({1, channels, width, width}, 255.0);
  at::Tensor weight = at::full({channels, channels, kernel, kernel}, 127.0);
  // Unlike channels, so that a mix-up shows.
  weight.mul_((at::arange(channels) + 64).view({-1, 1, 1, 1}) / 127.0).round_();
  const at::Tensor exact = at::conv2d(input.to(at::kDouble), weight.to(at::kDouble), {}, 1, 1);
  const double scale = exact.max().item<double>() / 255;
  FoldedConvolution layer;
  layer.weight = weight;
  layer.bias = at::zeros({channels});
  layer.padding = 1;
  const at::Tensor quantised =
      at::quantize_per_tensor(input, 1.0, 0, at::kQUInt8).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor result = pack(layer)->apply(quantised, scale, 0).int_repr().to(at::kDouble);
  // A tie may be rounded either way.
  return (result - exact / scale).abs().max().item<double>() <= 1.0;
} catch (const std::exception&) {
  return false;
}

}  // namespace

std::optional<std::string> choose_quantised_engine() {
  constexpr std::array fastest_first = {at::QEngine::ONEDNN, at::QEngine::FBGEMM, at::QEngine::QNNPACK};
  at::Context& context = at::globalContext();
  const std::vector<at::QEngine>& supported = at::Context::supportedQEngines();
  for (const at::QEngine engine : fastest_first) {
    if (std::find(supported.begin(), supported.end(), engine) == supported.end()) continue;
    const at::QEngine before = context.qEngine();
    context.setQEngine(engine);
    if (convolves_exactly()) return c10::toString(engine);
    context.setQEngine(before);
  }
  return std::nullopt;
}

QuantisedNetwork::Quantiser QuantisedNetwork::quantiser(const ActivationRanges& ranges, const std::string& name) {
  const auto found = ranges.find(name);
  if (found == ranges.end()) {
    throw ModelError(
        {.problem = "the activation ranges lack '" + name + "'", .remedy = "calibrate this very checkpoint"});
  }
  const double low = found->second.low;
  const double width = double{found->second.high} - low;
  if (width <= 0) return {};
  const double scale = width / 255;
  return {scale, std::clamp<std::int64_t>(std::llround(-low / scale), 0, 255)};
}

QuantisedNetwork::QuantisedNetwork(const ResidualNetwork& description, const TensorSource& tensors,
                                   const ActivationRanges& ranges)
    : input_(quantiser(ranges, "input")), pool_(quantiser(ranges, "pool")) {
  const auto convolution = [&](const NormalisedConvolution& specification) {
    return Convolution{pack(fold(specification, tensors)), quantiser(ranges, specification.convolution.weight)};
  };
  stem_ = convolution(description.stem);
  for (const auto& stage : description.stages) {
    for (const ResidualBlock& specification : stage) {
      Block block;
      for (const auto& layer : specification.convolutions) block.convolutions.push_back(convolution(layer));
      if (specification.downsample) block.downsample = convolution(*specification.downsample);
      block.sum = quantiser(ranges, specification.convolutions.back().convolution.weight + ".sum");
      blocks_.push_back(std::move(block));
    }
  }
  for (std::size_t i = 0; i + 1 < description.head.size(); ++i) {
    const LinearSpecification& layer = description.head[i];
    hidden_.push_back({pack(tensors(layer.weight), tensors(layer.bias)), quantiser(ranges, layer.weight), layer.relu});
  }
  last_weight_ = tensors(description.head.back().weight);
  last_bias_ = tensors(description.head.back().bias);
}

at::Tensor QuantisedNetwork::extract_features(const at::Tensor& input) const {
  static const auto add_relu =
      operation<at::Tensor(at::Tensor, at::Tensor, double, std::int64_t)>("quantized::add_relu");
  const auto convolve = [](const Convolution& layer, const at::Tensor& x) {
    return layer.packed->apply(x, layer.output.scale, layer.output.zero_point);
  };
  const auto convolve_relu = [](const Convolution& layer, const at::Tensor& x) {
    return layer.packed->apply_relu(x, layer.output.scale, layer.output.zero_point);
  };
  at::Tensor x = at::quantize_per_tensor(input, input_.scale, input_.zero_point, at::kQUInt8);
  // The quantised kernel reads two dilations, and the default is one.
  x = at::max_pool2d(convolve_relu(stem_, x), {3, 3}, {2, 2}, {1, 1}, {1, 1});
  for (const Block& block : blocks_) {
    at::Tensor residual = x;
    for (std::size_t i = 0; i + 1 < block.convolutions.size(); ++i) {
      residual = convolve_relu(block.convolutions[i], residual);
    }
    residual = convolve(block.convolutions.back(), residual);
    const at::Tensor beside = block.downsample ? convolve(*block.downsample, x) : x;
    x = add_relu.call(residual, beside, block.sum.scale, block.sum.zero_point);
  }
  return x;
}

at::Tensor QuantisedNetwork::classify(const at::Tensor& features) const {
  at::Tensor x = Network::pool(features.dequantize());
  if (!hidden_.empty()) {
    x = at::quantize_per_tensor(x, pool_.scale, pool_.zero_point, at::kQUInt8);
    for (const Linear& layer : hidden_) {
      x = layer.relu ? layer.packed->apply_relu(x, layer.output.scale, layer.output.zero_point)
                     : layer.packed->apply(x, layer.output.scale, layer.output.zero_point);
    }
    x = x.dequantize();
  }
  return at::linear(x, last_weight_, last_bias_);
}

std::string QuantisedNetwork::quantised_layers() const {
  std::size_t layers = 1 + hidden_.size();
  for (const Block& block : blocks_) layers += block.convolutions.size() + (block.downsample ? 1 : 0);
  return std::to_string(layers) + " of " + std::to_string(layers + 1);
}

}  // namespace stagemark::libtorch
