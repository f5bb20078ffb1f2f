#include "script.hpp"

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/common_subexpression_elimination.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/lower_tuples.h>
#include <torch/csrc/jit/passes/remove_mutation.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark::libtorch {
namespace {

using torch::jit::Module;

/// What a program's tensors are to become.
struct Placement {
  at::Device device;
  at::ScalarType precision;
  at::MemoryFormat memory_format;

  [[nodiscard]] at::Tensor of(const at::Tensor& tensor) const {
    at::Tensor placed = tensor.detach().to(device, tensor.is_floating_point() ? precision : tensor.scalar_type());
    return placed.dim() == 4 ? placed.contiguous(memory_format) : placed;
  }
};

/// Puts what `change` makes of each tensor in its place.
template <class Change>
void change_tensors(Module& module, const Change& change) {
  for (at::Tensor tensor : module.parameters()) tensor.set_data(change(tensor));
  for (at::Tensor tensor : module.buffers()) tensor.set_data(change(tensor));
}

void bring_to(Module& module, const Placement& placement) {
  change_tensors(module, [&](const at::Tensor& tensor) { return placement.of(tensor); });
}

/// Calls `visit` for each node, also within branches and loops. \return whether it returned true for one
template <class Visit>
bool any_node(torch::jit::Block& block, const Visit& visit) {
  for (torch::jit::Node* node : block.nodes()) {
    if (visit(*node)) return true;
    for (torch::jit::Block* inner : node->blocks()) {
      if (any_node(*inner, visit)) return true;
    }
  }
  return false;
}

/// Calls `visit` for each tensor that is a constant of the graph.
template <class Visit>
void for_each_constant(torch::jit::Block& block, const Visit& visit) {
  any_node(block, [&](torch::jit::Node& node) {
    const bool tensor = node.kind() == torch::jit::prim::Constant && node.hasAttribute(torch::jit::attr::value) &&
                        node.kindOf(torch::jit::attr::value) == torch::jit::AttributeKind::t;
    if (tensor) visit(node, node.t(torch::jit::attr::value));
    return false;
  });
}

void bring_constants_to(Module& module, const std::string& method, const Placement& placement) {
  const auto place = [&](torch::jit::Node& node, const at::Tensor& tensor) {
    const at::Tensor placed = placement.of(tensor);
    node.t_(torch::jit::attr::value, placed);
    node.output()->inferTypeFrom(placed);
  };
  for_each_constant(*module.get_method(method).graph()->block(), place);
}

/// The precision of a method's weights; absent where it has none. One that is not `expected` wins.
std::optional<at::ScalarType> precision_of_constants(const Module& module, const std::string& method,
                                                     at::ScalarType expected) {
  std::optional<at::ScalarType> precision;
  const auto look = [&](torch::jit::Node&, const at::Tensor& tensor) {
    const bool weight = tensor.is_floating_point() && tensor.dim() > 0;
    if (weight && (!precision || *precision == expected)) precision = tensor.scalar_type();
  };
  for_each_constant(*module.get_method(method).graph()->block(), look);
  return precision;
}

/// A method of the program or of one of its sub-modules.
struct Part {
  Module owner;
  std::string method;

