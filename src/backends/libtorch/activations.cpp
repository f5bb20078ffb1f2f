#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "folded_network.hpp"
#include "stagemark/backends/libtorch.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/network.hpp"
#include "tensor_source.hpp"

namespace stagemark::libtorch {
namespace {

void widen(ActivationRange& range, const at::Tensor& tensor) {
  const auto [low, high] = at::aminmax(tensor);
  range.low = std::min(range.low, low.item<float>());
  range.high = std::max(range.high, high.item<float>());
}

}  // namespace

ActivationRanges observe_activations(const std::filesystem::path& checkpoint, std::span<const Image> images,
                                     const Preprocessor& preprocessor, std::size_t threads) {
  const Checkpoint file = Checkpoint::open(checkpoint);
  try {
    at::set_num_threads(static_cast<int>(threads));
    const c10::InferenceMode guard;
    const FoldedNetwork network(describe_network(file), tensors_of(file), at::kCPU, at::kFloat,
                                at::MemoryFormat::ChannelsLast);
    ActivationRanges ranges;
    const auto observe = [&](const std::string& name, const at::Tensor& tensor) { widen(ranges[name], tensor); };
    for (const Image& image : images) {
      const at::Tensor input = to_input({&image, 1}, preprocessor).contiguous(at::MemoryFormat::ChannelsLast);
      (void)network.classify(network.extract_features(input, observe), observe);
    }
    return ranges;
  } catch (const c10::Error& error) {
    throw BackendError("LibTorch failed to observe the network's activations: " +
                       std::string(error.what_without_backtrace()));
  }
}

}  // namespace stagemark::libtorch
