#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stagemark {

class Checkpoint;

/// Shapes of tensors by canonical name (without `model.`, `module.` and `_orig_mod.`).
using TensorShapes = std::map<std::string, std::vector<std::int64_t>>;

/// A convolution without bias. Names are the checkpoint's.
struct ConvolutionSpecification {
  std::string weight;  ///< out x in/groups x kernel x kernel
  std::int64_t in = 0, out = 0, kernel = 1, stride = 1, padding = 0, groups = 1;
};

/// The tensors of a batch normalisation with affine parameters.
struct NormalisationSpecification {
  std::string weight, bias, running_mean, running_variance;
};

/// A convolution and the normalisation of its output.
struct NormalisedConvolution {
  ConvolutionSpecification convolution;
  NormalisationSpecification normalisation;
};

/// Two (basic) or three (bottleneck) convolutions beside a shortcut, which is the identity without `downsample`.
struct ResidualBlock {
  std::vector<NormalisedConvolution> convolutions;
  std::optional<NormalisedConvolution> downsample;
};

/// A fully connected layer: weight out x in, bias out.
struct LinearSpecification {
  std::string weight, bias;
  std::int64_t in = 0, out = 0;
  bool relu = false;  ///< of its outputs
};

/// A residual network as an engine builds it: stem (7x7/2, ReLU, max-pooling 3x3/2), four stages of blocks, global
/// average pooling, linear layers. Between two of them stands a ReLU unless their numbers tell that nothing can.
struct ResidualNetwork {
  std::string architecture;  ///< e.g. "resnet50"
  NormalisedConvolution stem;
  std::vector<std::vector<ResidualBlock>> stages;
  std::vector<LinearSpecification> head;
  std::int64_t outputs = 0;         ///< logits
  std::uint64_t parameters = 0;     ///< weights and biases; no running statistics
  std::vector<std::string> unused;  ///< tensors that inference has no use for, e.g. of a loss
  /// What the file does not tell and was taken for granted, a sentence's part each: "ReLU between 'classifier.2' and ...".
  std::vector<std::string> assumptions;

  /// The assumptions as one text, empty where there are none.
  [[nodiscard]] std::string assumed() const;
};

/// Whether it is a count that a profiler (thop) left among the tensors, of whichever part: `total_ops`, `total_params`.
bool is_profiler_count(std::string_view name) noexcept;

/// Recognises ResNet-18, 34, 50, 101 and 152 (also wide and grouped ones) by names and shapes: in the numeric layout
/// `features.0, .1, .4.0.conv1 ...` with a head of any depth under `classifier`, and in torchvision's own.
/// \param source what errors call the file
/// \throws ModelError naming the tensor that is missing, misshapen or surplus
ResidualNetwork describe_network(const TensorShapes& shapes, const std::string& source);
ResidualNetwork describe_network(const Checkpoint& checkpoint);

}  // namespace stagemark
