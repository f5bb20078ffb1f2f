#include "folded_network.hpp"

#include <ATen/Context.h>

#include <array>
#include <utility>

#include "torch_network.hpp"

namespace stagemark::libtorch {
namespace {

/// A number for height and width each, as cuDNN's own functions take it.
std::array<std::int64_t, 2> both(std::int64_t value) { return {value, value}; }

at::Tensor convolve(const FoldedConvolution& layer, const at::Tensor& input) {
  return at::conv2d(input, layer.weight, layer.bias, layer.stride, layer.padding, 1, layer.groups);
}

}  // namespace

at::Tensor FoldedNetwork::convolve_relu(const FoldedConvolution& layer, const at::Tensor& input) const {
  if (!fuses_) return convolve(layer, input).relu_();
  return at::cudnn_convolution_relu(input, layer.weight, layer.bias, both(layer.stride), both(layer.padding), both(1),
                                    layer.groups);
}

FoldedConvolution fold(const NormalisedConvolution& specification, const TensorSource& tensors) {
  const NormalisationSpecification& normalisation = specification.normalisation;
  const ConvolutionSpecification& convolution = specification.convolution;
  const auto exact = [&](const std::string& name) { return tensors(name).to(at::kDouble); };
  const at::Tensor scale =
      exact(normalisation.weight) / (exact(normalisation.running_variance) + batch_norm_epsilon).sqrt();
  const at::Tensor weight = exact(convolution.weight) * scale.view({-1, 1, 1, 1});
  const at::Tensor bias = exact(normalisation.bias) - exact(normalisation.running_mean) * scale;
  return {convolution.weight, weight.to(at::kFloat), bias.to(at::kFloat),
          convolution.stride, convolution.padding,   convolution.groups};
}

FoldedNetwork::FoldedNetwork(const ResidualNetwork& description, const TensorSource& tensors, at::Device device,
                             at::ScalarType precision, at::MemoryFormat memory_format)
    : fuses_(device.is_cuda() && at::globalContext().hasCuDNN()) {
  const auto folded = [&](const NormalisedConvolution& specification) {
    FoldedConvolution layer = fold(specification, tensors);
    layer.weight = layer.weight.to(device, precision).contiguous(memory_format);
    layer.bias = layer.bias.to(device, precision);
    return layer;
  };
  stem_ = folded(description.stem);
  for (const auto& stage : description.stages) {
    for (const ResidualBlock& specification : stage) {
      Block block;
      for (const NormalisedConvolution& layer : specification.convolutions) block.convolutions.push_back(folded(layer));
      if (specification.downsample) block.downsample = folded(*specification.downsample);
      blocks_.push_back(std::move(block));
    }
  }
  for (const LinearSpecification& layer : description.head) {
    head_.push_back({layer.weight, tensors(layer.weight).to(device, precision),
                     tensors(layer.bias).to(device, precision), layer.relu});
  }
}

at::Tensor FoldedNetwork::extract_features(const at::Tensor& input, const Observer& observe) const {
  const auto seen = [&](const std::string& name, const at::Tensor& tensor) {
    if (observe) observe(name, tensor);
    return tensor;
  };
  at::Tensor x = seen(stem_.name, convolve_relu(stem_, seen("input", input)));
  x = at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
  for (const Block& block : blocks_) {
    at::Tensor residual = x;
    for (std::size_t i = 0; i + 1 < block.convolutions.size(); ++i) {
      const FoldedConvolution& layer = block.convolutions[i];
      residual = seen(layer.name, convolve_relu(layer, residual));
    }
    const FoldedConvolution& last = block.convolutions.back();
    const at::Tensor beside = block.downsample ? seen(block.downsample->name, convolve(*block.downsample, x)) : x;
    if (fuses_ && !observe) {
      x = at::cudnn_convolution_add_relu(residual, last.weight, beside, /*alpha=*/1, last.bias, both(last.stride),
                                         both(last.padding), both(1), last.groups);
    } else {
      residual = seen(last.name, convolve(last, residual));
      x = seen(last.name + ".sum", residual.add_(beside).relu_());
    }
  }
  return x;
}

at::Tensor FoldedNetwork::classify(const at::Tensor& features, const Observer& observe) const {
  at::Tensor x = Network::pool(features);
  if (observe) observe("pool", x);
  for (const Linear& layer : head_) {
    x = at::linear(x, layer.weight, layer.bias);
    if (layer.relu) x.relu_();
    if (observe) observe(layer.name, x);
  }
  return x;
}

}  // namespace stagemark::libtorch
