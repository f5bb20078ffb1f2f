#include "stagemark/backends/onnxruntime.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cuda_driver.hpp"
#include "onnx_network.hpp"
#include "providers.hpp"
#include "runtime.hpp"
#include "stagemark/backend/device_backend.hpp"
#include "stagemark/backend/host_backend.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"

namespace stagemark::onnxruntime {
namespace {

/// What the stages hand on: that the network's next tensor is filled. The tensors themselves stay in place.
struct Filled {};

/// What both engines share as long as something of theirs is open.
struct Shared {
  Runtime runtime;
  CudaDriver driver;
};

ExecutionFacts facts_of(const Network& network, const BackendRequest& request) {
  const Approach& approach = request.approach;
  const Execution& execution = network.execution();
  // Both were verified when the network was loaded.
  ExecutionFacts facts{approach.precision, *approach.device, request.exported_from, {}};
  if (!facts.model)
    facts.model = {request.model->string(), "onnx", sha256_of_file(*request.model), network.parameters()};
  const std::string provider = provider_of(approach);
  facts.details = {{"engine_version", Runtime::version()}, {"provider", provider}};
  if (compiles(approach)) {
    facts.details.emplace_back("layer_precisions",
                               approach.precision == Precision::fp32
                                   ? "fp32"
                                   : "TensorRT's choice of fp32 and " + std::string(to_string(approach.precision)));
  } else {
    facts.details.emplace_back(execution.products_name(), execution.products());
  }
  std::size_t fallen_back = 0;
  for (const auto& [other, count] : execution.nodes_by_provider()) {
    facts.details.emplace_back("nodes_on_" + other, std::to_string(count));
    if (other != provider) fallen_back += count;
  }
  facts.details.emplace_back("nodes_fallen_back", std::to_string(fallen_back));
  facts.details.emplace_back("graph_optimization", "all");
  if (const auto allowed = tf32(approach)) facts.details.emplace_back("tf32", *allowed);
  if (approach.device->kind == Device::Kind::cuda) {
    facts.details.emplace_back("stage_ends", "device synchronised");
  } else {
    facts.details.emplace_back("threads", std::to_string(request.threads));
    facts.details.emplace_back("spinning", spins(approach) ? "within a call" : "never");
  }
  return facts;
}

/// A loaded network and what fills its input.
struct Engine {
  Engine(std::shared_ptr<Shared> shared_state, const BackendRequest& request)
      : shared(std::move(shared_state)),
        network(shared->runtime, request),
        preprocessor(request.preprocessor),
        facts(facts_of(network, request)) {}

  void preprocess(std::span<const Image> images) {
    network.fill_input(images.size(), preprocessor->shape().elements(),
                       [&](std::size_t i, std::span<float> out) { preprocessor->run(images[i], out); });
  }

  std::vector<float> input_of(const Image& image) {
    preprocess({&image, 1});
    return network.first_input(preprocessor->shape().elements());
  }

  std::shared_ptr<Shared> shared;  ///< outlives the sessions
  Network network;
  std::shared_ptr<const Preprocessor> preprocessor;
  ExecutionFacts facts;
};

/// What all wrappers share; Base times the stages.
template <class Base>
class EngineOf : public Base {
 public:
  explicit EngineOf(Engine engine) : engine_(std::move(engine)) {}
  [[nodiscard]] ExecutionFacts execution_facts() const override { return engine_.facts; }
  [[nodiscard]] std::vector<float> input_of(const Image& image) override { return engine_.input_of(image); }

 protected:
  Filled preprocess(std::span<const Image> images) override {
    engine_.preprocess(images);
    return {};
  }

  Engine engine_;
};

class HostNetwork final : public EngineOf<HostBackend<Filled, Filled>> {
  using EngineOf::EngineOf;

  Filled extract_features(const Filled& /*input*/) override {
    engine_.network.run(0);
    return {};
  }
  void classify(const Filled& /*features*/, std::span<Prediction> out) override {
    engine_.network.run(1);
    engine_.network.read_out(out);
  }
};

class HostWholeNetwork final : public EngineOf<WholeNetworkBackend<Filled>> {
  using EngineOf::EngineOf;

