#include "stagemark/backends/libtorch.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configuration.hpp"
#include "network.hpp"
#include "script.hpp"
#include "stagemark/backend/device_backend.hpp"
#include "stagemark/backend/host_backend.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/model_format.hpp"

namespace stagemark::libtorch {
namespace {

/// What this engine calls its precisions, and what LibTorch does.
at::ScalarType scalar_type(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return at::kFloat;
    case Precision::fp16:
      return at::kHalf;
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::int8:
      return at::kChar;
  }
  throw std::logic_error("no such precision");
}

/// The precision that a tensor really has. \throws BackendError if it is none of ours
Precision precision_of(at::ScalarType type) {
  for (const Precision precision : {Precision::fp32, Precision::fp16, Precision::bf16, Precision::int8}) {
    if (scalar_type(precision) == type) return precision;
  }
  throw BackendError(std::string("the network's tensors are ") + c10::toString(type));
}

Device device_of(const at::Device& device) {
  if (device.is_cuda()) return {Device::Kind::cuda, static_cast<std::size_t>(std::max<int>(device.index(), 0))};
  return {};
}

at::Device torch_device(const Device& device) {
  if (device.kind == Device::Kind::cuda) return {at::kCUDA, static_cast<at::DeviceIndex>(device.index)};
  return {at::kCPU};
}

/// The sentence in a LibTorch error. What follows the first line is a stack trace, except where TorchScript's
/// interpreter failed: there the trace comes first.
std::string sentence_in(const std::exception& error) {
  constexpr std::string_view marker = "\nRuntimeError: ";
  const std::string text = error.what();
  const std::size_t found = text.find(marker);
  const std::size_t start = found == std::string::npos ? 0 : found + marker.size();
  return text.substr(start, text.find('\n', start) - start);
}

/// What runs: a network in two pieces, or in one.
struct LoadedNetwork {
  using Function = std::function<at::Tensor(const at::Tensor&)>;

  Function backbone;  ///< empty where the network cannot be split
  Function head;      ///< of the features; of the input where there is no backbone
  at::Device device;
  at::ScalarType precision;
  ModelFacts model;
  std::string architecture;
};

/// A loaded network, and what its tensors were when it last ran.
class Engine {
 public:
  Engine(LoadedNetwork network, std::shared_ptr<const Preprocessor> preprocessor)
      : network_(std::move(network)),
        preprocessor_(std::move(preprocessor)),
        observed_type_(network_.precision),
        observed_device_(network_.device),
        threads_(at::get_num_threads()) {}

  /// N x 3 x H x W, float32, contiguous, on the host.
  [[nodiscard]] at::Tensor preprocess(std::span<const Image> images, bool pinned) const {
    const InputShape shape = preprocessor_->shape();
    at::Tensor input = at::empty({static_cast<std::int64_t>(images.size()), static_cast<std::int64_t>(shape.channels),
                                  static_cast<std::int64_t>(shape.height), static_cast<std::int64_t>(shape.width)},
                                 at::TensorOptions().dtype(at::kFloat).pinned_memory(pinned));
    auto* out = input.data_ptr<float>();
    for (const Image& image : images) {
      preprocessor_->run(image, {out, shape.elements()});
      out += shape.elements();
    }
    return input;
  }

  /// In the network's precision and memory format, on its device.
  [[nodiscard]] at::Tensor to_network(const at::Tensor& input) const {
    return input.to(network_.device, network_.precision, /*non_blocking=*/true, /*copy=*/false,
                    at::MemoryFormat::ChannelsLast);
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

  /// One logit: of class index 1. Two: softmax. More: the winner and its probability.
  static void read_out(const at::Tensor& logits, std::span<Prediction> out) {
    const at::Tensor host = logits.to(at::kCPU, at::kFloat).contiguous();
    const auto outputs = static_cast<std::size_t>(host.size(1));
    const float* values = host.data_ptr<float>();
    for (Prediction& prediction : out) {
      const std::span<const float> row(values, outputs);
      values += outputs;
      if (outputs <= 2) {
        const double logit = outputs == 1 ? double{row[0]} : double{row[1]} - double{row[0]};
        prediction = {1 / (1 + std::exp(-logit)), logit, std::nullopt};
        continue;
      }
      const auto best = std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const float value : row) sum += std::exp(double{value} - double{*best});
      prediction = {1 / sum, double{*best}, static_cast<std::size_t>(best - row.begin())};
    }
  }

