#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/onnx_graph.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/network.hpp"
#include "stagemark/model/onnx_export.hpp"

namespace stagemark {

/// How real numbers are represented by integers: (integer - zero_point) * scale.
struct Quantisation {
  float scale = 1;
  std::uint8_t zero_point = 0;
};

/// A value of the graph.
struct OnnxValue {
  std::string name;
  std::optional<Quantisation> quantisation;  ///< where it is quantised
};

/// Weights and bias, in single precision: batch normalisation is within.
struct LayerWeights {
  std::vector<float> weight;
  std::vector<float> bias;
};

/// The layers of a residual network in one number format. The names of layers are those of their weights; what follows
/// a convolution or a linear layer at once (ReLU) belongs to it.
class OnnxArithmetic {
 public:
  OnnxArithmetic() = default;
  OnnxArithmetic(const OnnxArithmetic&) = delete;
  OnnxArithmetic& operator=(const OnnxArithmetic&) = delete;
  virtual ~OnnxArithmetic() = default;

  /// From the graph's input, float32. \param range of which tensor of ActivationRanges it is
  virtual OnnxValue begin(const std::string& input, const std::string& range) = 0;
  /// \param relu whether it follows
  virtual OnnxValue convolve(const ConvolutionSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                             bool relu) = 0;
  virtual OnnxValue max_pool(const OnnxValue& input) = 0;
  /// With ReLU. \param name of the sum in ActivationRanges
  virtual OnnxValue add(const std::string& name, const OnnxValue& left, const OnnxValue& right) = 0;
  /// Averages over each channel, N x C.
  virtual OnnxValue average(const OnnxValue& input) = 0;
  virtual OnnxValue linear(const LinearSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                           bool last) = 0;
  /// To float32. \returns the value's name
  virtual std::string end(const OnnxValue& output) = 0;
};

/// Names without what all share.
std::string without_suffix(const std::string& weight);

std::vector<OnnxAttribute> convolution_attributes(const ConvolutionSpecification& layer);
/// 3x3, stride 2, padding 1.
std::vector<OnnxAttribute> max_pool_attributes();
OnnxShape weight_shape(const ConvolutionSpecification& layer);

/// fp32, or fp16 between casts. \param source what errors call the model
std::unique_ptr<OnnxArithmetic> make_float_arithmetic(OnnxGraph& graph, bool half, const std::string& source);

/// int8. \throws ModelError, as it goes, where a range is missing
std::unique_ptr<OnnxArithmetic> make_quantised_arithmetic(OnnxGraph& graph, const OnnxExportOptions& options,
                                                          const std::string& source);

}  // namespace stagemark
