#include "graph_file.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onnx_writer.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark::onnxruntime {
namespace {

/// A protobuf message in a file, read field by field. The numbers of the fields are those of onnx.proto3.
class Message {
 public:
  explicit Message(std::istream& in, std::uint64_t end) : in_(&in), end_(end) {}

  /// Goes to the next field, past what was not read of the last; false at the end.
  bool next() {
    in_->seekg(static_cast<std::streamoff>(after_field_));
    if (after_field_ >= end_) return false;
    const std::uint64_t key = varint();
    number_ = key >> 3;
    holds_number_ = (key & 7) == 0;
    value_ = 0;
    switch (key & 7) {
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

  [[nodiscard]] Message message() {
    Message inner(*in_, after_field_);
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
  [[noreturn]] static void fail() { throw ModelError("it is no ONNX graph"); }

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

struct Initialiser {
  std::string name;
  std::uint64_t type = 0;
  std::uint64_t elements = 1;
};

struct Node {
  std::string operation;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

struct GraphMessage {
  std::vector<Node> nodes;
  std::vector<Initialiser> initialisers;
  std::string output;
};

Initialiser read_initialiser(Message tensor) {
  Initialiser result;
  while (tensor.next()) {
    if (tensor.number() == 1) tensor.numbers([&](std::uint64_t dimension) { result.elements *= dimension; });
    if (tensor.number() == 2) result.type = tensor.value();
    if (tensor.number() == 8) result.name = tensor.text();
  }
  return result;
}

Node read_node(Message node) {
  Node result;
  while (node.next()) {
    if (node.number() == 1) result.inputs.push_back(node.text());
    if (node.number() == 2) result.outputs.push_back(node.text());
    if (node.number() == 4) result.operation = node.text();
  }
  return result;
}

GraphMessage read_graph(Message graph) {
  GraphMessage result;
  while (graph.next()) {
    if (graph.number() == 1) result.nodes.push_back(read_node(graph.message()));
    if (graph.number() == 5) result.initialisers.push_back(read_initialiser(graph.message()));
    if (graph.number() != 12) continue;
    Message output = graph.message();
    while (output.next()) {
      if (output.number() == 1) result.output = output.text();
    }
  }
  return result;
}

template <std::size_t Size>
bool is_one_of(std::string_view name, const std::array<std::string_view, Size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What nodes use beside the weights: scales and zero points, running means and variances.
std::set<std::string> names_beside_weights(const std::vector<Node>& nodes) {
  std::set<std::string> names;
  for (const Node& node : nodes) {
    std::size_t first = node.inputs.size();
    if (is_one_of<2>(node.operation, {"QuantizeLinear", "DequantizeLinear"})) first = 1;
    if (node.operation == "BatchNormalization") first = 3;
    for (std::size_t i = first; i < node.inputs.size(); ++i) names.insert(node.inputs[i]);
  }
  return names;
}

bool yields_probabilities(const GraphMessage& graph) {
  std::map<std::string_view, const Node*> makers;
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) makers[output] = &node;
  }
  std::string_view name = graph.output;
  // A graph has no cycles, but a damaged file may.
  for (std::size_t steps = 0; steps < graph.nodes.size(); ++steps) {
    const auto maker = makers.find(name);
    if (maker == makers.end()) return false;
    const Node& node = *maker->second;
    if (is_one_of<2>(node.operation, {"Softmax", "Sigmoid"})) return true;
    constexpr std::array<std::string_view, 8> passing = {"Identity", "Cast",    "Flatten",        "Reshape",
                                                         "Squeeze",  "Dropout", "QuantizeLinear", "DequantizeLinear"};
    if (!is_one_of(node.operation, passing) || node.inputs.empty()) return false;
    name = node.inputs.front();
  }
  return false;
}

std::optional<ElementType> weight_type(const Initialiser& initialiser) {
  for (const ElementType type : {ElementType::float32, ElementType::uint8, ElementType::int8, ElementType::int32,
                                 ElementType::float16, ElementType::float64, ElementType::bfloat16}) {
    if (initialiser.type == static_cast<std::uint64_t>(type)) return type;
  }
  return std::nullopt;
}

GraphFile describe(const GraphMessage& graph) {
  GraphFile result;
  std::map<ElementType, std::uint64_t> elements;
  const std::set<std::string> beside = names_beside_weights(graph.nodes);
  for (const Initialiser& initialiser : graph.initialisers) {
    const auto type = weight_type(initialiser);
    if (!type || beside.contains(initialiser.name)) continue;
    elements[*type] += initialiser.elements;
    result.parameters += initialiser.elements;
  }
  const auto most = [&](std::uint64_t count) { return 2 * count > result.parameters; };
  result.quantised = most(elements[ElementType::int8] + elements[ElementType::uint8]);
  result.half_precision = most(elements[ElementType::float16]);
  result.yields_probabilities = yields_probabilities(graph);
  return result;
}

}  // namespace

GraphFile read_graph_file(const std::filesystem::path& file) try {
  std::ifstream in(file, std::ios::binary);
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  if (!in || error) throw ModelError("cannot read the model");
  Message model(in, size);
  while (model.next()) {
    if (model.number() == 7) return describe(read_graph(model.message()));
  }
  throw ModelError("it is no ONNX graph");
} catch (const ModelError& error) {
  throw ModelError(error.within(file.string()));
}

}  // namespace stagemark::onnxruntime
