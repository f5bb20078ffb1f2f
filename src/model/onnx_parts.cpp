#include "model/onnx_parts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>
#include <type_traits>
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
    holds_float_ = false;
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
        holds_float_ = true;
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

  /// Of a field that is a float; absent for another.
  [[nodiscard]] std::optional<float> real() {
    float number = 0;
    std::array<char, sizeof(number)> bytes{};
    if (!holds_float_) return std::nullopt;
    if (!in_->read(bytes.data(), bytes.size())) fail();
    std::memcpy(&number, bytes.data(), sizeof(number));
    return number;
  }

  [[nodiscard]] OnnxMessage message() {
    OnnxMessage inner(*in_, after_field_);
    inner.after_field_ = position();
    return inner;
  }

  /// Whether a repeated field has one number here, or so few bytes of them.
  [[nodiscard]] bool holds_few(std::uint64_t bytes) const noexcept { return holds_number_ || value_ <= bytes; }

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
  bool holds_float_ = false;
};

/// Calls `use` for each number in the bytes.
template <class Number, class Use>
void each_number(std::string_view bytes, const Use& use) {
  for (; bytes.size() >= sizeof(Number); bytes.remove_prefix(sizeof(Number))) {
    Number number{};
    std::memcpy(&number, bytes.data(), sizeof(number));
    use(number);
  }
}

/// Half precision, without its infinities.
double wide(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  return (half >> 15) != 0 ? -size : size;
}

/// The numbers of a small tensor: the only ones that are looked at.
void read_numbers(OnnxMessage& tensor, OnnxInitialiser& result, std::uint64_t& count) {
  const std::string_view type = onnx_element(result.type).name;
  const auto use = [&](auto number) {
    if (count++ == 0) result.range.emplace();
    result.range->include(static_cast<double>(number));
    if constexpr (std::is_same_v<decltype(number), std::int64_t>) {
      if (!result.first) result.first = number;
    }
  };
  if (tensor.number() == 5 && (type == "int32" || type == "bool"))
    tensor.numbers([&](std::uint64_t number) { use(static_cast<std::int32_t>(number)); });
  if (tensor.number() == 7) tensor.numbers([&](std::uint64_t number) { use(static_cast<std::int64_t>(number)); });
  if (tensor.number() == 4 && type == "float32") each_number<float>(tensor.text(), use);
  if (tensor.number() == 10 && type == "float64") each_number<double>(tensor.text(), use);
  if (tensor.number() != 9) return;
  const std::string bytes = tensor.text();
  if (type == "float32") each_number<float>(bytes, use);
  if (type == "float64") each_number<double>(bytes, use);
  if (type == "float16") each_number<std::uint16_t>(bytes, [&](std::uint16_t half) { use(wide(half)); });
  if (type == "int64") each_number<std::int64_t>(bytes, use);
  if (type == "int32") each_number<std::int32_t>(bytes, use);
  if (type == "bool") each_number<std::int8_t>(bytes, use);
}

