#include <stdexcept>

#include "cuda_runtime.hpp"

namespace stagemark::libtorch::cuda_runtime {

Unavailable no_device() {
  return Unavailable{"this stagemark was built with a LibTorch without CUDA",
                     "build it with a CUDA LibTorch on a machine with an NVIDIA GPU, or use @cpu"};
}

std::optional<Unavailable> graphs_unavailable() {
  return Unavailable{"this stagemark was built with a LibTorch without CUDA, so it has no CUDA graphs",
                     "build it with a CUDA LibTorch, or leave out +graph"};
}

std::function<at::Tensor(const at::Tensor&)> as_graph(std::function<at::Tensor(const at::Tensor&)> /*network*/) {
  throw std::logic_error("no CUDA graphs in this build");
}

std::optional<std::uint64_t> peak_bytes(const at::Device& /*device*/) { return std::nullopt; }

}  // namespace stagemark::libtorch::cuda_runtime
