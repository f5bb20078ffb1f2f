#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace stagemark {

/// onnx.proto3's TensorProto.DataType, as far as it is needed here.
enum class OnnxElementType : std::uint8_t {
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  int32 = 6,
  int64 = 7,
  float16 = 10,
  float64 = 11,
  bfloat16 = 16,
};

/// A small ONNX file in the making. Opset 13, unless another is asked for.
class OnnxWriter {
 public:
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
    Message& append(const Message& more) {
      bytes_ += more.bytes_;
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

  /// Absent dimensions are free.
  using Shape = std::initializer_list<std::optional<std::uint64_t>>;

  OnnxWriter& input(std::string_view name, OnnxElementType type, Shape shape) { return value(11, name, type, &shape); }
  OnnxWriter& output(std::string_view name, OnnxElementType type, Shape shape) { return value(12, name, type, &shape); }
  /// Of no declared shape.
  OnnxWriter& input(std::string_view name, OnnxElementType type) { return value(11, name, type, nullptr); }
  OnnxWriter& output(std::string_view name, OnnxElementType type) { return value(12, name, type, nullptr); }

  /// \param raw the elements' bytes, little-endian
  OnnxWriter& constant(std::string_view name, OnnxElementType type, std::initializer_list<std::uint64_t> shape,
                       std::string_view raw) {
    Message tensor;
    for (const std::uint64_t dimension : shape) tensor.number(1, dimension);
    graph_.message(5, tensor.number(2, static_cast<std::uint64_t>(type)).text(8, name).text(9, raw));
    return *this;
  }

  /// \param place keys and values of onnx.proto3's `external_data`: location, offset, length
  OnnxWriter& external(std::string_view name, OnnxElementType type, std::initializer_list<std::uint64_t> shape,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> place) {
    Message tensor;
    for (const std::uint64_t dimension : shape) tensor.number(1, dimension);
    tensor.number(2, static_cast<std::uint64_t>(type)).text(8, name).number(14, 1);
    for (const auto& [key, value] : place) tensor.message(13, Message().text(1, key).text(2, value));
    graph_.message(5, tensor);
    return *this;
  }

  /// A local function of one operation, which nodes call by its name and domain.
  OnnxWriter& function(std::string_view name, std::string_view operation, std::string_view domain = {}) {
    const Message node = Message().text(1, "in").text(2, "out").text(4, operation);
    functions_.message(25, Message().text(1, name).text(4, "in").text(5, "out").message(7, node).text(10, domain));
    return *this;
  }

  /// A local function that adds a number from another file.
  OnnxWriter& adding_function(std::string_view name, std::string_view location) {
    Message tensor;
    tensor.number(1, 1).number(2, static_cast<std::uint64_t>(OnnxElementType::float32)).number(14, 1);
    tensor.message(13, Message().text(1, "location").text(2, location));
    const Message constant =
        Message().text(2, "c").text(4, "Constant").message(5, Message().text(1, "value").message(5, tensor));
    const Message sum = Message().text(1, "in").text(1, "c").text(2, "out").text(4, "Add");
    functions_.message(25, Message().text(1, name).text(4, "in").text(5, "out").message(7, constant).message(7, sum));
    return *this;
  }

  /// A node of one input, of another domain or with an attribute of one number.
  OnnxWriter& node_of(std::string_view domain, std::string_view operation, std::string_view input,
                      std::string_view output, std::string_view attribute = {}, std::uint64_t number = 0) {
    Message node = Message().text(1, input).text(2, output).text(4, operation).text(7, domain);
    if (!attribute.empty()) node.message(5, Message().text(1, attribute).number(3, number).number(20, 2));
    graph_.message(1, node);
    return *this;
  }

  /// Takes one of two operations of the input.
  OnnxWriter& either(std::string_view condition, std::string_view first, std::string_view second,
                     std::string_view input, std::string_view output) {
    const auto branch = [&](std::string_view name, std::string_view operation) {
      const std::string made = std::string(output) + "_" + std::string(name);
      const Message node = Message().text(1, input).text(2, made).text(4, operation);
      const Message graph = Message().message(1, node).text(2, name).message(12, Message().text(1, made));
      return Message().text(1, name).message(6, graph).number(20, 5);
    };
    graph_.message(1, Message()
                          .text(1, condition)
                          .text(2, output)
                          .text(4, "If")
                          .message(5, branch("then_branch", first))
                          .message(5, branch("else_branch", second)));
    return *this;
  }

  OnnxWriter& opset(std::uint64_t version) {
    opset_ = version;
    return *this;
  }

  /// \param kernel_shape of a convolution, which OpenCV does not take from the weights
  OnnxWriter& node(std::string_view operation, std::initializer_list<std::string_view> inputs, std::string_view output,
                   std::initializer_list<std::uint64_t> kernel_shape = {}) {
    Message node;
    for (const std::string_view name : inputs) node.text(1, name);
    node.text(2, output).text(4, operation);
    if (kernel_shape.size() > 0) {
      Message attribute;
      attribute.text(1, "kernel_shape");
      for (const std::uint64_t size : kernel_shape) attribute.number(8, size);
      constexpr std::uint64_t integers = 7;
      node.message(5, attribute.number(20, integers));
    }
    graph_.message(1, node);
    return *this;
  }

  /// An integer, or the integers or the text of an attribute.
  struct Attribute {
    std::string_view name;
    std::variant<std::uint64_t, std::vector<std::uint64_t>, std::string_view> value;
  };

  OnnxWriter& node_with(std::string_view operation, std::initializer_list<std::string_view> inputs,
                        std::string_view output, std::initializer_list<Attribute> attributes,
                        std::string_view domain = {}) {
    Message node;
    for (const std::string_view name : inputs) node.text(1, name);
    node.text(2, output).text(4, operation);
    if (!domain.empty()) node.text(7, domain);
    for (const Attribute& each : attributes) {
      Message attribute;
      attribute.text(1, each.name);
      if (const auto* const number = std::get_if<std::uint64_t>(&each.value))
        attribute.number(3, *number).number(20, 2);
      if (const auto* const text = std::get_if<std::string_view>(&each.value)) attribute.text(4, *text).number(20, 3);
      if (const auto* const list = std::get_if<std::vector<std::uint64_t>>(&each.value)) {
        for (const std::uint64_t number : *list) attribute.number(8, number);
        attribute.number(20, 7);
      }
      node.message(5, attribute);
    }
    graph_.message(1, node);
    return *this;
  }

  /// The file's bytes.
  [[nodiscard]] std::string file() const {
    Message graph = graph_;
    return Message()
        .number(1, 7)
        .message(7, graph.text(2, "graph"))
        .message(8, Message().text(1, "").number(2, opset_))
        .append(functions_)
        .bytes();
  }

 private:
  /// \param shape null: none is declared
  OnnxWriter& value(unsigned field, std::string_view name, OnnxElementType type, const Shape* shape) {
    Message tensor;
    tensor.number(1, static_cast<std::uint64_t>(type));
    if (shape != nullptr) {
      Message dimensions;
      for (const auto& size : *shape) {
        Message dimension;
        if (size) {
          dimension.number(1, *size);
        } else {
          // As exporters do: each has a name.
          dimension.text(2, std::string(name) + "_" + std::to_string(free_++));
        }
        dimensions.message(1, dimension);
      }
      tensor.message(2, dimensions);
    }
    graph_.message(field, Message().text(1, name).message(2, Message().message(1, tensor)));
    return *this;
  }

  Message graph_;
  Message functions_;
  std::uint64_t opset_ = 13;
  std::size_t free_ = 0;
};

}  // namespace stagemark
