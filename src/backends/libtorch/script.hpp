#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "stagemark/model/network.hpp"
#include "stagemark/model/output_meaning.hpp"
#include "tensor_source.hpp"

namespace stagemark::libtorch {

/// A TorchScript program, in one piece or split into backbone and head.
struct Script {
  using Function = std::function<at::Tensor(const at::Tensor&)>;

  Function network;   ///< N x 3 x H x W to logits
  Function backbone;  ///< N x 3 x H x W to features; empty where the program cannot be split
  Function head;      ///< features to logits; empty where the program cannot be split
  std::uint64_t parameters = 0;
  /// Of its parameters, or of the constants that they became; of the input where it has none.
  at::ScalarType precision;
  OutputMeaning meaning = OutputMeaning::unknown;  ///< of what it returns, by its code
};

/// How a program runs: as it is stored, or frozen (its tensors constants, normalisations folded) and optimised for
/// inference, each half by itself.
enum class ScriptExecution : std::uint8_t { as_stored, frozen };

/// Reads a program from a file, onto the CPU. Executes it as it is read: LibTorch's interpreter, not Python's, but for
/// files that one trusts.
torch::jit::Module load_program(const std::filesystem::path& file);

/// Whether the code of `forward` names a CUDA device, as tracing writes it.
bool names_cuda(const torch::jit::Module& program);

/// A precision that the code of `forward` casts to, or makes tensors of, and that is another one; absent where there is
/// none.
std::optional<at::ScalarType> other_precision(const torch::jit::Module& program, at::ScalarType precision);

/// Writes the network as a program with the sub-modules `features` and `classifier`, its parameters named as in the
/// checkpoint, in FP32 on the CPU.
torch::jit::Module make_program(const ResidualNetwork& description, const TensorSource& tensors);

/// Brings a program to the device and precision, as `module.to(device, precision)` does in PyTorch, with its kernels in
/// the memory format. It is split where it has `features` and `classifier`, or `backbone` and `head`, as sub-modules or
/// methods, and these, one after the other, give what the whole gives for `example`.
/// \param example N x 3 x H x W of the device, precision and memory format
/// \throws BackendError if it does not turn the example into N rows of logits
Script prepare_program(torch::jit::Module program, const at::Tensor& example, at::MemoryFormat memory_format,
                       ScriptExecution execution);

}  // namespace stagemark::libtorch
