#include "stagemark/model/onnx_description.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "model/onnx_meanings.hpp"
#include "model/onnx_parts.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

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

/// Whether something that comes from the input is reshaped to one row: such a graph mixes the images of a batch.
bool reshapes_to_one(const OnnxParts& parts, const OnnxMeanings& meanings) {
  std::map<std::string_view, std::int64_t> first;
  for (const auto* tensors : {&parts.initialisers, &parts.constants}) {
    for (const OnnxInitialiser& tensor : *tensors) {
      if (tensor.first) first[tensor.name] = *tensor.first;
    }
  }
  return std::ranges::any_of(parts.nodes, [&](const OnnxNode& node) {
    if (node.operation != "Reshape" || node.inputs.size() != 2) return false;
    const auto target = first.find(node.inputs[1]);
    return target != first.end() && target->second == 1 && meanings.of(node.inputs[0]).kind != ValueKind::constant;
  });
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

void describe_graph(OnnxParts parts, const OnnxFunctions& functions, OnnxDescription& result) {
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
  const OnnxMeanings meanings(parts, functions);
  result.meaning = meaning_of(meanings.of(result.output));
  for (const OnnxNode& node : parts.nodes) {
    if (std::ranges::find(node.outputs, result.output) != node.outputs.end()) result.made_by = node.operation;
  }
  const bool integers = result.gives.type.find("int") != std::string::npos || result.gives.type == "bool";
  if (integers) result.meaning = OutputMeaning::class_numbers;
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
  OnnxModel model = read_onnx(in, size);
  result.producer = std::move(model.producer);
  result.opset = model.opset;
  describe_graph(std::move(model.graph), model.functions, result);
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
  try {
    expect_readable(last.meaning, std::nullopt, last.made_by);
  } catch (const ModelError& error) {
    refuse(error.problem(), error.remedy());
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
