#pragma once

#include <filesystem>
#include <optional>

#include "engine.hpp"
#include "stagemark/backend/registry.hpp"

/// AOTInductor packages: what `torch.compile` makes ahead of time. CMake takes aoti.cpp where LibTorch can load them, else
/// aoti_absent.cpp.
namespace stagemark::libtorch::aoti {

/// Why packages cannot be loaded in this build; absent if they can.
std::optional<Unavailable> unavailable();

/// Loads a package. Executes the machine code in it: for files that one trusts.
/// \param example   N x 3 x H x W of the precision, on the device
/// \throws BackendError if its weights are of another precision, or it does not turn the example into N rows of logits
LoadedNetwork load(const std::filesystem::path& file, const at::Tensor& example);

}  // namespace stagemark::libtorch::aoti
