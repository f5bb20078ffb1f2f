#include "engine.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "cuda_runtime.hpp"
#include "stagemark/backend/device_backend.hpp"
#include "stagemark/backend/host_backend.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/core/error.hpp"
#include "tensor_source.hpp"

namespace stagemark::libtorch {
namespace {

Device device_of(const at::Device& device) {
  if (device.is_cuda()) return {Device::Kind::cuda, static_cast<std::size_t>(std::max<int>(device.index(), 0))};
  return {};
}

/// A loaded network, and what its tensors were when it last ran.
class Engine {
 public:
  Engine(LoadedNetwork network, std::shared_ptr<const Preprocessor> preprocessor)
      : network_(std::move(network)),
        preprocessor_(std::move(preprocessor)),
        observed_type_(network_.precision),
        observed_device_(network_.device),
        observed_channels_last_(network_.memory_format == at::MemoryFormat::ChannelsLast),
        threads_(at::get_num_threads()) {}

  /// N x 3 x H x W, float32, contiguous, on the host.
  [[nodiscard]] at::Tensor preprocess(std::span<const Image> images, bool pinned) const {
    return to_input(images, *preprocessor_, pinned);
  }

  /// In the network's precision and memory format, on its device.
  [[nodiscard]] at::Tensor to_network(const at::Tensor& input) const {
    return input.to(network_.device, network_.input_type, /*non_blocking=*/true, /*copy=*/false,
                    network_.memory_format);
  }

  [[nodiscard]] std::vector<float> input_of(const Image& image) const {
    const at::Tensor input =
        to_network(preprocess({&image, 1}, /*pinned=*/false)).to(at::kCPU, at::kFloat).contiguous();
    const auto* first = input.data_ptr<float>();
    return {first, first + input.numel()};
  }

  [[nodiscard]] at::Tensor extract_features(const at::Tensor& input) {
    at::Tensor features = network_.backbone(input);
    observed_type_ = features.scalar_type();
    observed_device_ = features.device();
    observed_channels_last_ = features.is_contiguous(at::MemoryFormat::ChannelsLast);
    return features;
  }

  [[nodiscard]] at::Tensor classify(const at::Tensor& features) const { return network_.head(features); }

  [[nodiscard]] at::Tensor infer(const at::Tensor& input) {
    at::Tensor logits = network_.head(input);
    // The precision within is that of the parameters: a program may well return float32.
    observed_device_ = logits.device();
    observed_channels_last_ = input.is_contiguous(at::MemoryFormat::ChannelsLast);
    return logits;
  }

  static void read_out(const at::Tensor& logits, std::span<Prediction> out) {
    const at::Tensor host = logits.to(at::kCPU, at::kFloat).contiguous();
    stagemark::read_out({host.data_ptr<float>(), static_cast<std::size_t>(host.numel())},
                        static_cast<std::size_t>(host.size(1)), out);
  }

  [[nodiscard]] ExecutionFacts facts() const {
    ExecutionFacts facts{precision_of(observed_type_), device_of(observed_device_), network_.model, network_.details};
    facts.details.emplace_back("engine_version", TORCH_VERSION);
    facts.details.emplace_back("memory_format", observed_channels_last_ ? "channels_last" : "contiguous");
    if (observed_device_.is_cuda()) {
      const bool tf32 = at::globalContext().allowTF32CuDNN() || at::globalContext().allowTF32CuBLAS();
      facts.details.emplace_back("tf32", tf32 ? "allowed" : "not allowed");
      facts.details.emplace_back("stage_ends", "device synchronised");
    } else {
      facts.details.emplace_back("threads", std::to_string(threads_));
      facts.details.emplace_back("onednn", at::hasMKLDNN() ? "yes" : "no");
    }
    return facts;
  }

  [[nodiscard]] at::Device device() const { return network_.device; }

 private:
  LoadedNetwork network_;
  std::shared_ptr<const Preprocessor> preprocessor_;
  at::ScalarType observed_type_;
  at::Device observed_device_;
  bool observed_channels_last_;
  int threads_;
};

template <class Base>
class HostEngine : public Base {
 public:
  explicit HostEngine(Engine engine) : engine_(std::move(engine)) {}
  [[nodiscard]] ExecutionFacts execution_facts() const override { return engine_.facts(); }
  [[nodiscard]] std::vector<float> input_of(const Image& image) override {
    const c10::InferenceMode guard;
    return engine_.input_of(image);
  }

 protected:
  at::Tensor preprocess(std::span<const Image> images) override {
    const c10::InferenceMode guard;
    return engine_.to_network(engine_.preprocess(images, /*pinned=*/false));
  }

  Engine engine_;
};

class HostNetwork final : public HostEngine<HostBackend<at::Tensor, at::Tensor>> {
  using HostEngine::HostEngine;

