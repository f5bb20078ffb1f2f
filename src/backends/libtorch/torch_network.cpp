#include "torch_network.hpp"

#include <utility>

namespace stagemark::libtorch {

Network::Network(const ResidualNetwork& description, const TensorSource& tensors, at::Device device,
                 at::ScalarType precision, at::MemoryFormat memory_format) {
  const auto place = [&](const std::string& name, at::ScalarType type) { return tensors(name).to(device, type); };
  const auto convolution = [&](const NormalisedConvolution& spec) {
    Convolution layer;
    layer.weight = place(spec.convolution.weight, precision).contiguous(memory_format);
    // Statistics and affine parameters stay in FP32, as in PyTorch's mixed precision.
    layer.scale = place(spec.normalisation.weight, at::kFloat);
    layer.shift = place(spec.normalisation.bias, at::kFloat);
    layer.running_mean = place(spec.normalisation.running_mean, at::kFloat);
    layer.running_variance = place(spec.normalisation.running_variance, at::kFloat);
    layer.stride = spec.convolution.stride;
    layer.padding = spec.convolution.padding;
    layer.groups = spec.convolution.groups;
    statistics_.emplace_back(spec.normalisation.running_mean, layer.running_mean);
    statistics_.emplace_back(spec.normalisation.running_variance, layer.running_variance);
    return layer;
  };
  stem_ = convolution(description.stem);
  for (const auto& stage : description.stages) {
    for (const ResidualBlock& spec : stage) {
      Block block;
      for (const NormalisedConvolution& layer : spec.convolutions) block.convolutions.push_back(convolution(layer));
      if (spec.downsample) block.downsample = convolution(*spec.downsample);
      blocks_.push_back(std::move(block));
    }
  }
  for (const LinearSpecification& spec : description.head) {
    head_.push_back({place(spec.weight, precision), place(spec.bias, precision), spec.relu});
  }
}

at::Tensor Network::convolve(const Convolution& layer, const at::Tensor& input, Mode mode) {
  const at::Tensor convolved = at::conv2d(input, layer.weight, {}, layer.stride, layer.padding, 1, layer.groups);
  // A momentum of 1 makes the statistics those of this batch.
  return at::batch_norm(convolved, layer.scale, layer.shift, layer.running_mean, layer.running_variance,
                        mode == Mode::calibration, 1.0, batch_norm_epsilon, /*cudnn_enabled=*/true);
}

at::Tensor Network::run_backbone(const at::Tensor& input, Mode mode) const {
  at::Tensor x = convolve(stem_, input, mode).relu_();
  x = at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
  for (const Block& block : blocks_) {
    at::Tensor residual = x;
    for (std::size_t i = 0; i < block.convolutions.size(); ++i) {
      residual = convolve(block.convolutions[i], residual, mode);
      if (i + 1 < block.convolutions.size()) residual.relu_();
    }
    x = residual.add_(block.downsample ? convolve(*block.downsample, x, mode) : x).relu_();
  }
  return x;
}

at::Tensor Network::extract_features(const at::Tensor& input) const { return run_backbone(input, Mode::inference); }

at::Tensor Network::pool(const at::Tensor& features) { return at::adaptive_avg_pool2d(features, {1, 1}).flatten(1); }

at::Tensor Network::classify(const at::Tensor& features) const {
  at::Tensor x = pool(features);
  for (const Linear& layer : head_) {
    x = at::linear(x, layer.weight, layer.bias);
    if (layer.relu) x.relu_();
  }
  return x;
}

void Network::calibrate_normalisation(const at::Tensor& input) { (void)run_backbone(input, Mode::calibration); }

}  // namespace stagemark::libtorch
