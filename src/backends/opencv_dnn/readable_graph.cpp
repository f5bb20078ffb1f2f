#include "readable_graph.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <opencv2/core/version.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "model/onnx_parts.hpp"
#include "model/onnx_writer.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark::opencv_dnn {
namespace {

using Message = OnnxWriter::Message;

[[noreturn]] void fail_as_damaged() {
  throw ModelError({.problem = "is no ONNX graph, or a damaged one", .remedy = "export or copy it again"});
}

std::string_view take(std::string_view& bytes, std::uint64_t count) {
  if (count > bytes.size()) fail_as_damaged();
  const std::string_view taken = bytes.substr(0, count);
  bytes.remove_prefix(count);
  return taken;
}

std::uint64_t take_number(std::string_view& bytes) {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(bytes, 1).front());
    result |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return result;
  }
  fail_as_damaged();
}

/// A copy of a protobuf message. \param change what takes the place of a field's content, by its number; absent to keep it
template <class Change>
std::string changed(std::string_view message, const Change& change) {
  std::string result;
  result.reserve(message.size() + 64);
  while (!message.empty()) {
    const std::string_view from_here = message;
    const std::uint64_t key = take_number(message);
    switch (key & 7U) {
      case 0:
        (void)take_number(message);
        break;
      case 1:
        (void)take(message, 8);
        break;
      case 2: {
        const std::string_view content = take(message, take_number(message));
        const auto number = static_cast<unsigned>(key >> 3U);
        if (const std::optional<std::string> other = change(number, content)) {
          result += Message().text(number, *other).bytes();
          continue;
        }
        break;
      }
      case 5:
        (void)take(message, 4);
        break;
      default:
        fail_as_damaged();
    }
    result += from_here.substr(0, from_here.size() - message.size());
  }
  return result;
}

/// Of ONNX's own operations.
double number_of(const OnnxNode& node, const std::string& name, double otherwise) {
  const auto found = node.numbers.find(name);
  return found == node.numbers.end() ? otherwise : found->second;
}

bool any_but(const OnnxNode& node, const std::string& list, std::int64_t number) {
  const auto found = node.lists.find(list);
  return found != node.lists.end() && std::ranges::any_of(found->second, [&](auto each) { return each != number; });
}

std::string_view input_of(const OnnxNode& node, std::size_t i) {
  return i < node.inputs.size() ? std::string_view(node.inputs[i]) : std::string_view();
}

/// Whether OpenCV finds scale and zero point of the integers that a node gives: until 4.6 by their names.
bool finds_scale(const OnnxNode& node) {
  constexpr bool by_names = CV_VERSION_MAJOR < 4 || (CV_VERSION_MAJOR == 4 && CV_VERSION_MINOR <= 6);
  // Of each operation that gives integers, which input is their scale; the next one is the zero point.
  constexpr std::array<std::pair<std::string_view, std::size_t>, 5> scales = {
      {{"QuantizeLinear", 1}, {"QLinearConv", 6}, {"QLinearMatMul", 6}, {"QLinearAdd", 6}, {"QLinearMul", 6}}};
  const auto* const found = std::ranges::find(scales, node.operation, &std::pair<std::string_view, std::size_t>::first);
  if (!by_names || found == scales.end() || node.outputs.empty()) return true;
  constexpr std::string_view suffix = "_quantized";
  std::string name = node.outputs.front();
  if (!name.ends_with(suffix)) return false;
  name.resize(name.size() - suffix.size());
  return input_of(node, found->second) == name + "_scale" && input_of(node, found->second + 1) == name + "_zero_point";
}

/// Tensors that a MatMul made of two computed ones: OpenCV reads it as a layer without weights, and makes a factor right
/// behind it one of these weights.
class ProductsOfTwo {
 public:
  ProductsOfTwo(const OnnxModel& model, const std::map<std::string_view, std::uint64_t>& constants)
      : constants_(constants) {
    for (const OnnxNode& node : model.graph.nodes) {
      if (node.operation != "MatMul" || !node.domain.empty() || node.outputs.empty()) continue;
      if (!is_constant(node, 0) && !is_constant(node, 1)) products_.insert(node.outputs.front());
    }
  }

  /// Whether the node gives one of them a factor, which is lost.
  [[nodiscard]] bool scaled_by(const OnnxNode& node) const {
    const std::string& operation = node.operation;
    if (operation == "Neg" || operation == "BatchNormalization") return is_product(node, 0);
    if (operation == "Sub") return is_constant(node, 0) && is_product(node, 1);
    if (operation != "Mul" && operation != "Div") return false;
    return (is_product(node, 0) && is_constant(node, 1)) || (is_constant(node, 0) && is_product(node, 1));
  }

 private:
  [[nodiscard]] bool is_constant(const OnnxNode& node, std::size_t i) const {
    return constants_.contains(input_of(node, i));
  }
  [[nodiscard]] bool is_product(const OnnxNode& node, std::size_t i) const {
    return products_.contains(input_of(node, i));
  }

  const std::map<std::string_view, std::uint64_t>& constants_;
  std::set<std::string_view> products_;
};

