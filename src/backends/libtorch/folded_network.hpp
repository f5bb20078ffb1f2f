#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stagemark/model/network.hpp"
#include "tensor_source.hpp"

namespace stagemark::libtorch {

/// A convolution with the normalisation that followed it within its weight and bias, both float32 on the CPU.
struct FoldedConvolution {
  std::string name;  ///< the convolution's weight in the checkpoint
  at::Tensor weight, bias;
  std::int64_t stride = 1, padding = 0, groups = 1;
};
FoldedConvolution fold(const NormalisedConvolution& specification, const TensorSource& tensors);

/// A residual network without normalisations, each folded into its convolution: less work, and numbers that differ from
/// PyTorch's by roundings. In tensors of one device, precision and memory format. On CUDA, cuDNN adds the bias and what
/// stands beside a block, and takes the ReLU, within the convolution.
class FoldedNetwork {
 public:
  /// Gets each tensor that ActivationRanges names, by that name.
  using Observer = std::function<void(const std::string& name, const at::Tensor& tensor)>;

  FoldedNetwork(const ResidualNetwork& description, const TensorSource& tensors, at::Device device,
                at::ScalarType precision, at::MemoryFormat memory_format);

  /// \param input N x 3 x H x W, of the network's device, precision and memory format
  /// \return N x C x h x w
  [[nodiscard]] at::Tensor extract_features(const at::Tensor& input, const Observer& observe = {}) const;

  /// Pools and classifies. \return N x outputs logits
  [[nodiscard]] at::Tensor classify(const at::Tensor& features, const Observer& observe = {}) const;

  /// Whether cuDNN does what follows a convolution within it.
  [[nodiscard]] bool fuses() const noexcept { return fuses_; }

 private:
  struct Block {
    std::vector<FoldedConvolution> convolutions;
    std::optional<FoldedConvolution> downsample;
  };
  struct Linear {
    std::string name;
    at::Tensor weight, bias;
    bool relu = false;
  };

  [[nodiscard]] at::Tensor convolve_relu(const FoldedConvolution& layer, const at::Tensor& input) const;

  bool fuses_;
  FoldedConvolution stem_;
  std::vector<Block> blocks_;
  std::vector<Linear> head_;
};

}  // namespace stagemark::libtorch
