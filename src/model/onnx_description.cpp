#include "stagemark/model/onnx_description.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

/// An element type of onnx.proto3's TensorProto.DataType.
struct OnnxElement {
  std::string_view name;
  std::uint64_t bits = 0;
};
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

OnnxElement onnx_element(std::uint64_t type) {
  return type < onnx_elements.size() ? onnx_elements.at(type) : OnnxElement{"another type", 0};
}

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

struct OnnxInitialiser {
  std::string name;
  std::uint64_t type = 0;
  std::uint64_t elements = 1;
  bool scalar = true;
  bool external = false;
  std::optional<std::int64_t> first;         ///< number, of a short list of integers
  std::map<std::string, std::string> place;  ///< location, offset and length of external data
};

struct OnnxParts;

struct OnnxNode {
  std::string operation;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<OnnxParts> branches;  ///< graphs within, of If and the like
};

struct OnnxParts {
  std::vector<OnnxNode> nodes;
  std::vector<OnnxInitialiser> initialisers;
  std::vector<OnnxInitialiser> constants;  ///< in attributes of nodes, also of graphs within
  std::vector<OnnxDeclaration> inputs;
  std::vector<OnnxDeclaration> outputs;
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

/// Of each operator that has them, the inputs that are no weights: a digit for each.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> inputs_beside_weights = {{
    {"QuantizeLinear", "12"},
    {"DequantizeLinear", "12"},
    {"QLinearConv", "124567"},
    {"QLinearMatMul", "124567"},
    {"QGemm", "124578"},
    {"BatchNormalization", "34"},
}};

std::set<std::string> names_beside_weights(const std::vector<OnnxNode>& nodes) {
  std::set<std::string> names;
  for (const OnnxNode& node : nodes) {
    for (const auto& [operation, digits] : inputs_beside_weights) {
      if (node.operation != operation) continue;
      for (const char digit : digits) {
        if (const auto index = static_cast<std::size_t>(digit - '0'); index < node.inputs.size())
          names.insert(node.inputs[index]);
      }
    }
  }
  return names;
}

/// A model's local functions: graphs that its nodes call by name.
struct OnnxFunction {
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxNode> nodes;
};
using OnnxFunctions = std::map<std::string, OnnxFunction, std::less<>>;

/// What the values of a graph are, followed back from its output.
class OnnxMeanings {
 public:
  /// \param steps how many values may still be followed: of functions that call one another there is no end
  OnnxMeanings(const std::vector<OnnxNode>& nodes, const OnnxFunctions& functions, OnnxMeanings* outer, int depth,
               std::size_t& steps)
      : functions_(functions), outer_(outer), depth_(depth), steps_(steps) {
    for (const OnnxNode& node : nodes) {
      for (const std::string& name : node.outputs) makers_[name] = &node;
    }
  }
  OnnxMeanings(const OnnxParts& parts, const OnnxFunctions& functions, OnnxMeanings* outer, int depth,
               std::size_t& steps)
      : OnnxMeanings(parts.nodes, functions, outer, depth, steps) {
    for (const OnnxInitialiser& tensor : parts.initialisers) known_[tensor.name] = OutputMeaning::constant;
  }

  void is(const std::string& value, OutputMeaning meaning) { known_[value] = meaning; }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than `deepest`
  OutputMeaning of(const std::string& value) {
    if (const auto found = known_.find(value); found != known_.end()) return found->second;
    const auto maker = makers_.find(value);
    // What nobody makes is the image.
    if (maker == makers_.end()) return outer_ != nullptr ? outer_->of(value) : OutputMeaning::logits;
    // A graph has no cycles, but a damaged file may.
    known_[value] = OutputMeaning::unknown;
    if (depth_ >= deepest || steps_ == 0) return OutputMeaning::unknown;
    --steps_;
    ++depth_;
    const OutputMeaning meaning = made_by(*maker->second, value);
    --depth_;
    known_[value] = meaning;
    return meaning;
  }

 private:
  static constexpr int deepest = 200;

