#include "model/onnx_graph.hpp"

#include <algorithm>

namespace stagemark {

Half to_half(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return {static_cast<std::uint16_t>(sign | 0x7E00U)};  // NaN
  const std::uint32_t exponent = magnitude >> 23U;                                   // biased by 127
  if (exponent < 102) return {static_cast<std::uint16_t>(sign)};                     // below half the smallest
  // How many of the significand's bits fall away: 13, and more where the result has no implicit leading one.
  const std::uint32_t dropped = exponent < 113 ? 126 - exponent : 13;
  const std::uint32_t significand = exponent < 113 ? (magnitude & 0x7FFFFFU) | 0x800000U : magnitude - (112U << 23U);
  const std::uint32_t kept = significand >> dropped;
  const std::uint32_t rest = significand & ((1U << dropped) - 1);
  const std::uint32_t half_way = 1U << (dropped - 1);
  const std::uint32_t rounded = kept + (rest > half_way || (rest == half_way && (kept & 1U) == 1) ? 1U : 0U);
  return {static_cast<std::uint16_t>(sign | std::min(rounded, 0x7C00U))};
}

std::string OnnxGraph::raw_constant(const std::string& name, const OnnxShape& shape, onnx::TensorProto::DataType type,
                                    std::string_view bytes) {
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const std::int64_t size : shape) tensor.add_dims(size);
  tensor.set_raw_data(bytes.data(), bytes.size());
  return name;
}

std::string OnnxGraph::node(const std::string& type, const std::string& name, const std::vector<std::string>& inputs,
                            const std::vector<OnnxAttribute>& attributes, const std::string& domain) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(type);
  node.set_name(name);
  node.set_domain(domain);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(name);
  for (const auto& [attribute_name, value] : attributes) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(attribute_name);
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
      attribute.set_type(onnx::AttributeProto::INTS);
      for (const std::int64_t element : *list) attribute.add_ints(element);
    } else {
      attribute.set_type(onnx::AttributeProto::INT);
      attribute.set_i(std::get<std::int64_t>(value));
    }
  }
  return name;
}

void OnnxGraph::output(const std::string& value, const std::string& name, const OnnxShape& shape) {
  for (onnx::NodeProto& node : *graph_.mutable_node()) {
    for (std::string& output : *node.mutable_output()) {
      if (output == value) output = name;
    }
    for (std::string& input : *node.mutable_input()) {
      if (input == value) input = name;
    }
  }
  declare(*graph_.add_output(), name, shape);
}

void OnnxGraph::declare(onnx::ValueInfoProto& value, const std::string& name, const OnnxShape& shape) {
  value.set_name(name);
  onnx::TypeProto::Tensor& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  tensor.mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t size : shape) tensor.mutable_shape()->add_dim()->set_dim_value(size);
}

}  // namespace stagemark