  [[nodiscard]] Script::Function function() const {
    return [owner = owner, method = method](const at::Tensor& input) {
      const c10::IValue output = owner.get_method(method)({input});
      if (!output.isTensor()) throw BackendError("it returns no tensor");
      return output.toTensor();
    };
  }
};

/// A method of the program, or the `forward` of a sub-module.
std::optional<Part> part(const Module& module, const std::string& name) {
  if (module.find_method(name)) return Part{module, name};
  for (const auto& [child_name, child] : module.named_children()) {
    if (child_name == name && child.find_method("forward")) return Part{child, "forward"};
  }
  return std::nullopt;
}

/// Brings weights of less than float32 to it: processors have no kernels for some operations in half precision, and what
/// is folded in it is rounded twice.
void widen(Module& module) {
  change_tensors(module, [](const at::Tensor& tensor) {
    const bool narrow = tensor.scalar_type() == at::kHalf || tensor.scalar_type() == at::kBFloat16;
    return narrow ? tensor.detach().to(at::kFloat) : tensor.detach();
  });
}

/// The code of `forward` with all that it calls, as a copy.
std::shared_ptr<torch::jit::Graph> inlined(const Module& program) {
  std::shared_ptr<torch::jit::Graph> graph = program.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  return graph;
}

/// The code of `forward` as it runs without further arguments: attributes and the branches that they decide are settled.
std::shared_ptr<torch::jit::Graph> settled(const Module& program) {
  std::shared_ptr<torch::jit::Graph> graph;
  try {
    graph = torch::jit::freeze_module(program).get_method("forward").graph()->copy();
  } catch (const std::exception&) {
    graph = inlined(program);
  }
  const auto& arguments = program.get_method("forward").function().getSchema().arguments();
  const torch::jit::WithInsertPoint start(*graph->nodes().begin());
  for (std::size_t i = 0; i < std::min(arguments.size(), graph->inputs().size()); ++i) {
    if (const auto& value = arguments[i].default_value())
      graph->inputs()[i]->replaceAllUsesWith(torch::jit::insertConstant(*graph, *value));
  }
  torch::jit::ConstantPropagation(graph);
  torch::jit::RemoveListMutation(graph);
  torch::jit::LowerSimpleTuples(graph);
  torch::jit::EliminateCommonSubexpression(graph);
  return graph;
}

/// What the values of a program are, followed from the image on.
class Meanings {
 public:
  explicit Meanings(const std::shared_ptr<torch::jit::Graph>& graph) : graph_(graph), aliases_(graph) {
    using namespace torch::jit;
    any_node(*graph->block(), [&](Node& node) {
      const c10::FunctionSchema* const schema = node.maybeSchema();
      if (schema != nullptr && schema->is_mutable()) writers_.push_back(&node);
      sets_attributes_ = sets_attributes_ || node.kind() == prim::SetAttr;
      return false;
    });
    for (const Value* input : graph->inputs()) {
      const bool tensor = input->type()->isSubtypeOf(*c10::TensorType::get());
      known_[input] = {tensor ? ValueKind::logits : ValueKind::constant};
    }
    follow(*graph->block());
  }

  /// Of what the program returns.
  [[nodiscard]] OutputMeaning of_result() const {
    return meaning_of(seen_by(*graph_->return_node(), *graph_->outputs().at(0)));
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion): as deep as branches lie within each other
  void follow(torch::jit::Block& block) {
    for (torch::jit::Node* node : block.nodes()) {
      if (node->kind() == torch::jit::prim::If) {
        for (torch::jit::Block* branch : node->blocks()) follow(*branch);
      }
      for (torch::jit::Value* output : node->outputs()) {
        NetworkValue made = made_by(*node, output->offset());
        made.self = known_.size() + 1;
        known_[output] = made;
      }
    }
  }

  /// What a value is where a node uses it: what the last change in place made of it, or unknown if that came by a view of
  /// it or only on some ways.
  [[nodiscard]] NetworkValue seen_by(const torch::jit::Node& user, torch::jit::Value& value) const {
    const torch::jit::Value* last = &value;
    for (torch::jit::Node* writer : writers_) {
      if (writer == &user || writer == value.node() || !writer->isAfter(value.node()) || !writer->isBefore(&user) ||
          !aliases_.writesToAlias(writer, torch::jit::ValueSet{&value}))
        continue;
      const bool followed = writer->inputs()[0] == &value && !writer->outputs().empty();
      if (!followed || writer->owningBlock() != user.owningBlock()) return {};
      last = writer->outputs()[0];
    }
    const auto found = known_.find(last);
    return found == known_.end() ? NetworkValue() : found->second;
  }