  // NOLINTNEXTLINE(misc-no-recursion)
  OutputMeaning made_by(const OnnxNode& node, const std::string& value) {
    const auto place = static_cast<std::size_t>(std::ranges::find(node.outputs, value) - node.outputs.begin());
    if (const auto function = functions_.find(node.operation); function != functions_.end()) {
      if (place >= function->second.outputs.size()) return OutputMeaning::unknown;
      OnnxMeanings inside(function->second.nodes, functions_, nullptr, depth_, steps_);
      for (std::size_t i = 0; i < std::min(function->second.inputs.size(), node.inputs.size()); ++i)
        inside.is(function->second.inputs[i], of(node.inputs[i]));
      return inside.of(function->second.outputs[place]);
    }
    if (node.operation == "If") {
      return meaning_after("concat", node.branches.size(), [&](std::size_t i) {
        const OnnxParts& branch = node.branches[i];
        if (place >= branch.outputs.size()) return OutputMeaning::unknown;
        return OnnxMeanings(branch, functions_, this, depth_, steps_).of(branch.outputs[place].name);
      });
    }
    if (node.operation == "TopK" && place == 1) return OutputMeaning::class_numbers;
    std::string name = node.operation;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return meaning_after(name, node.inputs.size(), [&](std::size_t i) {
      return node.inputs[i].empty() ? OutputMeaning::constant : of(node.inputs[i]);
    });
  }

  const OnnxFunctions& functions_;
  OnnxMeanings* outer_;
  int depth_;
  std::size_t& steps_;
  std::map<std::string_view, const OnnxNode*> makers_;
  std::map<std::string, OutputMeaning, std::less<>> known_;
};

/// Whether something that comes from the input is reshaped to one row: such a graph mixes the images of a batch.
bool reshapes_to_one(const OnnxParts& parts, OnnxMeanings& meanings) {
  std::map<std::string_view, std::int64_t> first;
  for (const auto* tensors : {&parts.initialisers, &parts.constants}) {
    for (const OnnxInitialiser& tensor : *tensors) {
      if (tensor.first) first[tensor.name] = *tensor.first;
    }
  }
  return std::ranges::any_of(parts.nodes, [&](const OnnxNode& node) {
    if (node.operation != "Reshape" || node.inputs.size() != 2) return false;
    const auto target = first.find(node.inputs[1]);
    return target != first.end() && target->second == 1 && meanings.of(node.inputs[0]) != OutputMeaning::constant;
  });
}

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

std::uint64_t place_number(const OnnxInitialiser& tensor, const std::string& key, std::uint64_t otherwise) {
  const auto found = tensor.place.find(key);
  if (found == tensor.place.end()) return otherwise;
  std::uint64_t value = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto [read, error] = std::from_chars(found->second.data(), end, value);
  if (error != std::errc() || read != end)
    throw ModelError("the " + key + " of its tensor '" + tensor.name + "' in another file is no number");
  return value;
}

/// \throws ModelError if that file is not one of the model's
fs::path external_file(const OnnxInitialiser& tensor, const fs::path& directory) {
  const auto found = tensor.place.find("location");
  const std::string location = found == tensor.place.end() ? "" : found->second;
  if (location.empty() || location.find('\0') != std::string::npos)
    throw ModelError("does not say in which file its tensor '" + tensor.name + "' is");
  const fs::path relative = fs::path(location).lexically_normal();
  const auto outside = [&] {
    return ModelError({.problem = "keeps weights in '" + location + "', outside of its own directory",
                       .remedy = "put that file beside the graph, and name it there without a directory"});
  };
  if (relative.is_absolute() || *relative.begin() == "..") throw outside();
  std::error_code error;
  const fs::path file = fs::canonical(directory / relative, error);
  if (error || !fs::is_regular_file(file, error)) {
    throw ModelError({.problem = "keeps weights in '" + location + "', and there is no such file beside it",
                      .remedy = "copy that file together with the graph"});
  }
  const fs::path home = fs::canonical(directory);
  if (std::mismatch(home.begin(), home.end(), file.begin(), file.end()).first != home.end()) throw outside();
  const std::uint64_t offset = place_number(tensor, "offset", 0);
  const std::uint64_t length = place_number(tensor, "length", tensor.elements * onnx_element(tensor.type).bits / 8);
  const std::uint64_t size = fs::file_size(file);
  if (offset > size || length > size - offset) {
    throw ModelError(
        {.problem = "keeps weights in '" + location + "', which ends before its tensor '" + tensor.name + "' does",
         .remedy = "copy both files again"});
  }
  return directory / relative;
}

