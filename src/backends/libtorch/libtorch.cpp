#include "stagemark/backends/libtorch.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "network.hpp"
#include "stagemark/backend/device_backend.hpp"
#include "stagemark/backend/host_backend.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"

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

/// The first line of a LibTorch error: what follows is a stack trace.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

/// What a network says, and what its tensors were when it last said something.
class Engine {
 public:
  Engine(const BackendRequest& request, const Checkpoint& checkpoint, const ResidualNetwork& description)
      : network_(
            description, [&](const std::string& name) { return tensor(checkpoint, name); },
            torch_device(*request.approach.device), scalar_type(request.approach.precision)),
        preprocessor_(request.preprocessor),
        observed_type_(network_.precision()),
        observed_device_(network_.device()) {
    model_ = {checkpoint.path().string(), checkpoint.format(), checkpoint.sha256(), description.parameters};
    architecture_ = description.architecture;
    threads_ = at::get_num_threads();
  }

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
    return input.to(network_.device(), network_.precision(), /*non_blocking=*/true, /*copy=*/false,
                    at::MemoryFormat::ChannelsLast);
  }

  [[nodiscard]] at::Tensor extract_features(const at::Tensor& input) {
    at::Tensor features = network_.extract_features(input);
    observed_type_ = features.scalar_type();
    observed_device_ = features.device();
    observed_channels_last_ = features.is_contiguous(at::MemoryFormat::ChannelsLast);
    return features;
  }

  [[nodiscard]] at::Tensor classify(const at::Tensor& features) const { return network_.classify(features); }

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
    ExecutionFacts facts{precision_of(observed_type_), device_of(observed_device_), model_, {}};
    facts.details = {{"architecture", architecture_},
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

  [[nodiscard]] at::Device device() const { return network_.device(); }

 private:
  static at::Tensor tensor(const Checkpoint& checkpoint, const std::string& name) {
    const StoredTensor& stored = checkpoint.tensors().at(name);
    at::Tensor result = at::empty(stored.shape, at::kFloat);
    const std::vector<float> values = checkpoint.read_floats(name);
    std::copy(values.begin(), values.end(), result.data_ptr<float>());
    return result;
  }

  Network network_;
  std::shared_ptr<const Preprocessor> preprocessor_;
  ModelFacts model_;
  std::string architecture_;
  int threads_ = 1;
  at::ScalarType observed_type_;
  at::Device observed_device_;
  bool observed_channels_last_ = true;
};

class HostNetwork final : public HostBackend<at::Tensor, at::Tensor> {
 public:
  explicit HostNetwork(Engine engine) : engine_(std::move(engine)) {}
  [[nodiscard]] ExecutionFacts execution_facts() const override { return engine_.facts(); }

 protected:
  at::Tensor preprocess(std::span<const Image> images) override {
    const c10::InferenceMode guard;
    return engine_.to_network(engine_.preprocess(images, /*pinned=*/false));
  }
  at::Tensor extract_features(const at::Tensor& input) override {
    const c10::InferenceMode guard;
    return engine_.extract_features(input);
  }
  void classify(const at::Tensor& features, std::span<Prediction> out) override {
    const c10::InferenceMode guard;
    Engine::read_out(engine_.classify(features), out);
  }

 private:
  Engine engine_;
};

class CudaNetwork final : public DeviceBackend<at::Tensor, at::Tensor, at::Tensor, at::Tensor> {
 public:
  explicit CudaNetwork(Engine engine) : engine_(std::move(engine)) {}
  [[nodiscard]] ExecutionFacts execution_facts() const override { return engine_.facts(); }

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
  at::Tensor extract_features(const at::Tensor& input) override {
    const c10::InferenceMode guard;
    return engine_.extract_features(input);
  }
  at::Tensor classify(const at::Tensor& features) override {
    const c10::InferenceMode guard;
    return engine_.classify(features);
  }
  void download(const at::Tensor& logits, std::span<Prediction> out) override {
    const c10::InferenceMode guard;
    Engine::read_out(logits, out);
  }
  void synchronize() override { torch::cuda::synchronize(engine_.device().index()); }

 private:
  Engine engine_;
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
    return Unavailable{"this LibTorch cannot convolve in " + std::string(to_string(precision)) + " on " +
                           to_string(device) + ": " + first_line(error),
                       "use a newer LibTorch (fp16 on the CPU: 2.1 or later), or another precision"};
  }
  return std::nullopt;
}

std::unique_ptr<InferenceWrapper> open(const BackendRequest& request) {
  const Checkpoint checkpoint = Checkpoint::open(*request.model);
  const ResidualNetwork description = describe_network(checkpoint);
  try {
    at::set_num_threads(static_cast<int>(request.threads));
    // FP32 means FP32: TF32 keeps ten bits of the mantissa.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    const c10::InferenceMode guard;
    Engine engine(request, checkpoint, description);
    if (request.approach.device->kind == Device::Kind::cuda) return std::make_unique<CudaNetwork>(std::move(engine));
    return std::make_unique<HostNetwork>(std::move(engine));
  } catch (const c10::Error& error) {
    throw BackendError("LibTorch failed: " + first_line(error), "approach '" + request.approach.label() + "'");
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
  registry.add(std::move(backend));
}

}  // namespace stagemark::libtorch
