#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <vector>

#include "stagemark/model/network.hpp"
#include "tensor_source.hpp"

namespace stagemark::libtorch {

/// Of torchvision's ResNets; a checkpoint does not hold it.
inline constexpr double batch_norm_epsilon = 1e-5;

/// A residual network in tensors of one device, precision and memory format. Runs eagerly, as PyTorch's own module
/// would: nothing is folded or fused, so that its numbers are PyTorch's.
class Network {
 public:
  Network(const ResidualNetwork& description, const TensorSource& tensors, at::Device device, at::ScalarType precision,
          at::MemoryFormat memory_format);

  /// \param input N x 3 x H x W, of the network's device, precision and memory format
  /// \return N x C x h x w
  [[nodiscard]] at::Tensor extract_features(const at::Tensor& input) const;

  /// Pools and classifies. \return N x outputs logits
  [[nodiscard]] at::Tensor classify(const at::Tensor& features) const;

  /// Global average of each channel. \return N x C
  [[nodiscard]] static at::Tensor pool(const at::Tensor& features);

  /// Runs `input` as in training, layer by layer, and makes its statistics those of every normalisation.
  void calibrate_normalisation(const at::Tensor& input);

  /// Tensors of the normalisations' running statistics, by name: what calibration changed.
  [[nodiscard]] const std::vector<std::pair<std::string, at::Tensor>>& statistics() const { return statistics_; }

 private:
  struct Convolution {
    at::Tensor weight;
    at::Tensor scale, shift, running_mean, running_variance;
    std::int64_t stride = 1, padding = 0, groups = 1;
  };
  struct Block {
    std::vector<Convolution> convolutions;
    std::optional<Convolution> downsample;
  };
  struct Linear {
    at::Tensor weight, bias;
    bool relu = false;
  };
  enum class Mode { inference, calibration };

  [[nodiscard]] static at::Tensor convolve(const Convolution& layer, const at::Tensor& input, Mode mode);
  [[nodiscard]] at::Tensor run_backbone(const at::Tensor& input, Mode mode) const;

  Convolution stem_;
  std::vector<Block> blocks_;
  std::vector<Linear> head_;
  std::vector<std::pair<std::string, at::Tensor>> statistics_;
};

}  // namespace stagemark::libtorch
