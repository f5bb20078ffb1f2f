#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <istream>
#include <limits>
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

/// The least and the greatest of some numbers.
struct OnnxRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double number) noexcept {
    low = std::min(low, number);
    high = std::max(high, number);
  }
};

/// A tensor, without its numbers.
struct OnnxInitialiser {
  std::string name;
  std::uint64_t type = 0;
  std::uint64_t elements = 1;
  bool scalar = true;
  bool external = false;
  std::optional<std::int64_t> first;         ///< number, of a short list of integers
  std::optional<OnnxRange> range;            ///< of a few numbers
  std::map<std::string, std::string> place;  ///< location, offset and length of external data
};

struct OnnxParts;

/// What a node calls: an operation, or one of the model's local functions.
struct OnnxCall {
  std::string domain;  ///< empty: ONNX's own
  std::string operation;
  std::string overload;

  auto operator<=>(const OnnxCall&) const = default;
};

struct OnnxNode : OnnxCall {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<OnnxParts> branches;        ///< graphs within, of If and the like
  std::map<std::string, double> numbers;  ///< attributes of one number
  /// Attributes of a few integers, and of a short text.
  std::map<std::string, std::vector<std::int64_t>> lists;
  std::map<std::string, std::string> texts;
  std::optional<OnnxRange> range;  ///< of the few numbers in an attribute
};

struct OnnxParts {
  std::vector<OnnxNode> nodes;
  std::vector<OnnxInitialiser> initialisers;
  std::vector<OnnxInitialiser>
      constants;  ///< in attributes of nodes, also of graphs within and, if external, of functions
  std::vector<OnnxDeclaration> inputs;
  std::vector<OnnxDeclaration> outputs;
};

/// A model's local functions: graphs that its nodes call by name.
struct OnnxFunction {
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxNode> nodes;
};
using OnnxFunctions = std::map<OnnxCall, OnnxFunction>;

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
