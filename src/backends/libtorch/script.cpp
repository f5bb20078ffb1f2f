#include "script.hpp"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark::libtorch {
namespace {

using torch::jit::Module;

void bring_to(Module& module, at::Device device, at::ScalarType precision) {
  const auto place = [&](at::Tensor tensor) {
    at::Tensor placed = tensor.detach().to(device, tensor.is_floating_point() ? precision : tensor.scalar_type());
    if (placed.dim() == 4) placed = placed.contiguous(at::MemoryFormat::ChannelsLast);
    tensor.set_data(placed);
  };
  for (const at::Tensor& tensor : module.parameters()) place(tensor);
  for (const at::Tensor& tensor : module.buffers()) place(tensor);
}

/// A method of the program, or the `forward` of a sub-module, as a function of one tensor.
std::optional<Script::Function> part(const Module& module, const std::string& name) {
  const auto call = [](const Module& owner, const std::string& method) {
    return [owner, method](const at::Tensor& input) {
      const c10::IValue output = owner.get_method(method)({input});
      if (!output.isTensor()) throw BackendError("it returns no tensor");
      return output.toTensor();
    };
  };
  if (module.find_method(name)) return call(module, name);
  for (const auto& [child_name, child] : module.named_children()) {
    if (child_name == name && child.find_method("forward")) return call(child, "forward");
  }
  return std::nullopt;
}

/// One row of logits for each image: N alone is one logit each.
Script::Function with_rows(Script::Function function) {
  return [function = std::move(function)](const at::Tensor& input) {
    const at::Tensor output = function(input);
    const std::int64_t images = input.size(0);
    if (output.dim() == 0 || output.dim() > 2 || output.size(0) != images || output.numel() == 0) {
      throw BackendError("it does not return one row of logits for each image");
    }
    return output.dim() == 1 ? output.unsqueeze(1) : output;
  };
}

/// Whether the parts, one after the other, are the whole.
bool compose(const Script::Function& backbone, const Script::Function& head, const at::Tensor& example,
             const at::Tensor& expected) try {
  const at::Tensor logits = head(backbone(example)).to(at::kFloat);
  // The same kernels on the same numbers: a program that does more between its parts is far off.
  return logits.sizes() == expected.sizes() && at::allclose(logits, expected, /*rtol=*/1e-3, /*atol=*/1e-3);
} catch (const std::exception&) {
  return false;
}

}  // namespace

Script load_script(const std::filesystem::path& file, const at::Tensor& example) {
  Module module = torch::jit::load(file.string(), at::Device(at::kCPU));
  module.eval();
  bring_to(module, example.device(), example.scalar_type());

  Script script;
  script.precision = example.scalar_type();
  for (const at::Tensor& parameter : module.parameters()) {
    if (script.parameters == 0) script.precision = parameter.scalar_type();
    script.parameters += static_cast<std::uint64_t>(parameter.numel());
  }
  const auto forward = part(module, "forward");
  if (!forward) throw BackendError("it has no method 'forward'");
  script.network = with_rows(*forward);

  const at::Tensor expected = script.network(example).to(at::kFloat);
  constexpr std::array<std::pair<const char*, const char*>, 2> names = {
      {{"features", "classifier"}, {"backbone", "head"}}};
  for (const auto& [backbone_name, head_name] : names) {
    const auto backbone = part(module, backbone_name);
    auto head = part(module, head_name);
    if (!backbone || !head) continue;
    const Script::Function rows = with_rows(*std::move(head));
    if (!compose(*backbone, rows, example, expected)) continue;
    script.backbone = *backbone;
    script.head = rows;
    break;
  }
  return script;
}

}  // namespace stagemark::libtorch
