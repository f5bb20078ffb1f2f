#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace stagemark::onnxruntime {

/// onnx.proto3's TensorProto.DataType, as far as it is needed here.
enum class ElementType : std::uint8_t {
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  int32 = 6,
  float16 = 10,
  float64 = 11,
  bfloat16 = 16,
};

/// A small ONNX file in the making. Opset 13.
class OnnxWriter {
 public:
  /// Absent dimensions are free.
  using Shape = std::initializer_list<std::optional<std::uint64_t>>;

  OnnxWriter& input(std::string_view name, ElementType type, Shape shape) { return value(11, name, type, shape); }
  OnnxWriter& output(std::string_view name, ElementType type, Shape shape) { return value(12, name, type, shape); }

  /// \param raw the elements' bytes, little-endian
  OnnxWriter& constant(std::string_view name, ElementType type, std::initializer_list<std::uint64_t> shape,
                       std::string_view raw) {
    Message tensor;
    for (const std::uint64_t dimension : shape) tensor.number(1, dimension);
    graph_.message(5, tensor.number(2, static_cast<std::uint64_t>(type)).text(8, name).text(9, raw));
    return *this;
  }

  OnnxWriter& node(std::string_view operation, std::initializer_list<std::string_view> inputs,
                   std::string_view output) {
    Message node;
    for (const std::string_view name : inputs) node.text(1, name);
    graph_.message(1, node.text(2, output).text(4, operation));
    return *this;
  }

  /// The file's bytes.
  [[nodiscard]] std::string file() const {
    Message graph = graph_;
    return Message()
        .number(1, 7)
        .message(7, graph.text(2, "graph"))
        .message(8, Message().text(1, "").number(2, 13))
        .bytes();
  }

 private:
  /// A protobuf message: fields by number.
  class Message {
   public:
    Message& number(unsigned field, std::uint64_t value) {
      varint(std::uint64_t{field} << 3);
      varint(value);
      return *this;
    }
    Message& text(unsigned field, std::string_view value) {
      varint((std::uint64_t{field} << 3) | 2);
      varint(value.size());
      bytes_ += value;
      return *this;
    }
    Message& message(unsigned field, const Message& value) { return text(field, value.bytes_); }
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

   private:
    void varint(std::uint64_t value) {
      for (; value > 0x7f; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
      bytes_ += static_cast<char>(value);
    }

    std::string bytes_;
  };

  OnnxWriter& value(unsigned field, std::string_view name, ElementType type, Shape shape) {
    Message dimensions;
    for (const auto& size : shape) {
      Message dimension;
      if (size) dimension.number(1, *size);
      dimensions.message(1, dimension);
    }
    const Message tensor = Message().number(1, static_cast<std::uint64_t>(type)).message(2, dimensions);
    graph_.message(field, Message().text(1, name).message(2, Message().message(1, tensor)));
    return *this;
  }

  Message graph_;
};

}  // namespace stagemark::onnxruntime
