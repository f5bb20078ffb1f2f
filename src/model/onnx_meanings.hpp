#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/onnx_parts.hpp"
#include "stagemark/model/output_meaning.hpp"

namespace stagemark {

/// What the values of a graph are, followed from the image on.
class OnnxMeanings {
 public:
  OnnxMeanings(const OnnxParts& graph, const OnnxFunctions& functions);

  [[nodiscard]] NetworkValue of(std::string_view value) const { return graph_.of(value); }

 private:
  /// How many nodes are followed, those of functions at each call: of functions that call one another there is no end.
  static constexpr std::size_t most_steps = 100'000;
  static constexpr int deepest = 100;

  /// The values of a graph, function or branch by their names.
  struct Scope {
    std::map<std::string, NetworkValue, std::less<>> values;
    const Scope* outer = nullptr;  ///< of the graph around a branch

    /// Unknown where nothing before made it.
    [[nodiscard]] NetworkValue of(std::string_view value) const;
  };

  void follow(const OnnxParts& parts, Scope& scope, int depth);
  void follow(const std::vector<OnnxNode>& nodes, Scope& scope, int depth);
  std::vector<NetworkValue> made_by(const OnnxNode& node, const Scope& scope, int depth);
  std::vector<NetworkValue> returned_by(const OnnxFunction& function, const OnnxNode& node, const Scope& scope,
                                        int depth);
  std::vector<NetworkValue> of_branches(const OnnxNode& node, const Scope& scope, int depth);

  const OnnxFunctions& functions_;
  Scope graph_;
  std::size_t steps_ = 0;
};

}  // namespace stagemark
