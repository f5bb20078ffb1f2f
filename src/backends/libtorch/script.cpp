#include "script.hpp"

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <array>
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

/// What the values of a program are, followed back from what it returns.
class Meanings {
 public:
  // NOLINTNEXTLINE(misc-no-recursion): no deeper than `deepest`
  OutputMeaning of(const torch::jit::Value& value) {
    if (const auto found = known_.find(&value); found != known_.end()) return found->second;
    known_[&value] = OutputMeaning::unknown;
    if (depth_ >= deepest) return OutputMeaning::unknown;
    ++depth_;
    const OutputMeaning meaning = made(value);
    --depth_;
    known_[&value] = meaning;
    return meaning;
  }

 private:
  static constexpr int deepest = 200;

  // NOLINTNEXTLINE(misc-no-recursion)
  OutputMeaning made(const torch::jit::Value& value) {
    using namespace torch::jit;
    const Node& node = *value.node();
    const auto input = [&](std::size_t i) { return of(*node.inputs()[i]); };
    if (node.kind() == prim::Param)
      return value.type()->isSubtypeOf(*c10::TensorType::get()) ? OutputMeaning::logits : OutputMeaning::constant;
    if (node.kind() == prim::Constant || node.kind() == prim::GetAttr) return OutputMeaning::constant;
    if (node.kind() == prim::ListConstruct || node.kind() == prim::TupleConstruct)
      return meaning_after("concat", node.inputs().size(), input);
    if (node.kind() == prim::ListUnpack || node.kind() == prim::TupleUnpack || node.kind() == prim::TupleIndex)
      return input(0);
    if (node.kind() == prim::If) return of_branches(node, value.offset());
    if (!node.kind().is_aten()) return node.kind().is_prim() ? OutputMeaning::constant : OutputMeaning::unknown;
    std::string name = node.kind().toUnqualString();
    if (name.ends_with('_') && !name.ends_with("__")) name.pop_back();
    // The second thing that they return is where the first one was.
    constexpr std::array<std::string_view, 8> with_indices = {"max",  "min",    "topk",     "sort",
                                                              "mode", "median", "kthvalue", "max_pool2d_with_indices"};
    if (value.offset() == 1 && std::ranges::find(with_indices, name) != with_indices.end())
      return OutputMeaning::class_numbers;
    return meaning_after(name, node.inputs().size(), input);
  }

  /// Softmax branches on whether a type was asked for. NOLINTNEXTLINE(misc-no-recursion)
  OutputMeaning of_branches(const torch::jit::Node& node, std::size_t output) {
    std::vector<const torch::jit::Value*> values;
    for (const torch::jit::Block* block : node.blocks()) {
      const torch::jit::Value* value = block->outputs()[output];
      if (value->node()->kind() != torch::jit::prim::Uninitialized) values.push_back(value);
    }
    return meaning_after("concat", values.size(), [&](std::size_t i) { return of(*values[i]); });
  }

  std::map<const torch::jit::Value*, OutputMeaning> known_;
  int depth_ = 0;
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

/// Returns one row of logits for each image, also where the function returns N numbers: one logit for each.
Script::Function with_rows(Script::Function function) {
  return [function = std::move(function)](const at::Tensor& input) {
    const at::Tensor output = function(input);
    const std::int64_t images = input.size(0);
    if (output.dim() == 0 || output.dim() > 2 || output.size(0) != images || output.numel() == 0) {
      throw BackendError("it does not return one row of logits for each image");
    }
    if (!output.is_floating_point()) {
      throw BackendError("it returns class numbers (" + std::string(c10::toString(output.scalar_type())) +
                         "), and neither logits nor probabilities");
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
  const std::shared_ptr<torch::jit::Graph> code = inlined(program);
  script.meaning = Meanings().of(*code->outputs().at(0));
  if (script.meaning == OutputMeaning::class_numbers)
    throw BackendError("it returns class numbers or rounded ones, and neither logits nor probabilities");
  script.network = with_rows(prepared(*forward));

  const at::Tensor expected = script.network(example).to(at::kFloat);
  if (script.meaning == OutputMeaning::log_probabilities && expected.size(1) == 1)
    throw BackendError("it returns the logarithm of a probability: save it without the logarithm");
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