OnnxInitialiser read_initialiser(OnnxMessage tensor) {
  OnnxInitialiser result;
  constexpr std::uint64_t few = 1024;
  std::uint64_t count = 0;
  while (tensor.next()) {
    if (tensor.number() == 1) {
      result.scalar = false;
      tensor.numbers([&](std::uint64_t dimension) { result.elements *= dimension; });
    }
    if (tensor.number() == 2) result.type = tensor.value();
    const bool numbers = tensor.number() == 4 || tensor.number() == 5 || tensor.number() == 7 || tensor.number() == 9 ||
                         tensor.number() == 10;
    if (numbers && result.elements <= few && tensor.value() <= few * sizeof(double))
      read_numbers(tensor, result, count);
    if (tensor.number() == 8) result.name = tensor.text();
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
  if (count != result.elements) result.range.reset();
  return result;
}

/// Adds a sparse tensor's numbers and their places.
void read_sparse(OnnxMessage sparse, std::vector<OnnxInitialiser>& numbers, std::vector<OnnxInitialiser>& places) {
  while (sparse.next()) {
    if (sparse.number() == 1) {
      numbers.push_back(read_initialiser(sparse.message()));
      if (auto& range = numbers.back().range) range->include(0);
    }
    if (sparse.number() == 2) places.push_back(read_initialiser(sparse.message()));
  }
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

std::string domain_of(std::string name) { return name == "ai.onnx" ? "" : std::move(name); }

// NOLINTBEGIN(misc-no-recursion): as deep as graphs lie within each other, and no deeper than `depth`
OnnxParts read_parts(OnnxMessage whole, int depth);

void read_attribute(OnnxMessage attribute, OnnxNode& node, OnnxParts& parts, int depth) {
  std::string name;
  while (attribute.next()) {
    const std::uint64_t field = attribute.number();
    if (field == 1) name = attribute.text();
    if (field == 2) node.numbers.insert_or_assign(name, attribute.real().value_or(0));
    if (field == 3) node.numbers.insert_or_assign(name, static_cast<std::int64_t>(attribute.value()));
    constexpr std::uint64_t few = 64;
    if (field == 4 && attribute.value() <= few) node.texts.insert_or_assign(name, attribute.text());
    if (field == 8 && attribute.holds_few(few)) {
      std::vector<std::int64_t>& list = node.lists[name];
      attribute.numbers([&](std::uint64_t number) {
        if (list.size() < few) list.push_back(static_cast<std::int64_t>(number));
      });
    }
    if (field == 5 || field == 10) {
      parts.constants.push_back(read_initialiser(attribute.message()));
      node.range = parts.constants.back().range;
    }
    if (field == 22 || field == 23) read_sparse(attribute.message(), parts.constants, parts.constants);
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
    if (node.number() == 7) result.domain = domain_of(node.text());
    if (node.number() == 8) result.overload = node.text();
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
    if (whole.number() == 15) read_sparse(whole.message(), result.initialisers, result.constants);
    if (whole.number() == 11) result.inputs.push_back(read_value(whole.message()));
    if (whole.number() == 12) result.outputs.push_back(read_value(whole.message()));
  }
  return result;
}
// NOLINTEND(misc-no-recursion)

/// \param constants of functions
void read_function(OnnxMessage function, OnnxFunctions& functions, std::vector<OnnxInitialiser>& constants) {
  OnnxCall call;
  OnnxFunction result;
  OnnxParts parts;
  while (function.next()) {
    if (function.number() == 1) call.operation = function.text();
    if (function.number() == 4) result.inputs.push_back(function.text());
    if (function.number() == 5) result.outputs.push_back(function.text());
    if (function.number() == 7) result.nodes.push_back(read_node(function.message(), parts, 16));
    if (function.number() == 10) call.domain = domain_of(function.text());
    if (function.number() == 13) call.overload = function.text();
  }
  constants.insert(constants.end(), parts.constants.begin(), parts.constants.end());
  functions.insert_or_assign(std::move(call), std::move(result));
}

}  // namespace

OnnxElement onnx_element(std::uint64_t type) {
  return type < onnx_elements.size() ? onnx_elements.at(type) : OnnxElement{"another type", 0};
}

OnnxModel read_onnx(std::istream& in, std::uint64_t size) {
  OnnxModel result;
  std::string version;
  std::optional<OnnxParts> parts;
  std::vector<OnnxInitialiser> of_functions;
  OnnxMessage model(in, size);
  while (model.next()) {
    if (model.number() == 2) result.producer = model.text();
    if (model.number() == 3) version = model.text();
    if (model.number() == 7) parts = read_parts(model.message(), 16);
    if (model.number() == 25) read_function(model.message(), result.functions, of_functions);
    if (model.number() != 8) continue;
    std::string domain;
    std::int64_t opset = 0;
    OnnxMessage set = model.message();
    while (set.next()) {
      if (set.number() == 1) domain = set.text();
      if (set.number() == 2) opset = static_cast<std::int64_t>(set.value());
    }
    if (domain_of(std::move(domain)).empty()) result.opset = opset;
  }
  if (!parts) throw ModelError({.problem = "is no ONNX graph, or a damaged one", .remedy = "export or copy it again"});
  if (!version.empty()) result.producer += " " + version;
  result.graph = *std::move(parts);
  // Names within functions are their own: only files of weights are of the model.
  std::ranges::copy_if(of_functions, std::back_inserter(result.graph.constants), &OnnxInitialiser::external);
  return result;
}

}  // namespace stagemark
