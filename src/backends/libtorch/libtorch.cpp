#include "stagemark/backends/libtorch.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aoti.hpp"
#include "configuration.hpp"
#include "cuda_runtime.hpp"
#include "engine.hpp"
#include "folded_network.hpp"
#include "probe.hpp"
#include "quantised_network.hpp"
#include "script.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/model_format.hpp"
#include "torch_network.hpp"

namespace stagemark::libtorch {
namespace {

/// What an approach's options say.
struct Options {
  explicit Options(const Approach& approach)
      : fold(has(approach, "fold")),
        graph(has(approach, "graph")),
        memory_format(channels_last(approach) ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous) {}

  static bool has(const Approach& approach, std::string_view option) {
    return std::find(approach.options.begin(), approach.options.end(), option) != approach.options.end();
  }

  /// What is quicker, unless one is asked for: on a GPU, normalisations by themselves are slow in channels-last.
  static bool channels_last(const Approach& approach) {
    if (has(approach, "channels-last") || has(approach, "nchw")) return has(approach, "channels-last");
    const bool normalises = approach.engine == "libtorch" && !has(approach, "fold");
    return approach.device->kind != Device::Kind::cuda || !normalises;
  }

  bool fold, graph;
  at::MemoryFormat memory_format;
};

/// Why the options cannot be had, alone or together; absent if they can.
std::optional<Unavailable> refuse_options(const Approach& approach) {
  if (approach.options.empty()) return std::nullopt;
  if (Options::has(approach, "nchw") && Options::has(approach, "channels-last")) {
    return Unavailable{"tensors are either +nchw or +channels-last", "name one of them"};
  }
  if (approach.precision == Precision::int8 &&
      (Options::has(approach, "nchw") || Options::has(approach, "fold") || Options::has(approach, "graph"))) {
    return Unavailable{"int8 is always folded and channels-last, on the CPU", "leave out the option"};
  }
  if (!Options::has(approach, "graph")) return std::nullopt;
  if (approach.device->kind != Device::Kind::cuda) {
    return Unavailable{"a CUDA graph needs a CUDA device", "ask for @cuda, or leave out +graph"};
  }
  return cuda_runtime::graphs_unavailable();
}

std::optional<Unavailable> unavailable(const Approach& approach) {
  if (const auto refused = refuse_options(approach)) return refused;
  return approach.precision == Precision::int8 ? probe_int8(*approach.device)
                                               : probe(approach.precision, *approach.device);
}

std::optional<Unavailable> aoti_unavailable(const Approach& approach) {
  if (const auto missing = aoti::unavailable()) return missing;
  return probe(approach.precision, *approach.device);
}

/// An input to try a network on. Equal or symmetric numbers would hide a difference between the whole and its parts.
at::Tensor example_input(const BackendRequest& request, std::size_t batch, at::MemoryFormat memory_format) {
  const InputShape shape = request.preprocessor->shape();
  const auto size = [](std::size_t value) { return static_cast<std::int64_t>(value); };
  return at::linspace(-1, 9, size(batch * shape.elements()), at::kFloat)
      .sin()
      .add(0.5)
      .view({size(batch), size(shape.channels), size(shape.height), size(shape.width)})
      .to(torch_device(*request.approach.device), scalar_type(request.approach.precision))
      .contiguous(memory_format);
}

LoadedNetwork load_quantised(const BackendRequest& request, const Checkpoint& checkpoint,
                             const ResidualNetwork& description) {
  if (!request.activation_ranges) {
    throw UsageError("a checkpoint has no activation ranges for int8", "approach '" + request.approach.label() + "'",
                     "name calibration images with `activation_ranges`");
  }
  // Weights are packed for the quantised engine that is current, so that it has to be chosen first.
  const std::string engine = choose_quantised_engine().value_or("none");
  const auto network = std::make_shared<QuantisedNetwork>(description, tensors_of(checkpoint),
                                                          read_activation_ranges(*request.activation_ranges));
  return {[network](const at::Tensor& input) { return network->extract_features(input); },
          [network](const at::Tensor& features) { return network->classify(features); },
          at::kCPU,
          at::kFloat,
          at::MemoryFormat::ChannelsLast,
          at::kQUInt8,
          OutputMeaning::logits,
          {},
          {{"quantised_engine", engine}, {"int8_layers", network->quantised_layers()}}};
}

template <class Net>
LoadedNetwork pieces(std::shared_ptr<const Net> network, const BackendRequest& request, const Options& options) {
  const at::ScalarType precision = scalar_type(request.approach.precision);
  return {[network](const at::Tensor& input) { return network->extract_features(input); },
          [network](const at::Tensor& features) { return network->classify(features); },
          torch_device(*request.approach.device),
          precision,
          options.memory_format,
          precision,
          OutputMeaning::logits,
          {},
          {}};
}

LoadedNetwork load_native(const BackendRequest& request, const Checkpoint& checkpoint,
                          const ResidualNetwork& description) {
  if (request.approach.precision == Precision::int8) return load_quantised(request, checkpoint, description);
  const Options options(request.approach);
  const at::Device device = torch_device(*request.approach.device);
  const at::ScalarType precision = scalar_type(request.approach.precision);
  const TensorSource tensors = tensors_of(checkpoint);
  if (!options.fold) {
    return pieces(std::make_shared<const Network>(description, tensors, device, precision, options.memory_format),
                  request, options);
  }
  const auto network =
      std::make_shared<const FoldedNetwork>(description, tensors, device, precision, options.memory_format);
  LoadedNetwork folded = pieces(network, request, options);
  folded.details = {{"batch_normalisation", "folded"}};
  if (network->fuses()) folded.details.emplace_back("relu", "within cuDNN's convolution");
  return folded;
}

LoadedNetwork ready(const BackendRequest& request, torch::jit::Module program, ScriptExecution execution) {
  const Options options(request.approach);
  const at::Tensor example = example_input(request, 1, options.memory_format);
  const Script script = prepare_program(std::move(program), example, options.memory_format, execution);
  LoadedNetwork network{script.backbone,
                        script.backbone ? script.head : script.network,
                        example.device(),
                        example.scalar_type(),
                        options.memory_format,
                        script.precision,
                        script.meaning,
                        {},
                        {}};
  network.model.parameters = script.parameters;
  if (execution == ScriptExecution::frozen) network.details = {{"program", "frozen, optimised for inference"}};
  if (script.meaning == OutputMeaning::probabilities) network.details.emplace_back("output", "probabilities");
  return network;
}

bool tells_of(const std::exception& error, std::initializer_list<std::string_view> names) {
  const std::string_view text = error.what();
  return std::ranges::any_of(names, [&](std::string_view name) { return text.find(name) != std::string_view::npos; });
}

/// "bfloat16", as PyTorch has it.
std::string torch_name(at::ScalarType type) {
  if (type == at::kHalf) return "float16";
  if (type == at::kBFloat16) return "bfloat16";
  return type == at::kDouble ? "float64" : "float32";
}

LoadedNetwork load_torchscript(const BackendRequest& request, ScriptExecution execution) {
  if (request.approach.precision == Precision::int8 || Options(request.approach).fold) {
    throw UsageError("a TorchScript program runs as it is: neither int8 nor +fold",
                     "approach '" + request.approach.label() + "'", "name a checkpoint as the model");
  }
  std::optional<torch::jit::Module> program;
  try {
    program = load_program(*request.model);
    LoadedNetwork network = ready(request, *program, execution);
    network.model = {request.model->string(), "torchscript", sha256_of_file(*request.model), network.model.parameters};
    network.details.insert(network.details.begin(), {"architecture", "TorchScript program"});
    return network;
  } catch (const std::exception& error) {
    if (program && request.approach.device->kind == Device::Kind::cpu && tells_of(error, {"CUDA", "cuda", "NVIDIA"}) &&
        names_cuda(*program)) {
      throw ModelError(
          "the TorchScript program was traced on a CUDA device, which stands in its code, and does not run on the CPU",
          request.model->string(), "trace it on the CPU, or run it on @cuda");
    }
    if (program && tells_of(error, {"type", "Half", "BFloat16"})) {
      const at::ScalarType asked_for = scalar_type(request.approach.precision);
      if (const auto other = other_precision(*program, asked_for)) {
        throw ModelError("the TorchScript program cannot be used: its code casts to " + torch_name(*other) +
                             ", and its weights were brought to " + torch_name(asked_for),
                         request.model->string(),
                         "save it without these casts, or ask for the precision that they are to");
      }
    }
    throw ModelError("the TorchScript program cannot be used: " + sentence_in(error), request.model->string(),
                     "it must turn N x 3 x H x W into N rows of logits");
  }
}

LoadedNetwork load(const BackendRequest& request, ScriptExecution execution) {
  if (model_format(*request.model) == ModelFormat::torchscript) return load_torchscript(request, execution);
  const Checkpoint checkpoint = Checkpoint::open(*request.model);
  const ResidualNetwork description = describe_network(checkpoint);
  LoadedNetwork network = execution == ScriptExecution::frozen
                              ? ready(request, make_program(description, tensors_of(checkpoint)), execution)
                              : load_native(request, checkpoint, description);
  network.model = {request.model->string(), checkpoint.format(), checkpoint.sha256(), description.parameters};
  network.details.insert(network.details.begin(), {"architecture", description.architecture});
  if (const std::string assumed = description.assumed(); !assumed.empty()) {
    network.details.emplace_back("assumed", assumed);
  }
  return network;
}

LoadedNetwork load_package(const BackendRequest& request) {
  try {
    return aoti::load(*request.model, example_input(request, request.max_batch, at::MemoryFormat::Contiguous));
  } catch (const std::exception& error) {
    throw ModelError("the AOTInductor package cannot be used: " + sentence_in(error), request.model->string(),
                     "make one with torch._inductor.aoti_compile_and_package");
  }
}

/// The network as one function that is recorded as a CUDA graph.
LoadedNetwork recorded(LoadedNetwork network) {
  const auto whole = [backbone = network.backbone, head = network.head](const at::Tensor& input) {
    return backbone ? head(backbone(input)) : head(input);
  };
  network.backbone = nullptr;
  network.head = cuda_runtime::as_graph(whole);
  network.details.emplace_back("cuda_graph", "replayed");
  return network;
}

template <class Load>
std::unique_ptr<InferenceWrapper> open(const BackendRequest& request, const Load& load_network) {
  try {
    at::set_num_threads(static_cast<int>(request.threads));
    // FP32 means FP32: TF32 keeps ten bits of the mantissa.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    const c10::InferenceMode guard;
    LoadedNetwork network = load_network(request);
    if (Options(request.approach).graph) network = recorded(std::move(network));
    return wrap(std::move(network), request.preprocessor);
  } catch (const c10::Error& error) {
    throw BackendError("LibTorch failed: " + sentence_in(error), "approach '" + request.approach.label() + "'");
  }
}

Backend described(const std::string& engine, std::span<const Precision> known) {
  Backend backend;
  backend.engine = engine;
  backend.version = TORCH_VERSION;
  backend.precisions.assign(known.begin(), known.end());
  backend.devices = {Device{}};
  // A signed char from LibTorch 2.11 on.
  const auto cuda_devices = std::max(static_cast<std::size_t>(torch::cuda::device_count()), std::size_t{1});
  for (std::size_t i = 0; i < cuda_devices; ++i) backend.devices.push_back({Device::Kind::cuda, i});
  backend.unavailable = unavailable;
  return backend;
}

}  // namespace

void add_to(BackendRegistry& registry) {
  Backend eager = described("libtorch", precisions);
  eager.options = {"channels-last", "nchw", "fold", "graph"};
  eager.open = [](const BackendRequest& request) {
    return open(request, [](const BackendRequest& r) { return load(r, ScriptExecution::as_stored); });
  };
  eager.configuration = configuration;
  registry.add(std::move(eager));

  Backend script = described("torchscript", program_precisions);
  script.options = {"channels-last", "nchw", "graph"};
  script.open = [](const BackendRequest& request) {
    return open(request, [](const BackendRequest& r) { return load(r, ScriptExecution::frozen); });
  };
  registry.add(std::move(script));

  Backend packages = described("aoti", program_precisions);
  packages.unavailable = aoti_unavailable;
  packages.open = [](const BackendRequest& request) { return open(request, load_package); };
  registry.add(std::move(packages));
}

}  // namespace stagemark::libtorch
