#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/model/onnx_description.hpp"

namespace stagemark {

/// An element type of onnx.proto3's TensorProto.DataType.
struct OnnxElement {
  std::string_view name;
  std::uint64_t bits = 0;
};
OnnxElement onnx_element(std::uint64_t type);

/// A tensor, without its numbers.
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

/// A model's local functions: graphs that its nodes call by name.
struct OnnxFunction {
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxNode> nodes;
};
using OnnxFunctions = std::map<std::string, OnnxFunction, std::less<>>;

/// What of an ONNX file is looked at: all but the numbers of its weights.
struct OnnxModel {
  OnnxParts graph;
  OnnxFunctions functions;
  std::int64_t opset = 0;
  std::string producer;
};

/// \throws ModelError if it is no ONNX graph
OnnxModel read_onnx(std::istream& in, std::uint64_t size);

}  // namespace stagemark
