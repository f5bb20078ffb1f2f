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
#include "stagemark/backend/read_out.hpp"
#include "stagemark/backend/timed.hpp"
#include "stagemark/core/error.hpp"
#include "tensor_source.hpp"

namespace stagemark::libtorch {
namespace {

Device device_of(const at::Device& device) {
  if (device.is_cuda()) return {Device::Kind::cuda, static_cast<std::size_t>(std::max<int>(device.index(), 0))};
  return {};
}

/// A loaded network in one piece or in two, on the host or on a CUDA device, and what its tensors were when it last ran.
template <Device::Kind Where, bool Splits>
class Engine {
  static constexpr bool on_device = Where == Device::Kind::cuda;

 public:
  Engine(LoadedNetwork network, std::shared_ptr<const Preprocessor> preprocessor)
      : network_(std::move(network)),
        preprocessor_(std::move(preprocessor)),
        observed_type_(network_.precision),
        observed_device_(network_.device),
        observed_channels_last_(network_.memory_format == at::MemoryFormat::ChannelsLast),
        threads_(at::get_num_threads()) {}

  /// N x 3 x H x W, on the host: for a device float32 and contiguous, else as the network takes it.
  [[nodiscard]] at::Tensor preprocess(std::span<const Image> images) const {
    const c10::InferenceMode guard;
    // A thread that did not open the network takes over how many threads LibTorch may use when it first asks.
    (void)at::get_num_threads();
    // Pinned, so that the upload needs no staging copy and can overlap what the host does next.
    if constexpr (on_device) return to_input(images, *preprocessor_, /*pinned=*/true);
    return to_network(to_input(images, *preprocessor_, /*pinned=*/false));
  }

  [[nodiscard]] at::Tensor upload(const at::Tensor& input) const
    requires on_device
  {
    const c10::InferenceMode guard;
    // The bytes first, then precision and memory format on the device, which is quicker at it than the host.
    return to_network(input.to(network_.device, /*non_blocking=*/true));
  }

  [[nodiscard]] at::Tensor extract_features(const at::Tensor& input)
    requires Splits
  {
    const c10::InferenceMode guard;
    at::Tensor features = network_.backbone(input);
    observed_type_ = features.scalar_type();
    observed_device_ = features.device();
    observed_channels_last_ = features.is_contiguous(at::MemoryFormat::ChannelsLast);
    return features;
  }

  [[nodiscard]] at::Tensor classify(const at::Tensor& features) const
    requires(Splits && on_device)
  {
    const c10::InferenceMode guard;
    return network_.head(features);
  }
  void classify(const at::Tensor& features, std::span<Prediction> out)
    requires(Splits && !on_device)
  {
    const c10::InferenceMode guard;
    read_out(network_.head(features), out);
  }

  [[nodiscard]] at::Tensor infer(const at::Tensor& input)
    requires(!Splits && on_device)
  {
    return whole(input);
  }
  void infer(const at::Tensor& input, std::span<Prediction> out)
    requires(!Splits && !on_device)
  {
    read_out(whole(input), out);
  }

  void download(const at::Tensor& logits, std::span<Prediction> out)
    requires on_device
  {
    read_out(logits, out);
  }

  void synchronize() const
    requires on_device
  {
    torch::cuda::synchronize(network_.device.index());
  }

  [[nodiscard]] std::span<const float> scores() const {
    if (!scores_.defined()) return {};
    return {scores_.data_ptr<float>(), static_cast<std::size_t>(scores_.numel())};
  }

  [[nodiscard]] std::vector<float> input_of(const Image& image) const {
    const c10::InferenceMode guard;
    const at::Tensor input =
        to_network(to_input({&image, 1}, *preprocessor_, /*pinned=*/false)).to(at::kCPU, at::kFloat).contiguous();
    const auto* first = input.data_ptr<float>();
    return {first, first + input.numel()};
  }

  [[nodiscard]] std::optional<std::uint64_t> device_peak_bytes() const {
    if constexpr (on_device) return cuda_runtime::peak_bytes(network_.device);
    return std::nullopt;
  }

  [[nodiscard]] ExecutionFacts execution_facts() const {
    ExecutionFacts facts{precision_of(observed_type_), device_of(observed_device_), network_.model, network_.details};
    facts.outputs_unknown = network_.meaning == OutputMeaning::unknown;
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

 private:
  /// In the network's precision and memory format, on its device.
  [[nodiscard]] at::Tensor to_network(const at::Tensor& input) const {
    return input.to(network_.device, network_.input_type, /*non_blocking=*/true, /*copy=*/false,
                    network_.memory_format);
  }

  [[nodiscard]] at::Tensor whole(const at::Tensor& input) {
    const c10::InferenceMode guard;
    at::Tensor logits = network_.head(input);
    // The precision within is that of the parameters: a program may well return float32.
    observed_device_ = logits.device();
    observed_channels_last_ = input.is_contiguous(at::MemoryFormat::ChannelsLast);
    return logits;
  }

  void read_out(const at::Tensor& logits, std::span<Prediction> out) {
    const c10::InferenceMode guard;
    scores_ = logits.to(at::kCPU, at::kFloat).contiguous();
    const auto outputs = static_cast<std::size_t>(scores_.size(1));
    if (network_.meaning == OutputMeaning::probabilities) {
      read_probabilities(scores(), outputs, out);
    } else {
      stagemark::read_out(scores(), outputs, out);
    }
  }

  LoadedNetwork network_;
  std::shared_ptr<const Preprocessor> preprocessor_;
  at::ScalarType observed_type_;
  at::Device observed_device_;
  bool observed_channels_last_;
  int threads_;
  at::Tensor scores_;  ///< of the last call, float32 on the host
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
  const std::string text = error.what();
  // Where TorchScript's interpreter failed, a trace comes first, and then the exception by its name: "RuntimeError: ", or
  // of the program's own "builtins.ValueError: ". Else a trace follows the first line.
  std::size_t start = 0;
  if (text.find("TorchScript interpreter") != std::string::npos) {
    for (std::size_t line = text.find('\n'); line != std::string::npos; line = text.find('\n', line + 1)) {
      const std::size_t name_end =
          text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.", line + 1);
      if (name_end == std::string::npos || name_end == line + 1 || text.compare(name_end, 2, ": ") != 0) continue;
      start = name_end + 2;
    }
  }
  return text.substr(start, text.find('\n', start) - start);
}

std::unique_ptr<InferenceWrapper> wrap(LoadedNetwork network, std::shared_ptr<const Preprocessor> preprocessor) {
  const auto as = [&]<Device::Kind where, bool splits>() -> std::unique_ptr<InferenceWrapper> {
    return std::make_unique<Timed<Engine<where, splits>>>(std::move(network), std::move(preprocessor));
  };
  const bool splits = static_cast<bool>(network.backbone);
  if (network.device.is_cuda()) {
    return splits ? as.template operator()<Device::Kind::cuda, true>()
                  : as.template operator()<Device::Kind::cuda, false>();
  }
  return splits ? as.template operator()<Device::Kind::cpu, true>()
                : as.template operator()<Device::Kind::cpu, false>();
}

}  // namespace stagemark::libtorch
