#include "cuda_runtime.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/cuda.h>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine.hpp"

namespace stagemark::libtorch::cuda_runtime {
namespace {

using Function = std::function<at::Tensor(const at::Tensor&)>;

/// One recording: a graph reads and writes the same memory at each replay.
struct Recording {
  at::Tensor input, output;
  at::cuda::CUDAGraph graph;
};

std::unique_ptr<Recording> record(const Function& network, const at::Tensor& example) {
  // Libraries choose kernels and take work space in the first calls, which must not happen within a recording.
  constexpr int warm_up_calls = 3;
  const c10::cuda::CUDAGuard device(example.device());
  auto recording = std::make_unique<Recording>();
  recording->input = example.clone();
  torch::cuda::synchronize(example.device().index());
  // The default stream cannot be recorded.
  const c10::cuda::CUDAStream side = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, example.device().index());
  {
    const c10::cuda::CUDAStreamGuard on_side(side);
    for (int i = 0; i < warm_up_calls; ++i) (void)network(recording->input);
    side.synchronize();
    recording->graph.capture_begin();
    recording->output = network(recording->input);
    recording->graph.capture_end();
  }
  torch::cuda::synchronize(example.device().index());
  return recording;
}

}  // namespace

Unavailable no_device() {
  try {
    (void)c10::cuda::device_count_ensure_non_zero();
  } catch (const std::exception& error) {
    // Its first sentence says which; what follows tells where drivers are to be had.
    const std::string text = sentence_in(error);
    return Unavailable{text.substr(0, text.find(". ")),
                       "see with nvidia-smi that the driver works, and look at CUDA_VISIBLE_DEVICES; or use @cpu"};
  }
  return Unavailable{"no CUDA device is visible", "look at CUDA_VISIBLE_DEVICES, or use @cpu"};
}

std::optional<Unavailable> graphs_unavailable() { return std::nullopt; }

Function as_graph(Function network) {
  const auto recordings = std::make_shared<std::map<std::int64_t, std::unique_ptr<Recording>>>();
  return [network = std::move(network), recordings](const at::Tensor& input) {
    std::unique_ptr<Recording>& recording = (*recordings)[input.size(0)];
    if (!recording) recording = record(network, input);
    recording->input.copy_(input, /*non_blocking=*/true);
    recording->graph.replay();
    return recording->output;
  };
}

std::optional<std::uint64_t> peak_bytes(const at::Device& device) {
  // Element 0 of each statistic is the sum over the allocator's pools.
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device.index());
  return static_cast<std::uint64_t>(stats.reserved_bytes[0].peak);
}

}  // namespace stagemark::libtorch::cuda_runtime
