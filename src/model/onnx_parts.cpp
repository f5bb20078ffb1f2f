#include "model/onnx_parts.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

constexpr std::array<OnnxElement, 17> onnx_elements = {{{"undefined", 0},
                                                        {"float32", 32},
                                                        {"uint8", 8},
                                                        {"int8", 8},
                                                        {"uint16", 16},
                                                        {"int16", 16},
                                                        {"int32", 32},
                                                        {"int64", 64},
                                                        {"string", 0},
                                                        {"bool", 8},
                                                        {"float16", 16},
                                                        {"float64", 64},
                                                        {"uint32", 32},
                                                        {"uint64", 64},
                                                        {"complex64", 64},
                                                        {"complex128", 128},
                                                        {"bfloat16", 16}}};

constexpr std::uint64_t int64_type = 7;

/// A protobuf message in a file, read field by field. The numbers of the fields are those of onnx.proto3.
class OnnxMessage {
 public:
  explicit OnnxMessage(std::istream& in, std::uint64_t end) : in_(&in), end_(end) {}

  /// Goes to the next field, past what was not read of the last; false at the end.
  bool next() {
    in_->seekg(static_cast<std::streamoff>(after_field_));
    if (after_field_ >= end_) return false;
    const std::uint64_t key = varint();
    number_ = key >> 3;
    holds_number_ = (key & 7U) == 0;
    value_ = 0;
    switch (key & 7U) {
      case 0:
        value_ = varint();
        after_field_ = position();
        break;
      case 1:
        after_field_ = position() + 8;
        break;
      case 2:
        value_ = varint();
        after_field_ = position() + value_;
        // Also where the sum wraps around.
        if (value_ > end_) fail();
        break;
      case 5:
        after_field_ = position() + 4;
        break;
      default:
        fail();
    }
    if (after_field_ > end_) fail();
    return true;
  }

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  /// The number in a field that holds one, or the length of what it holds.
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  [[nodiscard]] std::string text() {
    constexpr std::uint64_t longest_name = 1U << 16;
    if (value_ > longest_name) fail();
    std::string result(value_, '\0');
    if (!in_->read(result.data(), static_cast<std::streamsize>(value_))) fail();
    return result;
  }

  [[nodiscard]] OnnxMessage message() {
    OnnxMessage inner(*in_, after_field_);
    inner.after_field_ = position();
    return inner;
  }

  /// The numbers of a repeated field, which may come one by one or packed.
  template <class Use>
  void numbers(Use&& use) {
    if (holds_number_) use(value_);
    while (position() < after_field_) use(varint());
  }

 private:
  [[noreturn]] static void fail() {
    throw ModelError({.problem = "is no ONNX graph, or a damaged one", .remedy = "export or copy it again"});
  }

  std::uint64_t position() { return static_cast<std::uint64_t>(in_->tellg()); }

  std::uint64_t varint() {
    std::uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const int byte = in_->get();
      if (byte == std::istream::traits_type::eof()) fail();
      result |= (static_cast<std::uint64_t>(byte) & 0x7f) << shift;
      if ((byte & 0x80) == 0) return result;
    }
    fail();
  }

  std::istream* in_;
  std::uint64_t end_;
  std::uint64_t after_field_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t value_ = 0;
  bool holds_number_ = false;
};

OnnxInitialiser read_initialiser(OnnxMessage tensor) {
  OnnxInitialiser result;
  while (tensor.next()) {
    if (tensor.number() == 1) {
      result.scalar = false;
      tensor.numbers([&](std::uint64_t dimension) { result.elements *= dimension; });
    }
    if (tensor.number() == 2) result.type = tensor.value();
    if (tensor.number() == 7 && !result.first) {
      tensor.numbers([&](std::uint64_t number) {
        if (!result.first) result.first = static_cast<std::int64_t>(number);
      });
    }
    if (tensor.number() == 8) result.name = tensor.text();
    constexpr std::uint64_t shortest = sizeof(std::int64_t);
    if (tensor.number() == 9 && result.type == int64_type && tensor.value() >= shortest &&
        tensor.value() <= 8 * shortest) {
      std::int64_t first = 0;
      std::memcpy(&first, tensor.text().data(), sizeof(first));
      result.first = first;
    }
    if (tensor.number() == 14) result.external = tensor.value() == 1;
    if (tensor.number() != 13) continue;
    std::pair<std::string, std::string> entry;
    OnnxMessage pair = tensor.message();
    while (pair.next()) {
      if (pair.number() == 1) entry.first = pair.text();
      if (pair.number() == 2) entry.second = pair.text();
    }
    result.place.insert_or_assign(std::move(entry.first), std::move(entry.second));
  }
  return result;
}

