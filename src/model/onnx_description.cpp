#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "stagemark/core/error.hpp"
#include "stagemark/model/onnx_export.hpp"

namespace stagemark {
namespace {

/// Of each operator that has them, the inputs which say how numbers are represented: no weights.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> scale_inputs = {{
    // A digit for each input.
    {"QuantizeLinear", "12"},
    {"DequantizeLinear", "12"},
    {"QLinearConv", "124567"},
    {"QLinearMatMul", "124567"},
    {"QGemm", "124578"},
}};

std::set<std::string> scales_of(const onnx::GraphProto& graph) {
  std::set<std::string> names;
  for (const onnx::NodeProto& node : graph.node()) {
    for (const auto& [type, inputs] : scale_inputs) {
      if (node.op_type() != type) continue;
      for (const char digit : inputs) {
        if (const int index = digit - '0'; index < node.input_size()) names.insert(node.input(index));
      }
    }
  }
  return names;
}

std::uint64_t elements(const onnx::TensorProto& tensor) {
  std::uint64_t count = 1;
  for (const std::int64_t size : tensor.dims()) count *= static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
  return count;
}

std::uint64_t parameters_of(const onnx::GraphProto& graph) {
  using onnx::TensorProto;
  static const std::set<std::int32_t> types = {TensorProto::FLOAT,  TensorProto::FLOAT16, TensorProto::BFLOAT16,
                                               TensorProto::DOUBLE, TensorProto::INT8,    TensorProto::UINT8,
                                               TensorProto::INT32};
  const std::set<std::string> scales = scales_of(graph);
  std::uint64_t count = 0;
  for (const TensorProto& tensor : graph.initializer()) {
    // A scalar is a scale, a bound or an exponent.
    const bool weight = types.contains(tensor.data_type()) && tensor.dims_size() > 0 && !scales.contains(tensor.name());
    if (weight) count += elements(tensor);
  }
  return count;
}

std::optional<std::int64_t> size_of(const onnx::ValueInfoProto& value, int dimension) {
  const onnx::TensorShapeProto& shape = value.type().tensor_type().shape();
  if (dimension >= shape.dim_size() || !shape.dim(dimension).has_dim_value()) return std::nullopt;
  const std::int64_t size = shape.dim(dimension).dim_value();
  return size > 0 ? std::optional(size) : std::nullopt;
}

/// Old files name their initialisers among the inputs.
std::vector<const onnx::ValueInfoProto*> inputs_of(const onnx::GraphProto& graph) {
  std::set<std::string> constants;
  for (const onnx::TensorProto& tensor : graph.initializer()) constants.insert(tensor.name());
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    if (!constants.contains(input.name())) inputs.push_back(&input);
  }
  return inputs;
}

}  // namespace

OnnxDescription describe_onnx(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw ModelError("cannot be read", file.string(), "check the path and its permissions");
  onnx::ModelProto model;
  if (!model.ParseFromIstream(&in)) {
    throw ModelError("is no ONNX file, or a damaged one", file.string(), "export or copy it again");
  }
  const onnx::GraphProto& graph = model.graph();
  const auto inputs = inputs_of(graph);
  if (inputs.size() != 1 || graph.output_size() != 1) {
    throw ModelError(
        "has " + std::to_string(inputs.size()) + " inputs and " + std::to_string(graph.output_size()) + " outputs",
        file.string(), "stagemark runs image classifiers: one input, one output");
  }
  const onnx::ValueInfoProto& input = *inputs.front();
  const int dimensions = input.type().tensor_type().shape().dim_size();
  if (dimensions != 4) {
    throw ModelError("input '" + input.name() + "' has " + std::to_string(dimensions) + " dimensions", file.string(),
                     "an image classifier's has four: N x 3 x H x W");
  }
  OnnxDescription result;
  result.parameters = parameters_of(graph);
  for (const onnx::OperatorSetIdProto& set : model.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") result.opset = set.version();
  }
  result.producer = model.producer_name();
  if (!model.producer_version().empty()) result.producer += " " + model.producer_version();
  result.input = input.name();
  result.output = graph.output(0).name();
  result.height = size_of(input, 2);
  result.width = size_of(input, 3);
  result.outputs = size_of(graph.output(0), 1);
  return result;
}

}  // namespace stagemark
