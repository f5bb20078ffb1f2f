#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/compilation_unit.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine.hpp"
#include "script.hpp"
#include "stagemark/backends/libtorch.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "torch_network.hpp"

namespace stagemark::libtorch {
namespace {

using torch::jit::Module;
using Unit = std::shared_ptr<torch::jit::CompilationUnit>;

/// A module without tensors or code, and of a type of its own.
Module new_module(const Unit& unit) {
  return {c10::QualifiedName("__torch__.stagemark.Part"), unit, /*shouldMangle=*/true};
}

/// Writes one half of the network: its code as it grows, and a module that holds the code's tensors.
class Half {
 public:
  Half(const std::string& prefix, const TensorSource& tensors, const Unit& unit)
      : prefix_(prefix), tensors_(tensors), unit_(unit), module_(new_module(unit)) {}

  std::string normalised_convolution(const NormalisedConvolution& layer, const std::string& x) {
    const ConvolutionSpecification& c = layer.convolution;
    const NormalisationSpecification& n = layer.normalisation;
    const std::string convolved = let("torch.conv2d", {x, parameter(c.weight), "None", std::to_string(c.stride),
                                                       std::to_string(c.padding), "1", std::to_string(c.groups)});
    return let("torch.batch_norm", {convolved, parameter(n.weight), parameter(n.bias), buffer(n.running_mean),
                                    buffer(n.running_variance), "False", "0.1", "1e-05", "True"});
  }
  std::string linear(const LinearSpecification& layer, const std::string& x) {
    return let("torch.linear", {x, parameter(layer.weight), parameter(layer.bias)});
  }
  std::string relu(const std::string& x) { return let("torch.relu", {x}); }

  /// A variable with what the function returns.
  std::string let(std::string_view function, const std::vector<std::string>& arguments) {
    std::string variable = "x";
    variable += std::to_string(++variables_);
    code_.append("  ").append(variable).append(" = ").append(function);
    char separator = '(';
    for (const std::string& argument : arguments) {
      code_ += separator;
      code_ += argument;
      separator = ',';
    }
    code_ += ")\n";
    return variable;
  }

  Module finish(const std::string& result) {
    module_.define(code_.append("  return ").append(result).append("\n"));
    return module_;
  }

 private:
  std::string parameter(const std::string& name) { return hold(name, /*is_buffer=*/false); }
  std::string buffer(const std::string& name) { return hold(name, /*is_buffer=*/true); }

  /// Holds the tensor in sub-modules after the dots in its name. \return the expression for it
  std::string hold(std::string name, bool is_buffer) {
    const at::Tensor tensor = tensors_(name);
    if (name.starts_with(prefix_)) name.erase(0, prefix_.size());
    Module owner = module_;
    std::string expression = "self";
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.')) {
      const std::string child = name.substr(0, dot);
      if (!owner.hasattr(child)) owner.register_module(child, new_module(unit_));
      owner = owner.attr(child).toModule();
      expression.insert(0, "getattr(").append(", \"").append(child).append("\")");
      name.erase(0, dot + 1);
    }
    if (is_buffer) {
      owner.register_buffer(name, tensor);
    } else {
      owner.register_parameter(name, tensor, /*is_buffer=*/false);
    }
    return expression.append(".").append(name);
  }

  std::string prefix_;
  const TensorSource& tensors_;
  Unit unit_;
  Module module_;
  std::string code_ = "def forward(self, x: Tensor) -> Tensor:\n";
  std::size_t variables_ = 0;
};

Module backbone(const ResidualNetwork& description, const TensorSource& tensors, const Unit& unit) {
  Half half("features.", tensors, unit);
  std::string x = half.relu(half.normalised_convolution(description.stem, "x"));
  x = half.let("torch.max_pool2d", {x, "[3, 3]", "[2, 2]", "[1, 1]"});
  for (const auto& stage : description.stages) {
    for (const ResidualBlock& block : stage) {
      std::string residual = x;
      for (std::size_t i = 0; i < block.convolutions.size(); ++i) {
        residual = half.normalised_convolution(block.convolutions[i], residual);
        if (i + 1 < block.convolutions.size()) residual = half.relu(residual);
      }
      const std::string beside = block.downsample ? half.normalised_convolution(*block.downsample, x) : x;
      x = half.relu(half.let("torch.add", {residual, beside}));
    }
  }
  return half.finish(x);
}

Module head(const ResidualNetwork& description, const TensorSource& tensors, const Unit& unit) {
  Half half("classifier.", tensors, unit);
  std::string x = half.let("torch.flatten", {half.let("torch.adaptive_avg_pool2d", {"x", "[1, 1]"}), "1"});
  for (const LinearSpecification& layer : description.head) {
    x = half.linear(layer, x);
    if (layer.relu) x = half.relu(x);
  }
  return half.finish(x);
}

}  // namespace

Module make_program(const ResidualNetwork& description, const TensorSource& tensors) {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  Module program = new_module(unit);
  program.register_module("features", backbone(description, tensors, unit));
  program.register_module("classifier", head(description, tensors, unit));
  program.define(
      "def forward(self, x: Tensor) -> Tensor:\n"
      "  return self.classifier.forward(self.features.forward(x))\n");
  program.eval();
  return program;
}

void export_torchscript(const std::filesystem::path& checkpoint, const std::filesystem::path& file) {
  const Checkpoint stored = Checkpoint::open(checkpoint);
  const ResidualNetwork description = describe_network(stored);
  try {
    make_program(description, tensors_of(stored)).save(file.string());
  } catch (const std::exception& error) {
    throw OutputError("cannot write the TorchScript program: " + sentence_in(error), file.string());
  }
}

}  // namespace stagemark::libtorch