void read_shape(OnnxMessage shape, OnnxDeclaration& result) {
  std::vector<std::int64_t>& sizes = result.shape.emplace();
  while (shape.next()) {
    if (shape.number() != 1) continue;
    sizes.push_back(-1);
    result.free_names.emplace_back();
    OnnxMessage dimension = shape.message();
    while (dimension.next()) {
      if (dimension.number() == 2) result.free_names.back() = dimension.text();
      if (dimension.number() != 1) continue;
      const auto size = static_cast<std::int64_t>(dimension.value());
      // Some exporters write 0 or -1 for what is free.
      if (size > 0) sizes.back() = size;
    }
  }
}

OnnxDeclaration read_value(OnnxMessage value) {
  OnnxDeclaration result{{}, "no tensor", {}, {}};
  while (value.next()) {
    if (value.number() == 1) result.name = value.text();
    if (value.number() != 2) continue;
    OnnxMessage type = value.message();
    while (type.next()) {
      if (type.number() != 1) continue;
      OnnxMessage tensor = type.message();
      while (tensor.next()) {
        if (tensor.number() == 1) result.type = onnx_element(tensor.value()).name;
        if (tensor.number() == 2) read_shape(tensor.message(), result);
      }
    }
  }
  return result;
}

// NOLINTBEGIN(misc-no-recursion): as deep as graphs lie within each other, and no deeper than `depth`
OnnxParts read_parts(OnnxMessage whole, int depth);

void read_attribute(OnnxMessage attribute, OnnxNode& node, OnnxParts& parts, int depth) {
  while (attribute.next()) {
    const std::uint64_t field = attribute.number();
    if (field == 5 || field == 10) parts.constants.push_back(read_initialiser(attribute.message()));
    if ((field != 6 && field != 11) || depth == 0) continue;
    OnnxParts inner = read_parts(attribute.message(), depth - 1);
    for (const auto* tensors : {&inner.initialisers, &inner.constants})
      parts.constants.insert(parts.constants.end(), tensors->begin(), tensors->end());
    node.branches.push_back(std::move(inner));
  }
}

OnnxNode read_node(OnnxMessage node, OnnxParts& parts, int depth) {
  OnnxNode result;
  while (node.next()) {
    if (node.number() == 1) result.inputs.push_back(node.text());
    if (node.number() == 2) result.outputs.push_back(node.text());
    if (node.number() == 4) result.operation = node.text();
    if (node.number() != 5) continue;
    const std::size_t before = parts.constants.size();
    read_attribute(node.message(), result, parts, depth);
    // The name of a constant is that of what its node gives.
    if (parts.constants.size() == before + 1 && result.branches.empty() && !result.outputs.empty())
      parts.constants.back().name = result.outputs.front();
  }
  return result;
}

OnnxParts read_parts(OnnxMessage whole, int depth) {
  OnnxParts result;
  while (whole.next()) {
    if (whole.number() == 1) result.nodes.push_back(read_node(whole.message(), result, depth));
    if (whole.number() == 5) result.initialisers.push_back(read_initialiser(whole.message()));
    if (whole.number() == 11) result.inputs.push_back(read_value(whole.message()));
    if (whole.number() == 12) result.outputs.push_back(read_value(whole.message()));
  }
  return result;
}
// NOLINTEND(misc-no-recursion)

void read_function(OnnxMessage function, OnnxFunctions& functions) {
  std::string name;
  OnnxFunction result;
  OnnxParts ignored;
  while (function.next()) {
    if (function.number() == 1) name = function.text();
    if (function.number() == 4) result.inputs.push_back(function.text());
    if (function.number() == 5) result.outputs.push_back(function.text());
    if (function.number() == 7) result.nodes.push_back(read_node(function.message(), ignored, 16));
  }
  functions.insert_or_assign(std::move(name), std::move(result));
}

}  // namespace

OnnxElement onnx_element(std::uint64_t type) {
  return type < onnx_elements.size() ? onnx_elements.at(type) : OnnxElement{"another type", 0};
}

OnnxModel read_onnx(std::istream& in, std::uint64_t size) {
  OnnxModel result;
  std::string version;
  std::optional<OnnxParts> parts;
  OnnxMessage model(in, size);
  while (model.next()) {
    if (model.number() == 2) result.producer = model.text();
    if (model.number() == 3) version = model.text();
    if (model.number() == 7) parts = read_parts(model.message(), 16);
    if (model.number() == 25) read_function(model.message(), result.functions);
    if (model.number() != 8) continue;
    std::string domain;
    std::int64_t opset = 0;
    OnnxMessage set = model.message();
    while (set.next()) {
      if (set.number() == 1) domain = set.text();
      if (set.number() == 2) opset = static_cast<std::int64_t>(set.value());
    }
    if (domain.empty() || domain == "ai.onnx") result.opset = opset;
  }
  if (!parts) throw ModelError({.problem = "is no ONNX graph, or a damaged one", .remedy = "export or copy it again"});
  if (!version.empty()) result.producer += " " + version;
  result.graph = *std::move(parts);
  return result;
}

}  // namespace stagemark
