#include "probe.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>

#include <string>

#include "cuda_runtime.hpp"
#include "engine.hpp"
#include "quantised_network.hpp"

namespace stagemark::libtorch {
namespace {

std::optional<Unavailable> probe_device(const Device& device) {
  if (device.kind != Device::Kind::cuda) return std::nullopt;
  const auto devices = static_cast<std::size_t>(torch::cuda::device_count());
  if (devices == 0) return cuda_runtime::no_device();
  if (device.index >= devices) {
    return Unavailable{"there is no " + to_string(device), "the last one is cuda:" + std::to_string(devices - 1)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Unavailable> probe(Precision precision, const Device& device) {
  if (auto missing = probe_device(device)) return missing;
  try {
    const c10::InferenceMode guard;
    const auto options = at::TensorOptions().dtype(scalar_type(precision)).device(torch_device(device));
    const at::Tensor image = at::ones({1, 3, 8, 8}, options).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor result = at::conv2d(image, at::ones({4, 3, 3, 3}, options));
    if (result.to(at::kCPU, at::kFloat)[0][0][0][0].item<float>() != 27.0F) {
      return Unavailable{"a trial convolution gave a wrong number", "use another LibTorch"};
    }
  } catch (const std::exception& error) {
    if (device.kind == Device::Kind::cuda) {
      return Unavailable{to_string(device) + " fails at a trial convolution in " + std::string(to_string(precision)) +
                             ": " + sentence_in(error),
                         "see with nvidia-smi whether another process holds it, or use @cpu"};
    }
    return Unavailable{"this LibTorch cannot convolve in " + std::string(to_string(precision)) + " on " +
                           to_string(device) + ": " + sentence_in(error),
                       "use a newer LibTorch (fp16 on the CPU: 2.1 or later), or another precision"};
  }
  return std::nullopt;
}

std::optional<Unavailable> probe_int8(const Device& device) {
  if (device.kind == Device::Kind::cuda) {
    return Unavailable{"LibTorch's quantised operators run on the CPU alone", "use @cpu, or onnxruntime or tensorrt"};
  }
  const c10::InferenceMode guard;
  if (choose_quantised_engine()) return std::nullopt;
  return Unavailable{"none of this LibTorch's quantised engines convolves exactly on this processor",
                     "use another LibTorch, or onnxruntime"};
}

}  // namespace stagemark::libtorch
