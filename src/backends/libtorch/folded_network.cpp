#include "folded_network.hpp"

#include <utility>

#include "torch_network.hpp"

namespace stagemark::libtorch {
namespace {

at::Tensor convolve(const FoldedConvolution& layer, const at::Tensor& input) {
  return at::conv2d(input, layer.weight, layer.bias, layer.stride, layer.padding, 1, layer.groups);
}

}  // namespace

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
                             at::ScalarType precision, at::MemoryFormat memory_format) {
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
    head_.push_back(
        {layer.weight, tensors(layer.weight).to(device, precision), tensors(layer.bias).to(device, precision)});
  }
}

at::Tensor FoldedNetwork::extract_features(const at::Tensor& input, const Observer& observe) const {
  const auto seen = [&](const std::string& name, const at::Tensor& tensor) {
    if (observe) observe(name, tensor);
    return tensor;
  };
  at::Tensor x = seen(stem_.name, convolve(stem_, seen("input", input)).relu_());
  x = at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
  for (const Block& block : blocks_) {
    at::Tensor residual = x;
    for (std::size_t i = 0; i < block.convolutions.size(); ++i) {
      const FoldedConvolution& layer = block.convolutions[i];
      residual = convolve(layer, residual);
      if (i + 1 < block.convolutions.size()) residual.relu_();
      residual = seen(layer.name, residual);
    }
    const at::Tensor beside = block.downsample ? seen(block.downsample->name, convolve(*block.downsample, x)) : x;
    x = seen(block.convolutions.back().name + ".sum", residual.add_(beside).relu_());
  }
  return x;
}

at::Tensor FoldedNetwork::classify(const at::Tensor& features, const Observer& observe) const {
  at::Tensor x = Network::pool(features);
  if (observe) observe("pool", x);
  for (std::size_t i = 0; i < head_.size(); ++i) {
    x = at::linear(x, head_[i].weight, head_[i].bias);
    if (i + 1 < head_.size()) x.relu_();
    if (observe) observe(head_[i].name, x);
  }
  return x;
}

}  // namespace stagemark::libtorch