/// Looks for what this library's OpenCV was seen to compute otherwise than ONNX defines it, without an error.
void expect_same_results(const OnnxModel& model, const OnnxDescription& description) {
  std::map<std::string_view, std::uint64_t> constants;
  for (const auto* tensors : {&model.graph.initialisers, &model.graph.constants}) {
    for (const OnnxInitialiser& tensor : *tensors) constants[tensor.name] = tensor.elements;
  }
  const ProductsOfTwo products(model, constants);
  for (const OnnxNode& node : model.graph.nodes) {
    const auto refuse = [&](const std::string& why) {
      throw ModelError({.problem = "OpenCV " CV_VERSION " computes its " + node.operation +
                                   " otherwise than ONNX defines it: " + why,
                        .remedy = "use onnxruntime, or export it in another way"});
    };
    if (!finds_scale(node))
      refuse("it looks for the scale and zero point of integers X_quantized by the names X_scale and X_zero_point");
    if (!node.domain.empty()) continue;
    const auto auto_pad = node.texts.find("auto_pad");
    if (auto_pad != node.texts.end() && auto_pad->second == "SAME_LOWER") refuse("it pads as for SAME_UPPER");
    if (node.operation == "Gemm") {
      if (number_of(node, "alpha", 1) != 1 || number_of(node, "transA", 0) != 0 ||
          (node.inputs.size() > 2 && number_of(node, "beta", 1) != 1))
        refuse("it leaves alpha, beta and transA out");
    }
    if (products.scaled_by(node)) refuse("it leaves factors behind a MatMul of two computed tensors out");
    if (node.operation == "BatchNormalization" && number_of(node, "training_mode", 0) != 0)
      refuse("it normalises by the stored statistics, not by the images'");
    const bool pads_same = auto_pad != node.texts.end() && auto_pad->second.starts_with("SAME");
    if (node.operation == "AveragePool" && (pads_same || any_but(node, "pads", 0))) {
      // OpenCV goes by who wrote the file.
      const bool counts = number_of(node, "count_include_pad", 0) != 0;
      if (counts != description.producer.starts_with("pytorch")) refuse("it leaves count_include_pad out");
    }
    if (node.operation == "MaxPool" && any_but(node, "dilations", 1)) refuse("it leaves dilations out");
    if (node.operation == "Div") {
      const auto constant = constants.find(input_of(node, 0));
      if (constant != constants.end() && constant->second > 1) refuse("it divides by the constant");
    }
  }
}

/// What is added to a node: attributes that OpenCV has other defaults for, and a name to find its layer by.
std::string beside(const OnnxNode& node, std::size_t index, std::int64_t opset, ReadableGraph& graph) {
  if (!node.domain.empty()) return {};
  const auto attribute = [](std::string_view name, std::int64_t value) {
    constexpr std::uint64_t integer = 2;
    return Message().message(5,
                             Message().text(1, name).number(3, static_cast<std::uint64_t>(value)).number(20, integer));
  };
  if (node.operation == "Gemm" && !node.numbers.contains("transB")) return attribute("transB", 0).bytes();
  if (node.operation != "Softmax" && node.operation != "LogSoftmax") return {};
  constexpr std::int64_t one_axis_since = 13;
  const std::int64_t axis = opset < one_axis_since ? 1 : -1;
  Message more;
  if (!node.numbers.contains("axis")) more = attribute("axis", axis);
  if (opset < one_axis_since) {
    const auto own = static_cast<std::int64_t>(number_of(node, "axis", static_cast<double>(axis)));
    graph.flattenings.push_back({"stagemark_softmax_" + std::to_string(index) + "_", node.operation, own});
    more.text(3, graph.flattenings.back().layer);
  }
  return more.bytes();
}

/// The graph's input, of images of that size.
std::string sized(const OnnxDescription& description, const InputShape& images) {
  Message shape;
  const auto& declared = description.takes.shape;
  const bool fixed = declared && !declared->empty() && declared->front() > 0;
  shape.message(1, fixed ? Message().number(1, static_cast<std::uint64_t>(declared->front())) : Message().text(2, "N"));
  for (const std::size_t size : {images.channels, images.height, images.width})
    shape.message(1, Message().number(1, size));
  const auto element = static_cast<std::uint64_t>(OnnxElementType::float32);
  const Message tensor = Message().number(1, element).message(2, shape);
  return Message().text(1, description.input).message(2, Message().message(1, tensor)).bytes();
}

}  // namespace

ReadableGraph readable_graph(const OnnxDescription& description, const std::optional<InputShape>& images) try {
  std::string file(std::filesystem::file_size(description.file), '\0');
  std::ifstream in(description.file, std::ios::binary);
  const OnnxModel model = read_onnx(in, file.size());
  if (!in.seekg(0).read(file.data(), std::ssize(file))) fail_as_damaged();
  expect_same_results(model, description);
  ReadableGraph result;
  std::size_t nodes = 0;
  constexpr unsigned graph_field = 7;
  constexpr unsigned node_field = 1;
  constexpr unsigned input_field = 11;
  const auto in_graph = [&](unsigned field, std::string_view content) -> std::optional<std::string> {
    if (field == node_field && nodes < model.graph.nodes.size()) {
      const std::string more = beside(model.graph.nodes[nodes], nodes, model.opset, result);
      ++nodes;
      if (!more.empty()) return std::string(content) + more;
    }
    if (field == input_field && images) {
      bool is_it = false;
      (void)changed(content, [&](unsigned number, std::string_view name) -> std::optional<std::string> {
        is_it = is_it || (number == 1 && name == description.input);
        return std::nullopt;
      });
      if (is_it) return sized(description, *images);
    }
    return std::nullopt;
  };
  result.bytes = changed(file, [&](unsigned field, std::string_view content) -> std::optional<std::string> {
    if (field != graph_field) return std::nullopt;
    return changed(content, in_graph);
  });
  return result;
} catch (const ModelError& error) {
  throw ModelError(error.within(description.file.string()));
}

}  // namespace stagemark::opencv_dnn
