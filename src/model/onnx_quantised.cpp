#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include "model/onnx_arithmetic.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

/// A layer's weights by output channel: integer * scale, symmetric.
struct QuantisedWeights {
  std::vector<std::int8_t> weight;
  std::vector<float> scale;
  std::vector<std::int32_t> bias;
  std::vector<float> bias_scale;
};

QuantisedWeights quantise(const LayerWeights& weights, float input_scale) {
  const std::size_t channels = weights.bias.size();
  const std::size_t each = weights.weight.size() / channels;
  QuantisedWeights result{std::vector<std::int8_t>(weights.weight.size()), {}, {}, {}};
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const auto row = std::span(weights.weight).subspan(channel * each, each);
    float largest = 0;
    for (const float value : row) largest = std::max(largest, std::abs(value));
    const float bias = weights.bias[channel];
    // The bias has to fit into 31 bits: where the weights are next to nothing, their scale gives way.
    constexpr float bias_steps = 0x1p30F;
    const float scale =
        std::max({largest / 127, std::abs(bias) / (bias_steps * input_scale), std::numeric_limits<float>::min()});
    for (std::size_t i = 0; i < each; ++i) {
      result.weight[channel * each + i] = static_cast<std::int8_t>(std::lround(row[i] / scale));
    }
    result.scale.push_back(scale);
    result.bias_scale.push_back(scale * input_scale);
    result.bias.push_back(static_cast<std::int32_t>(std::lround(bias / result.bias_scale.back())));
  }
  return result;
}

/// Knows the ranges, and writes what both forms need.
class QuantisedArithmetic : public OnnxArithmetic {
 public:
  QuantisedArithmetic(OnnxGraph& graph, ActivationRanges ranges, std::string source)
      : graph_(graph), ranges_(std::move(ranges)), source_(std::move(source)) {}

 protected:
  [[nodiscard]] Quantisation quantisation_of(const std::string& tensor, bool relu) const {
    const auto found = ranges_.find(tensor);
    if (found == ranges_.end()) {
      throw ModelError("the range of tensor '" + tensor + "' is missing", source_, "calibrate with its own images");
    }
    const float low = relu ? 0.0F : found->second.low;
    const float high = found->second.high;
    if (!std::isfinite(low) || !std::isfinite(high) || low > 0 || high < 0) {
      throw ModelError("the range of tensor '" + tensor + "' is no range around 0", source_,
                       "calibrate with its own images");
    }
    // Of a tensor that is always 0 any scale will do.
    const float scale = high > low ? std::max((high - low) / 255, std::numeric_limits<float>::min()) : 1.0F;
    const long zero_point = std::clamp(std::lround(-low / scale), 0L, 255L);
    return {scale, static_cast<std::uint8_t>(zero_point)};
  }

  /// The names of scale and zero point, made for `user` alone.
  std::pair<std::string, std::string> parameters(const std::string& user, Quantisation quantisation) {
    return {graph_.scalar(user + "_scale", quantisation.scale),
            graph_.scalar(user + "_zero_point", quantisation.zero_point)};
  }

  std::string quantise_linear(const std::string& value, Quantisation quantisation) {
    const auto [scale, zero_point] = parameters(value, quantisation);
    return graph_.node("QuantizeLinear", value + "_quantized", {value, scale, zero_point});
  }

  std::string dequantise_linear(const std::string& name, const std::string& value, Quantisation quantisation) {
    const auto [scale, zero_point] = parameters(name, quantisation);
    return graph_.node("DequantizeLinear", name, {value, scale, zero_point});
  }

  /// One number for each output channel.
  template <class T>
  std::string per_channel(const std::string& name, const std::vector<T>& values) {
    return graph_.constant<T>(name, {static_cast<std::int64_t>(values.size())}, values);
  }

  OnnxGraph& graph_;

 private:
  ActivationRanges ranges_;
  std::string source_;
};

/// Floating-point operators between QuantizeLinear and DequantizeLinear, which ONNX Runtime and TensorRT fuse.
class QdqArithmetic final : public QuantisedArithmetic {
 public:
  using QuantisedArithmetic::QuantisedArithmetic;

  OnnxValue begin(const std::string& input, const std::string& range) override {
    return rounded(input, quantisation_of(range, /*relu=*/false));
  }

  OnnxValue convolve(const ConvolutionSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                     bool relu) override {
    const std::string name = without_suffix(layer.weight);
    const auto [weight, bias] = constants(name, layer.weight, weight_shape(layer), weights, input);
    std::string result = graph_.node("Conv", name, {input.name, weight, bias}, convolution_attributes(layer));
    if (relu) result = graph_.node("Relu", name + ".relu", {result});
    return rounded(result, quantisation_of(layer.weight, relu));
  }

  OnnxValue max_pool(const OnnxValue& input) override {
    return rounded(graph_.node("MaxPool", "maxpool", {input.name}, max_pool_attributes()), *input.quantisation);
  }

  OnnxValue add(const std::string& name, const OnnxValue& left, const OnnxValue& right) override {
    const std::string sum = graph_.node("Add", name, {left.name, right.name});
    return rounded(graph_.node("Relu", name + ".relu", {sum}), quantisation_of(name, /*relu=*/true));
  }

  OnnxValue average(const OnnxValue& input) override {
    const OnnxValue pooled =
        rounded(graph_.node("GlobalAveragePool", "pool", {input.name}), quantisation_of("pool", /*relu=*/true));
    return rounded(graph_.node("Flatten", "flatten", {pooled.name}), *pooled.quantisation);
  }