void describe_weights(const OnnxParts& parts, OnnxDescription& result) {
  const std::set<std::string> beside = names_beside_weights(parts.nodes);
  std::map<std::string_view, std::uint64_t> counts;
  constexpr std::array<std::string_view, 7> weights = {"float32", "uint8",   "int8",    "int32",
                                                       "float16", "float64", "bfloat16"};
  for (const OnnxInitialiser& tensor : parts.initialisers) {
    const std::string_view type = onnx_element(tensor.type).name;
    if (tensor.scalar || beside.contains(tensor.name) || std::ranges::find(weights, type) == weights.end()) continue;
    counts[type] += tensor.elements;
    result.parameters += tensor.elements;
  }
  const auto most = [&](std::uint64_t count) { return 2 * count > result.parameters; };
  result.quantised = most(counts["int8"] + counts["uint8"]);
  result.half_precision = most(counts["float16"]);
  const fs::path directory = result.file.has_parent_path() ? result.file.parent_path() : fs::path(".");
  std::set<fs::path> files;
  for (const auto* tensors : {&parts.initialisers, &parts.constants}) {
    for (const OnnxInitialiser& tensor : *tensors) {
      if (tensor.external) files.insert(external_file(tensor, directory));
    }
  }
  result.external_files.assign(files.begin(), files.end());
}

std::optional<std::int64_t> declared_size(const OnnxDeclaration& value, std::size_t dimension) {
  if (!value.shape || dimension >= value.shape->size() || (*value.shape)[dimension] < 0) return std::nullopt;
  return (*value.shape)[dimension];
}

void describe_parts_of(OnnxParts parts, const OnnxFunctions& functions, OnnxDescription& result) {
  // Old files name their initialisers among the inputs.
  std::set<std::string> constants;
  for (const OnnxInitialiser& tensor : parts.initialisers) constants.insert(tensor.name);
  std::erase_if(parts.inputs, [&](const OnnxDeclaration& value) { return constants.contains(value.name); });
  if (parts.inputs.size() != 1 || parts.outputs.size() != 1) {
    throw ModelError({.problem = "has " + std::to_string(parts.inputs.size()) + " inputs and " +
                                 std::to_string(parts.outputs.size()) + " outputs",
                      .remedy = "stagemark runs image classifiers: one input, one output"});
  }
  result.takes = parts.inputs.front();
  result.gives = parts.outputs.front();
  result.input = result.takes.name;
  result.output = result.gives.name;
  result.height = declared_size(result.takes, 2);
  result.width = declared_size(result.takes, 3);
  result.outputs = declared_size(result.gives, 1);
  std::size_t steps = 100'000;
  OnnxMeanings meanings(parts, functions, nullptr, 0, steps);
  result.meaning = meanings.of(result.output);
  for (const OnnxNode& node : parts.nodes) {
    if (std::ranges::find(node.outputs, result.output) != node.outputs.end()) result.made_by = node.operation;
  }
  const bool integers = result.gives.type.find("int") != std::string::npos || result.gives.type == "bool";
  if (integers) result.meaning = OutputMeaning::class_numbers;
  if (result.meaning == OutputMeaning::constant) result.meaning = OutputMeaning::unknown;
  result.reshapes_to_one_image = reshapes_to_one(parts, meanings);
  describe_weights(parts, result);
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::string free = i == 0 ? "N" : "?";
    text += (i == 0 ? "" : " x ") + (shape[i] < 0 ? free : std::to_string(shape[i]));
  }
  return text.empty() ? "one number" : text;
}

}  // namespace

std::string to_string(const OnnxDeclaration& value) {
  return value.type + (value.shape ? " " + shape_text(*value.shape) : " of no declared shape");
}

