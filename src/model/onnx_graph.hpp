#pragma once

#include <onnx/onnx_pb.h>

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace stagemark {

/// IEEE 754 binary16, as bits.
struct Half {
  std::uint16_t bits = 0;
};

/// Rounded to the nearest, ties to even; beyond the largest finite one: infinity.
Half to_half(float value) noexcept;

using OnnxShape = std::vector<std::int64_t>;
/// An integer or a list of them, by name.
using OnnxAttribute = std::pair<std::string, std::variant<std::int64_t, std::vector<std::int64_t>>>;

/// A graph in the making. Each value has the name of the node that makes it.
class OnnxGraph {
 public:
  explicit OnnxGraph(const std::string& name) { graph_.set_name(name); }

  /// Adds a constant. \returns its name
  template <class T>
  std::string constant(const std::string& name, const OnnxShape& shape, std::span<const T> values) {
    static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes for a file
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    return raw_constant(name, shape, data_type<T>(), bytes);
  }

  template <class T>
  std::string scalar(const std::string& name, T value) {
    return constant<T>(name, {}, {&value, 1});
  }

  /// Adds a node. \returns its output's name, which is its own
  std::string node(const std::string& type, const std::string& name, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {}, const std::string& domain = {});

  /// A cast to a type of TensorProto.
  std::string cast(const std::string& name, const std::string& input, onnx::TensorProto::DataType type) {
    return node("Cast", name, {input}, {{"to", std::int64_t{type}}});
  }

  /// States a float32 input of N images. \param shape without N
  void input(const std::string& name, const OnnxShape& shape) { declare(*graph_.add_input(), name, shape); }

  /// Gives a value the name of the graph's output, and states its shape (without N).
  void output(const std::string& value, const std::string& name, const OnnxShape& shape);

  [[nodiscard]] onnx::GraphProto take() { return std::move(graph_); }

 private:
  template <class T>
  static onnx::TensorProto::DataType data_type() {
    using onnx::TensorProto;
    if constexpr (std::is_same_v<T, float>) return TensorProto::FLOAT;
    if constexpr (std::is_same_v<T, Half>) return TensorProto::FLOAT16;
    if constexpr (std::is_same_v<T, std::int8_t>) return TensorProto::INT8;
    if constexpr (std::is_same_v<T, std::uint8_t>) return TensorProto::UINT8;
    if constexpr (std::is_same_v<T, std::int32_t>) return TensorProto::INT32;
  }

  std::string raw_constant(const std::string& name, const OnnxShape& shape, onnx::TensorProto::DataType type,
                           std::string_view bytes);
  static void declare(onnx::ValueInfoProto& value, const std::string& name, const OnnxShape& shape);

  onnx::GraphProto graph_;
};

}  // namespace stagemark
