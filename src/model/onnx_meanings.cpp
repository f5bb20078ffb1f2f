#include "model/onnx_meanings.hpp"

#include <algorithm>
#include <cctype>

namespace stagemark {

OnnxMeanings::OnnxMeanings(const std::vector<OnnxNode>& nodes, const OnnxFunctions& functions, OnnxMeanings* outer,
                           int depth, std::size_t& steps)
    : functions_(functions), outer_(outer), depth_(depth), steps_(steps) {
  for (const OnnxNode& node : nodes) {
    for (const std::string& name : node.outputs) makers_[name] = &node;
  }
}

OnnxMeanings::OnnxMeanings(const OnnxParts& parts, const OnnxFunctions& functions, OnnxMeanings* outer, int depth,
                           std::size_t& steps)
    : OnnxMeanings(parts.nodes, functions, outer, depth, steps) {
  for (const OnnxInitialiser& tensor : parts.initialisers) known_[tensor.name] = OutputMeaning::constant;
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than `deepest`
OutputMeaning OnnxMeanings::of(const std::string& value) {
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

// NOLINTNEXTLINE(misc-no-recursion)
OutputMeaning OnnxMeanings::made_by(const OnnxNode& node, const std::string& value) {
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

}  // namespace stagemark