OnnxDescription describe_onnx(const fs::path& file) try {
  std::ifstream in(file, std::ios::binary);
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  if (!in || error) {
    throw ModelError(
        {.problem = "there is no such file, or it cannot be read", .remedy = "check the path and its permissions"});
  }
  OnnxDescription result;
  result.file = file;
  std::string version;
  std::optional<OnnxParts> parts;
  OnnxFunctions functions;
  OnnxMessage model(in, size);
  while (model.next()) {
    if (model.number() == 2) result.producer = model.text();
    if (model.number() == 3) version = model.text();
    if (model.number() == 7) parts = read_parts(model.message(), 16);
    if (model.number() == 25) read_function(model.message(), functions);
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
  describe_parts_of(*std::move(parts), functions, result);
  return result;
} catch (const ModelError& error) {
  throw ModelError(error.problem(), file.string(), error.remedy());
}

void check_images(const OnnxDescription& first, const OnnxDescription& last, const OnnxImages& images) {
  const std::array<std::int64_t, 4> given = {-1, static_cast<std::int64_t>(images.channels),
                                             static_cast<std::int64_t>(images.height),
                                             static_cast<std::int64_t>(images.width)};
  const auto refuse = [&](const std::string& reason, const std::string& remedy) {
    throw ModelError("takes " + to_string(first.takes) + " and gives " + to_string(last.gives) + ": " + reason,
                     first.file.string(), remedy);
  };
  const std::string images_text = "float32 " + shape_text(given);
  const auto is_read = [&](const std::string& type) {
    return type == "float32" || (images.half_precision && type == "float16");
  };
  if (!is_read(first.takes.type)) refuse("preprocessing makes " + images_text, "export it with an input of float32");
  if (last.meaning == OutputMeaning::class_numbers) {
    refuse("class numbers or rounded ones, and neither logits nor probabilities",
           "export it without what makes them of its scores" + (last.made_by.empty() ? "" : " (" + last.made_by + ")"));
  }
  if (!is_read(last.gives.type)) refuse("what is read is float32", "export it with an output of float32");
  if (const auto& shape = last.gives.shape) {
    const bool row = std::all_of(shape->begin() + std::min<std::ptrdiff_t>(2, std::ssize(*shape)), shape->end(),
                                 [](std::int64_t size) { return size == 1 || size < 0; });
    if (!row || shape->empty()) refuse("not one row of logits for each image", "export a classifier, with its head");
  }
  if (!first.takes.shape) return;
  const std::vector<std::int64_t>& shape = *first.takes.shape;
  const auto fits = [&](std::size_t dimension, std::int64_t size) {
    return shape[dimension] < 0 || shape[dimension] == size;
  };
  if (shape.size() != 4) refuse("an image classifier takes four dimensions", "export it for " + images_text);
  if (shape[1] != given[1] && shape[3] == given[1]) {
    refuse("N×H×W×C: channels last, and preprocessing makes N×C×H×W",
           "export it with channels first, or put a Transpose before it");
  }
  if (!fits(1, given[1])) refuse("preprocessing makes " + images_text, "export it for images of three channels");
  if (!fits(2, given[2]) || !fits(3, given[3])) {
    refuse("preprocessing makes " + images_text, "give its size with `resize`");
  }
  if (images.batch > 1 && (first.reshapes_to_one_image || last.reshapes_to_one_image)) {
    refuse("a Reshape in it makes batches of 1, and " + std::to_string(images.batch) + " was asked for",
           "see `batch`, or export it with a Reshape to -1 or 0 there");
  }
  if (!fits(0, static_cast<std::int64_t>(images.batch))) {
    refuse("batches of " + std::to_string(shape[0]) + " only, and " + std::to_string(images.batch) + " was asked for",
           "see `batch`, or export it with a free first dimension");
  }
}

std::size_t outputs_per_image(std::span<const std::int64_t> shape, std::size_t images) {
  std::size_t elements = 1;
  for (const std::int64_t size : shape) elements *= static_cast<std::size_t>(size);
  const bool rows = !shape.empty() && static_cast<std::size_t>(shape.front()) == images && elements > 0 &&
                    std::all_of(shape.begin() + std::min<std::ptrdiff_t>(2, std::ssize(shape)), shape.end(),
                                [](std::int64_t size) { return size == 1; });
  if (!rows) {
    throw ModelError("of " + std::to_string(images) + " images it makes " + shape_text(shape) +
                     ", not one row of logits for each");
  }
  return elements / images;
}

void expect_readable(OutputMeaning meaning, std::size_t outputs) {
  if (meaning != OutputMeaning::log_probabilities || outputs != 1) return;
  throw ModelError({.problem = "gives the logarithm of one probability", .remedy = "export it without the logarithm"});
}

std::string sha256_of_onnx(std::span<const OnnxDescription> graphs) {
  std::vector<std::string> hashes;
  for (const OnnxDescription& description : graphs) {
    hashes.push_back(sha256_of_file(description.file));
    for (const fs::path& file : description.external_files) hashes.push_back(sha256_of_file(file));
  }
  if (hashes.size() == 1) return hashes.front();
  Sha256 all;
  for (const std::string& hash : hashes) all.update(std::as_bytes(std::span(hash)));
  return all.finish();
}

}  // namespace stagemark
