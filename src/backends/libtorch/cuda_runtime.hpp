#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "stagemark/backend/registry.hpp"

/// What needs LibTorch's CUDA headers, and with them the CUDA toolkit's. CMake takes cuda_runtime.cpp where LibTorch has
/// CUDA, else cuda_runtime_absent.cpp.
namespace stagemark::libtorch::cuda_runtime {

/// Why LibTorch sees no device: the build, the driver, or no GPU that is visible.
Unavailable no_device();

/// Why this build has no CUDA graphs; absent if it has.
std::optional<Unavailable> graphs_unavailable();

/// Records the network as a CUDA graph, once for each batch size, and replays it. What it returns is the graph's own
/// output: valid until the next call.
/// \param network of inputs on the device; the same kernels at each call
std::function<at::Tensor(const at::Tensor&)> as_graph(std::function<at::Tensor(const at::Tensor&)> network);

/// Most memory that LibTorch's allocator has held on the device; absent where it cannot be told.
std::optional<std::uint64_t> peak_bytes(const at::Device& device);

}  // namespace stagemark::libtorch::cuda_runtime