  void infer(const Filled& /*input*/, std::span<Prediction> out) override {
    engine_.network.run(0);
    engine_.network.read_out(out);
  }
};

/// ONNX Runtime's calls return when the device has finished; the base waits all the same, as for every device.
template <class Base>
class CudaEngineOf : public EngineOf<Base> {
 public:
  using EngineOf<Base>::EngineOf;

 protected:
  Filled upload(const Filled& /*input*/) override {
    this->engine_.network.upload(this->engine_.shared->driver);
    return {};
  }
  void download(const Filled& /*output*/, std::span<Prediction> out) override {
    this->engine_.network.download(this->engine_.shared->driver);
    this->engine_.network.read_out(out);
  }
  void synchronize() override { this->engine_.shared->driver.synchronize(this->engine_.facts.device.index); }
};

class CudaNetwork final : public CudaEngineOf<DeviceBackend<Filled, Filled, Filled, Filled>> {
  using CudaEngineOf::CudaEngineOf;

  Filled extract_features(const Filled& /*input*/) override {
    engine_.network.run(0);
    return {};
  }
  Filled classify(const Filled& /*features*/) override {
    engine_.network.run(1);
    return {};
  }
};

class CudaWholeNetwork final : public CudaEngineOf<WholeNetworkDeviceBackend<Filled, Filled, Filled>> {
  using CudaEngineOf::CudaEngineOf;

  Filled infer(const Filled& /*input*/) override {
    engine_.network.run(0);
    return {};
  }
};

std::unique_ptr<InferenceWrapper> open(const std::shared_ptr<Shared>& shared, const BackendRequest& request) try {
  Engine engine(shared, request);
  const bool splits = engine.network.is_split();
  if (request.approach.device->kind == Device::Kind::cuda) {
    if (splits) return std::make_unique<CudaNetwork>(std::move(engine));
    return std::make_unique<CudaWholeNetwork>(std::move(engine));
  }
  if (splits) return std::make_unique<HostNetwork>(std::move(engine));
  return std::make_unique<HostWholeNetwork>(std::move(engine));
} catch (const BackendError& error) {
  throw BackendError(error.what(), "approach '" + request.approach.label() + "'");
}

/// Whether ONNX Runtime really does what the approach says: tried, never deduced from a version.
std::optional<Unavailable> unavailable(Shared& shared, const Approach& approach) {
  if (auto missing = what_is_missing(approach, shared.driver)) return missing;
  const std::string runtime = "ONNX Runtime " + Runtime::version();
  try {
    // An engine of TensorRT takes too long to build for a question.
    if (compiles(approach)) {
      (void)session_options(approach, 1);
    } else {
      try_out(shared.runtime, approach);
    }
  } catch (const BackendError& error) {
    return Unavailable{runtime + ", tried on one convolution: " + error.what(), "use another precision"};
  } catch (const Ort::Exception& error) {
    return Unavailable{
        runtime + " cannot use its " + provider_of(approach) + ": " + sentence_in(error),
        "install the CUDA libraries (and TensorRT) that this build of ONNX Runtime was made for, or use @cpu"};
  }
  return std::nullopt;
}

/// \param devices those that it has beside CUDA devices
Backend backend(const std::shared_ptr<Shared>& shared, const std::string& engine, std::vector<Device> devices) {
  Backend result;
  result.engine = engine;
  result.version = Runtime::version();
  result.precisions = {Precision::fp32, Precision::fp16, Precision::int8};
  result.runs_onnx = true;
  result.devices = std::move(devices);
  const std::size_t cuda_devices = std::max<std::size_t>(shared->driver.device_count(), 1);
  for (std::size_t i = 0; i < cuda_devices; ++i) result.devices.push_back({Device::Kind::cuda, i});
  result.unavailable = [shared](const Approach& approach) { return unavailable(*shared, approach); };
  result.open = [shared](const BackendRequest& request) { return open(shared, request); };
  return result;
}

}  // namespace

void add_to(BackendRegistry& registry) {
  const auto shared = std::make_shared<Shared>();
  Backend onnxruntime = backend(shared, "onnxruntime", {Device{}});
  onnxruntime.options = {"nospin"};
  registry.add(std::move(onnxruntime));
  registry.add(backend(shared, "tensorrt", {}));
}

}  // namespace stagemark::onnxruntime
