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
#include "stagemark/backend/registry.hpp"
#include "stagemark/backend/timed.hpp"
#include "stagemark/core/error.hpp"

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
  ExecutionFacts facts{
      .precision = approach.precision, .device = *approach.device, .model = request.exported_from, .details = {}};
  facts.outputs_unknown = network.meaning() == OutputMeaning::unknown;
  if (!facts.model) facts.model = {request.model->string(), "onnx", network.sha256(), network.parameters()};
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

/// A loaded network, on the host or on a CUDA device, in one piece or in two. ONNX Runtime's calls return when the device
/// has finished; it is waited for all the same, as every device is.
template <Device::Kind Where, bool Splits>
class Engine {
  static constexpr bool on_device = Where == Device::Kind::cuda;

 public:
  Engine(std::shared_ptr<Shared> shared, Network network, const BackendRequest& request)
      : shared_(std::move(shared)),
        network_(std::move(network)),
        preprocessor_(request.preprocessor),
        facts_(facts_of(network_, request)) {}

  Filled preprocess(std::span<const Image> images) {
    network_.fill_input(images.size(), preprocessor_->shape().elements(),
                        [&](std::size_t i, std::span<float> out) { preprocessor_->run(images[i], out); });
    return {};
  }
  Filled upload(const Filled& /*input*/)
    requires on_device
  {
    network_.upload(shared_->driver);
    return {};
  }

  Filled extract_features(const Filled& /*input*/)
    requires Splits
  {
    network_.run(0);
    return {};
  }
  Filled classify(const Filled& /*features*/)
    requires(Splits && on_device)
  {
    network_.run(1);
    return {};
  }
  void classify(const Filled& /*features*/, std::span<Prediction> out)
    requires(Splits && !on_device)
  {
    network_.run(1);
    network_.read_out(out);
  }
  Filled infer(const Filled& /*input*/)
    requires(!Splits && on_device)
  {
    network_.run(0);
    return {};
  }
  void infer(const Filled& /*input*/, std::span<Prediction> out)
    requires(!Splits && !on_device)
  {
    network_.run(0);
    network_.read_out(out);
  }

  void download(const Filled& /*output*/, std::span<Prediction> out)
    requires on_device
  {
    network_.download(shared_->driver);
    network_.read_out(out);
  }
  void synchronize()
    requires on_device
  {
    shared_->driver.synchronize(facts_.device.index);
  }

  [[nodiscard]] ExecutionFacts execution_facts() const { return facts_; }
  [[nodiscard]] std::span<const float> scores() const { return network_.scores(); }
  std::vector<float> input_of(const Image& image) {
    preprocess({&image, 1});
    return network_.first_input(preprocessor_->shape().elements());
  }

 private:
  std::shared_ptr<Shared> shared_;  ///< outlives the sessions
  Network network_;
  std::shared_ptr<const Preprocessor> preprocessor_;
  ExecutionFacts facts_;
};

std::unique_ptr<InferenceWrapper> open(const std::shared_ptr<Shared>& shared, const BackendRequest& request) try {
  Network network(shared->runtime, request);
  const bool splits = network.is_split();
  const auto as = [&]<Device::Kind Where, bool InTwo>() -> std::unique_ptr<InferenceWrapper> {
    return std::make_unique<Timed<Engine<Where, InTwo>>>(shared, std::move(network), request);
  };
  if (request.approach.device->kind == Device::Kind::cuda) {
    return splits ? as.template operator()<Device::Kind::cuda, true>()
                  : as.template operator()<Device::Kind::cuda, false>();
  }
  return splits ? as.template operator()<Device::Kind::cpu, true>()
                : as.template operator()<Device::Kind::cpu, false>();
} catch (const BackendError& error) {
  throw BackendError(error.within("approach '" + request.approach.label() + "'"));
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
  result.precisions.assign(precisions.begin(), precisions.end());
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
  onnxruntime.options = {"nospin", "dnnl", "xnnpack"};
  registry.add(std::move(onnxruntime));
  registry.add(backend(shared, "tensorrt", {}));
}

}  // namespace stagemark::onnxruntime
