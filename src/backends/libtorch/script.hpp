#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <functional>

namespace stagemark::libtorch {

/// A TorchScript program, in one piece or split into backbone and head.
struct Script {
  using Function = std::function<at::Tensor(const at::Tensor&)>;

  Function network;   ///< N x 3 x H x W to logits
  Function backbone;  ///< N x 3 x H x W to features; empty where the program cannot be split
  Function head;      ///< features to logits; empty where the program cannot be split
  std::uint64_t parameters = 0;
  /// Of its parameters; of the input where it has none.
  at::ScalarType precision;
};

/// Loads a program and brings it to the device and precision, as `module.to(device, precision)` does in PyTorch, with
/// its kernels channels-last. It is split where it has `features` and `classifier`, or `backbone` and `head`, as
/// sub-modules or methods, and these, one after the other, give what the whole gives for `example`.
/// Executes the program: LibTorch's interpreter, not Python's, but for files that one trusts.
/// \param example N x 3 x H x W of the device and precision
/// \throws BackendError if it cannot be loaded, or does not turn the example into N rows of logits
Script load_script(const std::filesystem::path& file, const at::Tensor& example);

}  // namespace stagemark::libtorch
