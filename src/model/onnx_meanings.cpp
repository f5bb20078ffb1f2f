#include "model/onnx_meanings.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>

namespace stagemark {
namespace {

NetworkValue constant_of(const std::optional<OnnxRange>& range) {
  return range ? NetworkValue{ValueKind::constant, range->low, range->high} : NetworkValue{ValueKind::constant};
}

NetworkValue attribute(const OnnxNode& node, const std::string& name) {
  const auto found = node.numbers.find(name);
  return found == node.numbers.end() ? NetworkValue{ValueKind::constant}
                                     : NetworkValue{ValueKind::constant, found->second, found->second};
}

/// Whether it is a Cast to integers.
bool rounds(const OnnxNode& node) {
  const auto to = node.numbers.find("to");
  if (node.operation != "Cast" || to == node.numbers.end() || to->second < 0) return false;
  const std::string_view type = onnx_element(static_cast<std::uint64_t>(to->second)).name;
  return type.find("int") != std::string_view::npos || type == "bool";
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// What an operation of ONNX gives first.
NetworkValue made_first(const OnnxNode& node, std::span<const NetworkValue> inputs) {
  // Other domains' operations may be called the same.
  if (!node.domain.empty() && node.domain != "com.microsoft") return {};
  if (node.operation == "Constant") {
    const NetworkValue number = attribute(node, node.numbers.contains("value_int") ? "value_int" : "value_float");
    return node.range ? constant_of(node.range) : number;
  }
  if (node.operation == "ConstantOfShape") return constant_of(node.range.value_or(OnnxRange{0, 0}));
  const NetworkValue made = value_after(lower(rounds(node) ? "floor" : node.operation), inputs);
  // What ONNX Runtime's optimiser made one of two: FusedGemm, FusedConv.
  const auto activation = node.texts.find("activation");
  return node.domain.empty() || activation == node.texts.end() ? made
                                                               : value_after(lower(activation->second), {&made, 1});
}

/// What an operation takes of the columns of shares, or between which it makes them.
Whose taken_by(const OnnxNode& node, std::span<const NetworkValue> inputs) {
  const auto number = [](const NetworkValue& value) -> std::optional<double> {
    return value.kind == ValueKind::constant && value.low == value.high ? std::optional(value.low) : std::nullopt;
  };
  // An attribute, or an input.
  const auto given = [&](const std::string& name, std::size_t i) -> std::optional<double> {
    if (const auto list = node.lists.find(name); list != node.lists.end() && list->second.size() == 1)
      return static_cast<double>(list->second.front());
    if (const auto found = node.numbers.find(name); found != node.numbers.end()) return found->second;
    return i > 0 && i < inputs.size() ? number(inputs[i]) : std::nullopt;
  };
  const auto is_of_classes = [](std::optional<double> axis) { return axis == 1 || axis == -1; };
  const auto is_first = [](std::optional<double> column) { return column == 0 || column == -2; };
  const std::string& name = node.operation;
  if (name == "Softmax" || name == "LogSoftmax") return given("axis", 0) == 0 ? Whose::batch : Whose::own;
  if (name == "Gather" && is_of_classes(given("axis", 0)) && is_first(given("", 1))) return Whose::other;
  if (name == "Slice" && is_of_classes(given("axes", 3)) && is_first(given("starts", 1))) {
    const double end = given("ends", 2).value_or(0);
    if (end == 1 || end == -1) return Whose::other;
  }
  if (name == "ReduceMax" && is_of_classes(given("axes", 1))) return Whose::winner;
  if (name == "TopK" && is_of_classes(given("axis", 0).value_or(-1))) return Whose::winner;
  return Whose::own;
}

}  // namespace

NetworkValue OnnxMeanings::Scope::of(std::string_view value) const {
  // An input that may be left out.
  if (value.empty()) return {ValueKind::constant};
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer) {
    if (const auto found = scope->values.find(value); found != scope->values.end()) return found->second;
  }
  return {};
}

OnnxMeanings::OnnxMeanings(const OnnxParts& graph, const OnnxFunctions& functions) : functions_(functions) {
  follow(graph, graph_, 0);
}

// NOLINTBEGIN(misc-no-recursion): no deeper than `deepest`
void OnnxMeanings::follow(const OnnxParts& parts, Scope& scope, int depth) {
  for (const OnnxDeclaration& input : parts.inputs) scope.values[input.name] = {ValueKind::logits};
  for (const OnnxInitialiser& tensor : parts.initialisers) scope.values[tensor.name] = constant_of(tensor.range);
  follow(parts.nodes, scope, depth);
}

void OnnxMeanings::follow(const std::vector<OnnxNode>& nodes, Scope& scope, int depth) {
  for (const OnnxNode& node : nodes) {
    if (steps_ >= most_steps || depth > deepest) return;
    ++steps_;
    const std::vector<NetworkValue> made = made_by(node, scope, depth);
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      scope.values[node.outputs[i]] = i < made.size() ? made[i] : NetworkValue();
  }
}

std::vector<NetworkValue> OnnxMeanings::made_by(const OnnxNode& node, const Scope& scope, int depth) {
  if (const auto function = functions_.find(node); function != functions_.end())
    return returned_by(function->second, node, scope, depth);
  if (node.operation == "If" && node.domain.empty()) return of_branches(node, scope, depth);
  std::vector<NetworkValue> inputs(node.inputs.size());
  std::ranges::transform(node.inputs, inputs.begin(), [&](const std::string& name) { return scope.of(name); });
  NetworkValue first = made_first(node, inputs);
  if (const Whose whose = taken_by(node, inputs); whose != Whose::own) first = taken_of(first, whose);
  first.self = steps_;
  std::vector<NetworkValue> result(node.outputs.size(), first);
  if (node.operation == "Split" || result.empty()) return result;
  const bool indices = node.operation == "TopK" || node.operation == "MaxPool";
  std::fill(result.begin() + 1, result.end(), NetworkValue{indices ? ValueKind::class_numbers : ValueKind::unknown});
  return result;
}

std::vector<NetworkValue> OnnxMeanings::returned_by(const OnnxFunction& function, const OnnxNode& node,
                                                    const Scope& scope, int depth) {
  Scope inside;
  for (std::size_t i = 0; i < function.inputs.size(); ++i)
    inside.values[function.inputs[i]] =
        i < node.inputs.size() ? scope.of(node.inputs[i]) : NetworkValue{ValueKind::constant};
  follow(function.nodes, inside, depth + 1);
  std::vector<NetworkValue> result(function.outputs.size());
  std::ranges::transform(function.outputs, result.begin(), [&](const std::string& name) { return inside.of(name); });
  return result;
}

std::vector<NetworkValue> OnnxMeanings::of_branches(const OnnxNode& node, const Scope& scope, int depth) {
  std::vector<std::vector<NetworkValue>> paths(node.outputs.size());
  for (const OnnxParts& branch : node.branches) {
    Scope inside{{}, &scope};
    follow(branch, inside, depth + 1);
    for (std::size_t i = 0; i < paths.size(); ++i)
      paths[i].push_back(i < branch.outputs.size() ? inside.of(branch.outputs[i].name) : NetworkValue());
  }
  std::vector<NetworkValue> result(paths.size());
  std::ranges::transform(paths, result.begin(), [](const auto& path) { return either_of(path); });
  return result;
}
// NOLINTEND(misc-no-recursion)

}  // namespace stagemark