  [[nodiscard]] NetworkValue made_by(torch::jit::Node& node, std::size_t output) const {
    using namespace torch::jit;
    if (node.kind() == prim::Constant) return of_constant(*node.output());
    // What can change stays an attribute of a frozen program.
    if (node.kind() == prim::GetAttr && !sets_attributes_) return {ValueKind::constant};
    if (node.kind() == prim::If) return of_branches(node, output);
    if (!node.kind().is_aten() && !node.kind().is_prim()) return {};
    std::vector<NetworkValue> inputs(node.inputs().size());
    std::ranges::transform(node.inputs(), inputs.begin(), [&](Value* input) { return seen_by(node, *input); });
    const std::string name = name_of(node);
    if (!node.kind().is_aten() || output == 0) {
      const NetworkValue made = value_after(name, inputs);
      const Whose whose = node.kind().is_aten() ? taken_by(node, name) : Whose::own;
      return whose == Whose::own ? made : taken_of(made, whose);
    }
    // The second thing that they return is where the first one was.
    constexpr std::array<std::string_view, 8> with_indices = {
        "reducemax", "reducemin", "topk", "sort", "mode", "median", "kthvalue", "max_pool2d_with_indices"};
    const bool indices = std::ranges::find(with_indices, name) != with_indices.end();
    return {indices ? ValueKind::class_numbers : ValueKind::unknown};
  }

  /// As the table of operations has it.
  static std::string name_of(const torch::jit::Node& node) {
    std::string name = node.kind().toUnqualString();
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.ends_with('_') && !name.ends_with("__")) name.pop_back();
    const auto input = [&](std::size_t i) {
      const auto none = c10::IValue();
      return i < node.inputs().size() ? torch::jit::toIValue(node.inputs()[i]).value_or(none) : none;
    };
    // Along dimensions; ONNX calls so what is made of several values.
    constexpr std::array<std::string_view, 4> also_reduce = {"sum", "mean", "max", "min"};
    const bool one = node.inputs().size() < 2 || !node.inputs()[1]->type()->isSubtypeOf(*c10::TensorType::get());
    if (one && node.kind().is_aten() && std::ranges::find(also_reduce, name) != also_reduce.end())
      return "reduce" + name;
    if (name == "div" && input(2).isString()) return "floor";
    const auto integers = [](const c10::IValue& type) {
      return type.isInt() && c10::isIntegralType(static_cast<at::ScalarType>(type.toInt()), /*includeBool=*/true);
    };
    if (name == "to" && (integers(input(1)) || integers(input(2)))) return "floor";
    return name;
  }

  /// What an operation takes of the columns of shares, or between which it makes them.
  static Whose taken_by(const torch::jit::Node& node, const std::string& name) {
    // An integer, also by itself in a list; nothing is 0.
    const auto number = [&](std::size_t i) -> std::optional<std::int64_t> {
      if (i >= node.inputs().size()) return std::nullopt;
      const auto constant = torch::jit::toIValue(node.inputs()[i]);
      if (!constant) return std::nullopt;
      if (constant->isNone()) return 0;
      if (constant->isIntList() && constant->toIntVector().size() == 1) return constant->toIntVector().front();
      return constant->isInt() ? std::optional(constant->toInt()) : std::nullopt;
    };
    const auto is_of_classes = [&](std::size_t i) { return number(i) == 1 || number(i) == -1; };
    const auto is_first = [&](std::size_t i) { return number(i) == 0 || number(i) == -2; };
    const auto is_any_of = [&](std::initializer_list<std::string_view> names) {
      return std::ranges::find(names, name) != names.end();
    };
    if (is_any_of({"softmax", "_softmax", "log_softmax", "_log_softmax", "special_softmax", "special_log_softmax"}))
      return number(1) == 0 ? Whose::batch : Whose::own;
    if (name == "select" && is_of_classes(1) && is_first(2)) return Whose::other;
    if (name == "slice" && is_of_classes(1) && is_first(2) && (number(3) == 1 || number(3) == -1)) return Whose::other;
    if (name == "narrow" && is_of_classes(1) && is_first(2) && number(3) == 1) return Whose::other;
    if (is_any_of({"amax", "reducemax"}) && is_of_classes(1)) return Whose::winner;
    return name == "topk" && (node.inputs().size() < 3 || is_of_classes(2)) ? Whose::winner : Whose::own;
  }