  [[nodiscard]] ExecutionFacts facts() const {
    ExecutionFacts facts{precision_of(observed_type_), device_of(observed_device_), network_.model, {}};
    facts.details = {{"architecture", network_.architecture},
                     {"engine_version", TORCH_VERSION},
                     {"memory_format", observed_channels_last_ ? "channels_last" : "contiguous"}};
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
  bool observed_channels_last_ = true;
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

/// Whether this LibTorch can convolve in the precision on the device: tried, never deduced from a version.
std::optional<Unavailable> probe(Precision precision, const Device& device) {
  if (device.kind == Device::Kind::cuda) {
    const std::size_t devices = torch::cuda::device_count();
    if (devices == 0) {
      return Unavailable{at::hasCUDA() ? "no CUDA device is visible" : "this LibTorch has no CUDA, or finds no driver",
                         "use a machine with an NVIDIA GPU and a CUDA build of LibTorch, or @cpu"};
    }
    if (device.index >= devices) {
      return Unavailable{"there is no " + to_string(device), "the last one is cuda:" + std::to_string(devices - 1)};
    }
  }
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

at::Tensor read_tensor(const Checkpoint& checkpoint, const std::string& name) {
  const StoredTensor& stored = checkpoint.tensors().at(name);
  at::Tensor result = at::empty(stored.shape, at::kFloat);
  const std::vector<float> values = checkpoint.read_floats(name);
  std::copy(values.begin(), values.end(), result.data_ptr<float>());
  return result;
}

LoadedNetwork load_checkpoint(const std::filesystem::path& file, at::Device device, at::ScalarType precision) {
  const Checkpoint checkpoint = Checkpoint::open(file);
  const ResidualNetwork description = describe_network(checkpoint);
  const auto network = std::make_shared<Network>(
      description, [&](const std::string& name) { return read_tensor(checkpoint, name); }, device, precision);
  return {[network](const at::Tensor& input) { return network->extract_features(input); },
          [network](const at::Tensor& features) { return network->classify(features); },
          network->device(),
          network->precision(),
          {file.string(), checkpoint.format(), checkpoint.sha256(), description.parameters},
          description.architecture};
}

LoadedNetwork load_torchscript(const std::filesystem::path& file, const InputShape& shape, at::Device device,
                               at::ScalarType precision) {
  // Neither equal nor symmetric numbers, which would hide a difference between the whole and its parts.
  const at::Tensor example =
      at::linspace(-1, 9, static_cast<std::int64_t>(shape.elements()), at::kFloat)
          .sin()
          .add(0.5)
          .view({1, static_cast<std::int64_t>(shape.channels), static_cast<std::int64_t>(shape.height),
                 static_cast<std::int64_t>(shape.width)})
          .to(device, precision)
          .contiguous(at::MemoryFormat::ChannelsLast);
  Script script = [&] {
    try {
      return load_script(file, example);
    } catch (const std::exception& error) {
      throw ModelError("the TorchScript program cannot be used: " + sentence_in(error), file.string(),
                       "it must turn N x 3 x H x W into N rows of logits");
    }
  }();
  return {script.backbone,
          script.backbone ? script.head : script.network,
          device,
          script.precision,
          {file.string(), "torchscript", sha256_of_file(file), script.parameters},
          "TorchScript program"};
}

std::unique_ptr<InferenceWrapper> open(const BackendRequest& request) {
  try {
    at::set_num_threads(static_cast<int>(request.threads));
    // FP32 means FP32: TF32 keeps ten bits of the mantissa.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    const c10::InferenceMode guard;
    const at::Device device = torch_device(*request.approach.device);
    const at::ScalarType precision = scalar_type(request.approach.precision);
    LoadedNetwork network = model_format(*request.model) == ModelFormat::torchscript
                                ? load_torchscript(*request.model, request.preprocessor->shape(), device, precision)
                                : load_checkpoint(*request.model, device, precision);
    const bool splits = static_cast<bool>(network.backbone);
    Engine engine(std::move(network), request.preprocessor);
    if (device.is_cuda()) {
      if (splits) return std::make_unique<CudaNetwork>(std::move(engine));
      return std::make_unique<CudaWholeNetwork>(std::move(engine));
    }
    if (splits) return std::make_unique<HostNetwork>(std::move(engine));
    return std::make_unique<HostWholeNetwork>(std::move(engine));
  } catch (const c10::Error& error) {
    throw BackendError("LibTorch failed: " + sentence_in(error), "approach '" + request.approach.label() + "'");
  }
}

}  // namespace

void add_to(BackendRegistry& registry) {
  Backend backend;
  backend.engine = "libtorch";
  backend.version = TORCH_VERSION;
  backend.precisions = {Precision::fp32, Precision::fp16, Precision::bf16};
  backend.devices = {Device{}};
  const std::size_t cuda_devices = std::max<std::size_t>(torch::cuda::device_count(), 1);
  for (std::size_t i = 0; i < cuda_devices; ++i) backend.devices.push_back({Device::Kind::cuda, i});
  backend.unavailable = [](const Approach& approach) { return probe(approach.precision, *approach.device); };
  backend.open = open;
  backend.configuration = configuration;
  registry.add(std::move(backend));
}

}  // namespace stagemark::libtorch
