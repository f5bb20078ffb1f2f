#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/onnx_parts.hpp"
#include "stagemark/model/output_meaning.hpp"

namespace stagemark {

/// What the values of a graph are, followed back from its output.
class OnnxMeanings {
 public:
  /// How many values are followed, functions and branches included.
  static constexpr std::size_t most_steps = 100'000;

  /// \param outer of the graph around a branch; null for the model's own and in a function
  /// \param steps how many values may still be followed: of functions that call one another there is no end
  OnnxMeanings(const std::vector<OnnxNode>& nodes, const OnnxFunctions& functions, OnnxMeanings* outer, int depth,
               std::size_t& steps);
  OnnxMeanings(const OnnxParts& parts, const OnnxFunctions& functions, OnnxMeanings* outer, int depth,
               std::size_t& steps);

  /// What goes into a function.
  void is(const std::string& value, OutputMeaning meaning) { known_[value] = meaning; }

  OutputMeaning of(const std::string& value);

 private:
  static constexpr int deepest = 200;

  OutputMeaning made_by(const OnnxNode& node, const std::string& value);

  const OnnxFunctions& functions_;
  OnnxMeanings* outer_;
  int depth_;
  std::size_t& steps_;
  std::map<std::string_view, const OnnxNode*> makers_;
  std::map<std::string, OutputMeaning, std::less<>> known_;
};

}  // namespace stagemark