  OnnxValue linear(const LinearSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                   bool last) override {
    const std::string name = without_suffix(layer.weight);
    const auto [weight, bias] = constants(name, layer.weight, {layer.out, layer.in}, weights, input);
    const std::string result = graph_.node("Gemm", name, {input.name, weight, bias}, {{"transB", 1}});
    if (last) return {result, std::nullopt};
    return rounded(layer.relu ? graph_.node("Relu", name + ".relu", {result}) : result,
                   quantisation_of(layer.weight, layer.relu));
  }

  std::string end(const OnnxValue& output) override { return output.name; }

 private:
  /// To the nearest number that the integers represent.
  OnnxValue rounded(const std::string& value, Quantisation quantisation) {
    const std::string integers = quantise_linear(value, quantisation);
    return {dequantise_linear(value + ".dequantised", integers, quantisation), quantisation};
  }

  /// \returns the names of weight and bias
  std::pair<std::string, std::string> constants(const std::string& layer, const std::string& weight,
                                                const OnnxShape& shape, const LayerWeights& weights,
                                                const OnnxValue& input) {
    const QuantisedWeights q = quantise(weights, input.quantisation->scale);
    const std::string bias = layer + ".bias";
    return {graph_.node("DequantizeLinear", weight + ".dequantised",
                        {graph_.constant<std::int8_t>(weight, shape, q.weight), per_channel(weight + ".scale", q.scale),
                         per_channel(weight + ".zero_point", std::vector<std::int8_t>(q.scale.size()))},
                        {{"axis", 0}}),
            graph_.node("DequantizeLinear", bias + ".dequantised",
                        {per_channel(bias, q.bias), per_channel(bias + ".scale", q.bias_scale)}, {{"axis", 0}})};
  }
};

/// Operators of integers. ReLU is where the integers end: 0 is the least of them. What follows the pooling is float32.
/// OpenCV finds how a result is represented by its name: X_quantized has X_scale and X_zero_point.
class OperatorArithmetic final : public QuantisedArithmetic {
 public:
  OperatorArithmetic(OnnxGraph& graph, const ActivationRanges& ranges, const std::string& source)
      : QuantisedArithmetic(graph, ranges, source), head_(make_float_arithmetic(graph, /*half=*/false, source)) {}

  OnnxValue begin(const std::string& input, const std::string& range) override {
    const Quantisation quantisation = quantisation_of(range, /*relu=*/false);
    return {quantise_linear(input, quantisation), quantisation};
  }

  OnnxValue convolve(const ConvolutionSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                     bool relu) override {
    const std::string name = without_suffix(layer.weight);
    const Quantisation output = quantisation_of(layer.weight, relu);
    const QuantisedWeights q = quantise(weights, input.quantisation->scale);
    const auto [x_scale, x_zero_point] = parameters(name + ".input", *input.quantisation);
    const auto [y_scale, y_zero_point] = parameters(name, output);
    const std::string result = graph_.node(
        "QLinearConv", name + "_quantized",
        {input.name, x_scale, x_zero_point, graph_.constant<std::int8_t>(layer.weight, weight_shape(layer), q.weight),
         per_channel(layer.weight + ".scale", q.scale),
         per_channel(layer.weight + ".zero_point", std::vector<std::int8_t>(q.scale.size())), y_scale, y_zero_point,
         per_channel(name + ".bias", q.bias)},
        convolution_attributes(layer));
    return {result, output};
  }

  OnnxValue max_pool(const OnnxValue& input) override {
    return {graph_.node("MaxPool", "maxpool_quantized", {input.name}, max_pool_attributes()), input.quantisation};
  }

  OnnxValue add(const std::string& name, const OnnxValue& left, const OnnxValue& right) override {
    const Quantisation output = quantisation_of(name, /*relu=*/true);
    const auto [left_scale, left_zero_point] = parameters(name + ".left", *left.quantisation);
    const auto [right_scale, right_zero_point] = parameters(name + ".right", *right.quantisation);
    const auto [scale, zero_point] = parameters(name, output);
    return {graph_.node(
                "QLinearAdd", name + "_quantized",
                {left.name, left_scale, left_zero_point, right.name, right_scale, right_zero_point, scale, zero_point},
                {}, "com.microsoft"),
            output};
  }

  OnnxValue average(const OnnxValue& input) override {
    return head_->average({dequantise_linear(input.name + ".dequantised", input.name, *input.quantisation), {}});
  }

  OnnxValue linear(const LinearSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                   bool last) override {
    return head_->linear(layer, weights, input, last);
  }

  std::string end(const OnnxValue& output) override {
    if (!output.quantisation) return output.name;
    return dequantise_linear(output.name + ".dequantised", output.name, *output.quantisation);
  }

 private:
  std::unique_ptr<OnnxArithmetic> head_;
};

}  // namespace

std::unique_ptr<OnnxArithmetic> make_quantised_arithmetic(OnnxGraph& graph, const OnnxExportOptions& options,
                                                          const std::string& source) {
  if (options.quantisation == OnnxQuantisation::operators) {
    return std::make_unique<OperatorArithmetic>(graph, options.ranges, source);
  }
  return std::make_unique<QdqArithmetic>(graph, options.ranges, source);
}

}  // namespace stagemark
