#include "model/onnx_arithmetic.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

class FloatArithmetic final : public OnnxArithmetic {
 public:
  FloatArithmetic(OnnxGraph& graph, bool half, std::string source)
      : graph_(graph), half_(half), source_(std::move(source)) {}

  OnnxValue begin(const std::string& input, const std::string& /*range*/) override {
    return {half_ ? graph_.cast(input + ".half", input, onnx::TensorProto::FLOAT16) : input, {}};
  }

  OnnxValue convolve(const ConvolutionSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                     bool relu) override {
    const std::string name = without_suffix(layer.weight);
    const std::string result =
        graph_.node("Conv", name,
                    {input.name, constant(layer.weight, weight_shape(layer), weights.weight), bias(name, weights.bias)},
                    convolution_attributes(layer));
    return {relu ? graph_.node("Relu", name + ".relu", {result}) : result, {}};
  }

  OnnxValue max_pool(const OnnxValue& input) override {
    return {graph_.node("MaxPool", "maxpool", {input.name}, max_pool_attributes()), {}};
  }

  OnnxValue add(const std::string& name, const OnnxValue& left, const OnnxValue& right) override {
    return {graph_.node("Relu", name + ".relu", {graph_.node("Add", name, {left.name, right.name})}), {}};
  }

  OnnxValue average(const OnnxValue& input) override {
    return {graph_.node("Flatten", "flatten", {graph_.node("GlobalAveragePool", "pool", {input.name})}), {}};
  }

  OnnxValue linear(const LinearSpecification& layer, const LayerWeights& weights, const OnnxValue& input,
                   bool /*last*/) override {
    const std::string name = without_suffix(layer.weight);
    const std::string result = graph_.node(
        "Gemm", name,
        {input.name, constant(layer.weight, {layer.out, layer.in}, weights.weight), bias(name, weights.bias)},
        {{"transB", 1}});
    return {layer.relu ? graph_.node("Relu", name + ".relu", {result}) : result, {}};
  }

  std::string end(const OnnxValue& output) override {
    return half_ ? graph_.cast(output.name + ".single", output.name, onnx::TensorProto::FLOAT) : output.name;
  }

 private:
  std::string bias(const std::string& layer, const std::vector<float>& values) {
    return constant(layer + ".bias", {static_cast<std::int64_t>(values.size())}, values);
  }

  std::string constant(const std::string& name, const OnnxShape& shape, const std::vector<float>& values) {
    if (!half_) return graph_.constant<float>(name, shape, values);
    std::vector<Half> halves(values.size());
    std::ranges::transform(values, halves.begin(), to_half);
    const bool overflows = std::ranges::any_of(halves, [](Half h) { return (h.bits & 0x7C00U) == 0x7C00U; });
    if (overflows) {
      throw ModelError("tensor '" + name + "' holds numbers that half precision cannot", source_,
                       "use another precision");
    }
    return graph_.constant<Half>(name, shape, halves);
  }

  OnnxGraph& graph_;
  bool half_;
  std::string source_;
};

}  // namespace

std::string without_suffix(const std::string& weight) {
  constexpr std::string_view suffix = ".weight";
  return weight.ends_with(suffix) ? weight.substr(0, weight.size() - suffix.size()) : weight;
}

std::vector<OnnxAttribute> convolution_attributes(const ConvolutionSpecification& layer) {
  return {{"group", layer.groups},
          {"kernel_shape", std::vector{layer.kernel, layer.kernel}},
          {"pads", std::vector(4, layer.padding)},
          {"strides", std::vector{layer.stride, layer.stride}}};
}

std::vector<OnnxAttribute> max_pool_attributes() {
  const std::vector<std::int64_t> kernel = {3, 3};
  const std::vector<std::int64_t> strides = {2, 2};
  return {{"kernel_shape", kernel}, {"pads", std::vector<std::int64_t>(4, 1)}, {"strides", strides}};
}

OnnxShape weight_shape(const ConvolutionSpecification& layer) {
  return {layer.out, layer.in / layer.groups, layer.kernel, layer.kernel};
}

std::unique_ptr<OnnxArithmetic> make_float_arithmetic(OnnxGraph& graph, bool half, const std::string& source) {
  return std::make_unique<FloatArithmetic>(graph, half, source);
}

}  // namespace stagemark
