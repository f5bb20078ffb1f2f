#pragma once

#include <ATen/ATen.h>
#include <ATen/native/quantized/PackedParams.h>

#include <optional>
#include <string>
#include <vector>

#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/network.hpp"
#include "tensor_source.hpp"

namespace stagemark::libtorch {

/// The quantised engine to use: the first, fastest first, whose trial convolution gives what exact integer arithmetic
/// gives where 16 bits would overflow. Absent: this LibTorch has none. Makes it LibTorch's current engine.
std::optional<std::string> choose_quantised_engine();

/// A residual network in 8 bits on the CPU, channels-last: normalisations folded, weights symmetric for each output
/// channel, activations in the ranges that calibration saw. The global average and the layer that yields the logits are
/// FP32: eight bits would tell but 256 logits apart.
class QuantisedNetwork {
 public:
  /// \throws ModelError if a tensor has no range
  QuantisedNetwork(const ResidualNetwork& description, const TensorSource& tensors, const ActivationRanges& ranges);

  /// \param input N x 3 x H x W, float32, channels-last
  /// \return N x C x h x w, quantised
  [[nodiscard]] at::Tensor extract_features(const at::Tensor& input) const;

  /// Pools and classifies. \return N x outputs logits, float32
  [[nodiscard]] at::Tensor classify(const at::Tensor& features) const;

  /// How many of its layers run in 8 bits, e.g. "55 of 56".
  [[nodiscard]] std::string quantised_layers() const;

 private:
  struct Quantiser {
    double scale = 1;
    std::int64_t zero_point = 0;
  };
  struct Convolution {
    c10::intrusive_ptr<ConvPackedParamsBase<2>> packed;
    Quantiser output;
  };
  struct Block {
    std::vector<Convolution> convolutions;
    std::optional<Convolution> downsample;
    Quantiser sum;
  };
  struct Linear {
    c10::intrusive_ptr<LinearPackedParamsBase> packed;
    Quantiser output;
    bool relu = false;
  };

  static Quantiser quantiser(const ActivationRanges& ranges, const std::string& name);

  Quantiser input_, pool_;
  Convolution stem_;
  std::vector<Block> blocks_;
  std::vector<Linear> hidden_;
  at::Tensor last_weight_, last_bias_;
};

}  // namespace stagemark::libtorch
