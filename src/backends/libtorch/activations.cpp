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

/// Of each ten thousand values, how many may lie beyond either end of the range.
constexpr double beyond = 1e-4;

/// The value that `rank` of the values lie below.
float ranked(const at::Tensor& values, std::int64_t rank) {
  return std::get<0>(values.kthvalue(rank + 1)).item<float>();
}

/// The range of one image's tensor.
ActivationRange range_of(const at::Tensor& tensor, RangeMethod method) {
  const auto outliers = static_cast<std::int64_t>(beyond * static_cast<double>(tensor.numel()));
  if (method == RangeMethod::min_max || outliers == 0) {
    const auto [low, high] = at::aminmax(tensor);
    return {low.item<float>(), high.item<float>()};
  }
  const at::Tensor values = tensor.flatten();
  return {ranked(values, outliers), ranked(values, values.numel() - 1 - outliers)};
}

void widen(ActivationRange& range, const ActivationRange& seen) {
  range.low = std::min(range.low, seen.low);
  range.high = std::max(range.high, seen.high);
}

}  // namespace

ActivationRanges observe_activations(const std::filesystem::path& checkpoint, std::span<const Image> images,
                                     const Preprocessor& preprocessor, std::size_t threads, RangeMethod method) {
  const Checkpoint file = Checkpoint::open(checkpoint);
  try {
    at::set_num_threads(static_cast<int>(threads));
    const c10::InferenceMode guard;
    const FoldedNetwork network(describe_network(file), tensors_of(file), at::kCPU, at::kFloat,
                                at::MemoryFormat::ChannelsLast);
    ActivationRanges ranges;
    const auto observe = [&](const std::string& name, const at::Tensor& tensor) {
      widen(ranges[name], range_of(tensor, method));
    };
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