  static NetworkValue of_constant(const torch::jit::Value& value) {
    NetworkValue result{ValueKind::constant};
    const auto constant = torch::jit::toIValue(&value);
    constexpr std::int64_t few = 1024;
    if (!constant) return result;
    if (constant->isTensor() && constant->toTensor().numel() > 0 && constant->toTensor().numel() <= few &&
        !constant->toTensor().is_complex()) {
      const at::Tensor numbers = constant->toTensor().to(at::kCPU, at::kDouble);
      result.low = numbers.min().item<double>();
      result.high = numbers.max().item<double>();
    } else if (constant->isInt()) {
      result.low = result.high = static_cast<double>(constant->toInt());
    } else if (constant->isDouble()) {
      result.low = result.high = constant->toDouble();
    } else if (constant->isBool()) {
      result.low = result.high = constant->toBool() ? 1 : 0;
    }
    return result;
  }

  /// Of those that end, and with a tensor.
  [[nodiscard]] NetworkValue of_branches(torch::jit::Node& node, std::size_t output) const {
    std::vector<NetworkValue> paths;
    for (torch::jit::Block* block : node.blocks()) {
      torch::jit::Value& value = *block->outputs()[output];
      const bool none = value.type()->kind() == c10::TypeKind::NoneType;
      if (!none && value.node()->kind() != torch::jit::prim::Uninitialized)
        paths.push_back(seen_by(*block->return_node(), value));
    }
    return either_of(paths);
  }

  std::shared_ptr<torch::jit::Graph> graph_;
  torch::jit::AliasDb aliases_;
  std::vector<torch::jit::Node*> writers_;
  bool sets_attributes_ = false;
  std::map<const torch::jit::Value*, NetworkValue> known_;
};

/// The part by itself, frozen and optimised. Normalisations are folded while the tensors are as stored, or float32: the
/// weights that this yields are then rounded once.
Part frozen(const Part& part, const Placement& placement) {
  const std::vector<std::string> kept =
      part.method == "forward" ? std::vector<std::string>() : std::vector<std::string>{part.method};
  Module whole = part.owner;
  widen(whole);
  Part result{torch::jit::freeze(whole, kept), part.method};
  bring_to(result.owner, placement);
  bring_constants_to(result.owner, part.method, placement);
  result.owner = torch::jit::optimize_for_inference(result.owner, kept);
  return result;
}

/// Returns one row of logits for each image, also where the function returns N numbers: one logit for each; or N x C maps
/// of one pixel.
Script::Function with_rows(Script::Function function) {
  return [function = std::move(function)](const at::Tensor& input) {
    at::Tensor output = function(input);
    const std::int64_t images = input.size(0);
    while (output.dim() > 2 && output.size(-1) == 1) output = output.squeeze(-1);
    if (output.dim() == 0 || output.dim() > 2 || output.size(0) != images || output.numel() == 0) {
      std::string shape;
      for (const std::int64_t size : output.sizes()) shape += (shape.empty() ? "" : " x ") + std::to_string(size);
      throw BackendError("it returns " + (shape.empty() ? "one number" : shape) + " of " + std::to_string(images) +
                         (images == 1 ? " image" : " images") + ", not one row of logits for each image");
    }
    if (!output.is_floating_point()) {
      expect_readable(OutputMeaning::class_numbers, std::nullopt, c10::toString(output.scalar_type()));
    }
    return output.dim() == 1 ? output.unsqueeze(1) : output;
  };
}

/// Whether the parts, one after the other, are the whole.
bool compose(const Script::Function& backbone, const Script::Function& head, const at::Tensor& example,
             const at::Tensor& expected) try {
  const at::Tensor logits = head(backbone(example)).to(at::kFloat);
  // Both run the same kernels on the same numbers, so that only a program that does more between its parts differs.
  return logits.sizes() == expected.sizes() && at::allclose(logits, expected, /*rtol=*/1e-3, /*atol=*/1e-3);
} catch (const std::exception&) {
  return false;
}

}  // namespace