  at::Tensor extract_features(const at::Tensor& input) override {
    const c10::InferenceMode guard;
    return engine_.extract_features(input);
  }
  void classify(const at::Tensor& features, std::span<Prediction> out) override {
    const c10::InferenceMode guard;
    Engine::read_out(engine_.classify(features), out);
  }
};

class HostWholeNetwork final : public HostEngine<WholeNetworkBackend<at::Tensor>> {
  using HostEngine::HostEngine;

  void infer(const at::Tensor& input, std::span<Prediction> out) override {
    const c10::InferenceMode guard;
    Engine::read_out(engine_.infer(input), out);
  }
};

template <class Base>
class CudaEngine : public Base {
 public:
  explicit CudaEngine(Engine engine) : engine_(std::move(engine)) {}
  [[nodiscard]] ExecutionFacts execution_facts() const override { return engine_.facts(); }
  [[nodiscard]] std::vector<float> input_of(const Image& image) override {
    const c10::InferenceMode guard;
    return engine_.input_of(image);
  }
  [[nodiscard]] std::optional<std::uint64_t> device_peak_bytes() const override {
    return cuda_runtime::peak_bytes(engine_.device());
  }

 protected:
  at::Tensor preprocess(std::span<const Image> images) override {
    const c10::InferenceMode guard;
    // Pinned, so that the upload needs no staging copy and can overlap what the host does next.
    return engine_.preprocess(images, /*pinned=*/true);
  }
  at::Tensor upload(const at::Tensor& input) override {
    const c10::InferenceMode guard;
    // The bytes first, then precision and memory format on the device, which is quicker at it than the host.
    return engine_.to_network(input.to(engine_.device(), /*non_blocking=*/true));
  }
  void download(const at::Tensor& logits, std::span<Prediction> out) override {
    const c10::InferenceMode guard;
    Engine::read_out(logits, out);
  }
  void synchronize() override { torch::cuda::synchronize(engine_.device().index()); }

  Engine engine_;
};

class CudaNetwork final : public CudaEngine<DeviceBackend<at::Tensor, at::Tensor, at::Tensor, at::Tensor>> {
  using CudaEngine::CudaEngine;

  at::Tensor extract_features(const at::Tensor& input) override {
    const c10::InferenceMode guard;
    return engine_.extract_features(input);
  }
  at::Tensor classify(const at::Tensor& features) override {
    const c10::InferenceMode guard;
    return engine_.classify(features);
  }
};

class CudaWholeNetwork final : public CudaEngine<WholeNetworkDeviceBackend<at::Tensor, at::Tensor, at::Tensor>> {
  using CudaEngine::CudaEngine;

  at::Tensor infer(const at::Tensor& input) override {
    const c10::InferenceMode guard;
    return engine_.infer(input);
  }
};

}  // namespace

at::ScalarType scalar_type(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return at::kFloat;
    case Precision::fp16:
      return at::kHalf;
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::int8:
      break;
  }
  throw std::logic_error("no one type of tensor is " + std::string(to_string(precision)));
}

Precision precision_of(at::ScalarType type) {
  if (type == at::kQUInt8) return Precision::int8;
  for (const Precision precision : {Precision::fp32, Precision::fp16, Precision::bf16}) {
    if (scalar_type(precision) == type) return precision;
  }
  throw BackendError(std::string("the network's tensors are ") + c10::toString(type));
}

at::Device torch_device(const Device& device) {
  if (device.kind == Device::Kind::cuda) return {at::kCUDA, static_cast<at::DeviceIndex>(device.index)};
  return {at::kCPU};
}

std::string sentence_in(const std::exception& error) {
  // Where TorchScript's interpreter failed, the trace comes first; else it follows the first line.
  constexpr std::string_view marker = "\nRuntimeError: ";
  const std::string text = error.what();
  const std::size_t found = text.find(marker);
  const std::size_t start = found == std::string::npos ? 0 : found + marker.size();
  return text.substr(start, text.find('\n', start) - start);
}

std::unique_ptr<InferenceWrapper> wrap(LoadedNetwork network, std::shared_ptr<const Preprocessor> preprocessor) {
  const bool on_device = network.device.is_cuda();
  const bool splits = static_cast<bool>(network.backbone);
  Engine engine(std::move(network), std::move(preprocessor));
  if (on_device) {
    if (splits) return std::make_unique<CudaNetwork>(std::move(engine));
    return std::make_unique<CudaWholeNetwork>(std::move(engine));
  }
  if (splits) return std::make_unique<HostNetwork>(std::move(engine));
  return std::make_unique<HostWholeNetwork>(std::move(engine));
}

}  // namespace stagemark::libtorch