bool names_cuda(const Module& program) {
  if (!program.find_method("forward")) return false;
  const std::shared_ptr<torch::jit::Graph> code = inlined(program);
  return any_node(*code->block(), [](torch::jit::Node& node) {
    return node.kind() == torch::jit::prim::Constant && node.output()->type()->kind() == c10::TypeKind::DeviceObjType &&
           node.hasAttribute(torch::jit::attr::value) && node.s(torch::jit::attr::value).starts_with("cuda");
  });
}

std::optional<at::ScalarType> other_precision(const Module& program, at::ScalarType precision) {
  if (!program.find_method("forward")) return std::nullopt;
  std::optional<at::ScalarType> other;
  const auto look = [&](const c10::IValue& type) {
    if (!type.isInt() || type.toInt() < 0 || type.toInt() >= static_cast<std::int64_t>(at::ScalarType::NumOptions))
      return;
    const auto named = static_cast<at::ScalarType>(type.toInt());
    if (c10::isFloatingType(named) && named != precision) other = named;
  };
  const std::shared_ptr<torch::jit::Graph> code = inlined(program);
  any_node(*code->block(), [&](torch::jit::Node& node) {
    const c10::FunctionSchema* const schema = node.maybeSchema();
    if (schema == nullptr || !node.kind().is_aten()) return false;
    for (std::size_t i = 0; i < std::min(schema->arguments().size(), node.inputs().size()); ++i) {
      if (schema->arguments()[i].name() == "dtype")
        look(torch::jit::toIValue(node.inputs()[i]).value_or(c10::IValue()));
    }
    return other.has_value();
  });
  return other;
}

Module load_program(const std::filesystem::path& file) {
  Module module = torch::jit::load(file.string(), at::Device(at::kCPU));
  module.eval();
  return module;
}

Script prepare_program(Module program, const at::Tensor& example, at::MemoryFormat memory_format,
                       ScriptExecution execution) {
  // Where LibTorch has LLVM (Debian 13's has), it would compile the head into one kernel at the second call, and take
  // longer over it than anyone waits.
  torch::jit::setTensorExprFuserEnabled(example.device().is_cuda());
  const Placement placement{example.device(), example.scalar_type(), memory_format};
  Script script;
  script.precision = placement.precision;
  for (const at::Tensor& parameter : program.parameters()) {
    script.parameters += static_cast<std::uint64_t>(parameter.numel());
  }
  if (execution == ScriptExecution::as_stored) {
    bring_to(program, placement);
    for (const at::Tensor& parameter : program.parameters()) {
      if (script.precision == placement.precision) script.precision = parameter.scalar_type();
    }
  }
  const auto prepared = [&](const Part& as_stored) {
    if (execution == ScriptExecution::as_stored) return as_stored.function();
    const Part optimised = frozen(as_stored, placement);
    const auto precision = precision_of_constants(optimised.owner, optimised.method, placement.precision);
    if (precision && script.precision == placement.precision) script.precision = *precision;
    return optimised.function();
  };

  const auto forward = part(program, "forward");
  if (!forward) throw BackendError("it has no method 'forward'");
  script.meaning = Meanings(settled(program)).of_result();
  expect_readable(script.meaning, std::nullopt);
  script.network = with_rows(prepared(*forward));

  const at::Tensor expected = script.network(example).to(at::kFloat);
  expect_readable(script.meaning, static_cast<std::size_t>(expected.size(1)));
  constexpr std::array<std::pair<const char*, const char*>, 2> names = {
      {{"features", "classifier"}, {"backbone", "head"}}};
  for (const auto& [backbone_name, head_name] : names) {
    const auto backbone_part = part(program, backbone_name);
    const auto head_part = part(program, head_name);
    if (!backbone_part || !head_part) continue;
    const Script::Function backbone = prepared(*backbone_part);
    const Script::Function head = with_rows(prepared(*head_part));
    if (!compose(backbone, head, example, expected)) continue;
    script.backbone = backbone;
    script.head = head;
    break;
  }
  return script;
}

}  // namespace stagemark::libtorch
