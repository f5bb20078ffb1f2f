#include "providers.hpp"

#include <dlfcn.h>
#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark::onnxruntime {
namespace {

constexpr const char* gpu_archive =
    "unpack the GPU archive (onnxruntime-linux-x64-gpu) from ONNX Runtime's releases and configure with "
    "-DOnnxRuntime_ROOT=DIR";

constexpr bool can_forbid_tf32 = ORT_API_VERSION >= 18;

bool on_cuda(const Approach& approach) { return approach.device->kind == Device::Kind::cuda; }

bool has_option(const Approach& approach, std::string_view option) {
  return std::ranges::find(approach.options, option) != approach.options.end();
}

using Settings = std::vector<std::pair<std::string, std::string>>;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Where TensorRT's engines are kept, as building one takes minutes: beside what the command keeps.
std::filesystem::path engine_cache() {
  if (const std::string own = environment("STAGEMARK_CACHE"); !own.empty())
    return std::filesystem::path(own) / "tensorrt";
  if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty())
    return std::filesystem::path(cache) / "stagemark" / "tensorrt";
  const std::string home = environment("HOME");
  if (home.empty())
    throw BackendError(
        {.problem = "no place for TensorRT's engines", .remedy = "name a directory in $STAGEMARK_CACHE"});
  return std::filesystem::path(home) / ".cache" / "stagemark" / "tensorrt";
}

/// Keys and values as the C interface takes them.
struct Pointers {
  explicit Pointers(const Settings& settings) {
    for (const auto& [key, value] : settings) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
  }
  std::vector<const char*> keys;
  std::vector<const char*> values;
};

void append_cuda(Ort::SessionOptions& options, std::size_t device) {
  Settings settings = {{"device_id", std::to_string(device)}};
  // FP32 means FP32: TF32 keeps ten bits of the mantissa.
  if (can_forbid_tf32) settings.emplace_back("use_tf32", "0");
  const OrtApi& api = Ort::GetApi();
  OrtCUDAProviderOptionsV2* made = nullptr;
  Ort::ThrowOnError(api.CreateCUDAProviderOptions(&made));
  const std::unique_ptr<OrtCUDAProviderOptionsV2, decltype(api.ReleaseCUDAProviderOptions)> provider(
      made, api.ReleaseCUDAProviderOptions);
  const Pointers pointers(settings);
  Ort::ThrowOnError(api.UpdateCUDAProviderOptions(provider.get(), pointers.keys.data(), pointers.values.data(),
                                                  pointers.keys.size()));
  options.AppendExecutionProvider_CUDA_V2(*provider);
}

void append_dnnl(Ort::SessionOptions& options) {
  const OrtApi& api = Ort::GetApi();
  OrtDnnlProviderOptions* made = nullptr;
  Ort::ThrowOnError(api.CreateDnnlProviderOptions(&made));
  const std::unique_ptr<OrtDnnlProviderOptions, decltype(api.ReleaseDnnlProviderOptions)> provider(
      made, api.ReleaseDnnlProviderOptions);
  Ort::ThrowOnError(api.SessionOptionsAppendExecutionProvider_Dnnl(options, provider.get()));
}

void append_tensorrt(Ort::SessionOptions& options, Precision precision, std::size_t device) {
  const std::filesystem::path cache = engine_cache();
  std::error_code error;
  std::filesystem::create_directories(cache, error);
  if (error) throw BackendError("cannot make the directory for TensorRT's engines", cache.string(), error.message());
  const Settings settings = {{"device_id", std::to_string(device)},
                             {"trt_fp16_enable", precision == Precision::fp16 ? "1" : "0"},
                             {"trt_int8_enable", precision == Precision::int8 ? "1" : "0"},
                             {"trt_engine_cache_enable", "1"},
                             {"trt_engine_cache_path", cache.string()}};
  const OrtApi& api = Ort::GetApi();
  OrtTensorRTProviderOptionsV2* made = nullptr;
  Ort::ThrowOnError(api.CreateTensorRTProviderOptions(&made));
  const std::unique_ptr<OrtTensorRTProviderOptionsV2, decltype(api.ReleaseTensorRTProviderOptions)> provider(
      made, api.ReleaseTensorRTProviderOptions);
  const Pointers pointers(settings);
  Ort::ThrowOnError(api.UpdateTensorRTProviderOptions(provider.get(), pointers.keys.data(), pointers.values.data(),
                                                      pointers.keys.size()));
  options.AppendExecutionProvider_TensorRT_V2(*provider);
}

}  // namespace

std::string provider_of(const Approach& approach) {
  if (approach.engine == "tensorrt") return "TensorrtExecutionProvider";
  if (on_cuda(approach)) return "CUDAExecutionProvider";
  if (has_option(approach, "dnnl")) return "DnnlExecutionProvider";
  return has_option(approach, "xnnpack") ? "XnnpackExecutionProvider" : "CPUExecutionProvider";
}

bool spins(const Approach& approach) {
  // Beside threads of another library's own they would only take its time.
  return !std::ranges::any_of(std::array{"nospin", "dnnl", "xnnpack"},
                              [&](std::string_view option) { return has_option(approach, option); });
}

bool compiles(const Approach& approach) { return approach.engine == "tensorrt" || has_option(approach, "dnnl"); }

bool needs_fixed_sizes(const Approach& approach) {
  return has_option(approach, "dnnl") || has_option(approach, "xnnpack");
}

bool uses_openmp(const Approach& approach) { return has_option(approach, "dnnl"); }

void set_openmp_threads(std::size_t threads) {
  // oneDNN's own, which must stay when ONNX Runtime lets go of its provider: its threads still wait in it then, and the
  // process would end by a fault.
  static void* const openmp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NODELETE);
  if (openmp == nullptr) return;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how POSIX has functions
  static const auto set = reinterpret_cast<void (*)(int)>(dlsym(openmp, "omp_set_num_threads"));
  if (set != nullptr) set(static_cast<int>(threads));
}

std::optional<Unavailable> what_is_missing(const Approach& approach, const CudaDriver& driver) {
  if (!Runtime::matches_headers()) {
    return Unavailable{
        "the ONNX Runtime that is loaded, " + Runtime::version() + ", is older than the one this was built for",
        "build again"};
  }
  const bool dnnl = has_option(approach, "dnnl");
  const bool xnnpack = has_option(approach, "xnnpack");
  if (dnnl && xnnpack) return Unavailable{"+dnnl and +xnnpack exclude one another", "name one of them"};
  if ((dnnl || xnnpack) && on_cuda(approach)) return Unavailable{"+dnnl and +xnnpack are for processors", "use @cpu"};
  if (dnnl && approach.precision != Precision::fp32)
    return Unavailable{"+dnnl does not tell in what it computes, and is known to in fp32 only", "use fp32"};
  const std::string provider = provider_of(approach);
  const std::vector<std::string> there = Ort::GetAvailableProviders();
  if (std::ranges::find(there, provider) == there.end()) {
    return Unavailable{"ONNX Runtime " + Runtime::version() + " is built without its " + provider,
                       on_cuda(approach) ? gpu_archive : "Debian 13's libonnxruntime-dev has it"};
  }
  if (!on_cuda(approach)) return std::nullopt;
  const std::string library =
      compiles(approach) ? "libonnxruntime_providers_tensorrt.so" : "libonnxruntime_providers_cuda.so";
  for (const std::string& file : {std::string("libonnxruntime_providers_shared.so"), library}) {
    if (!std::filesystem::exists(Runtime::directory() / file))
      return Unavailable{file + " is not in " + Runtime::directory().string(), gpu_archive};
  }
  const std::size_t devices = driver.device_count();
  if (devices == 0) return Unavailable{"no CUDA device is visible", "use a machine with an NVIDIA GPU, or @cpu"};
  if (approach.device->index >= devices) {
    return Unavailable{"there is no " + to_string(*approach.device),
                       "the last one is cuda:" + std::to_string(devices - 1)};
  }
  return std::nullopt;
}

Ort::SessionOptions session_options(const Approach& approach, std::size_t threads) {
  Ort::SessionOptions options;
  options.SetGraphOptimizationLevel(GraphOptimizationLevel::ORT_ENABLE_ALL);
  options.SetIntraOpNumThreads(static_cast<int>(threads));
  options.SetInterOpNumThreads(1);
  options.SetExecutionMode(ExecutionMode::ORT_SEQUENTIAL);
  // Threads that spin after a call would take time from whoever has the next turn.
  options.AddConfigEntry(kOrtSessionOptionsConfigForceSpinningStop, "1");
  options.AddConfigEntry(kOrtSessionOptionsConfigAllowIntraOpSpinning, spins(approach) ? "1" : "0");
  if (has_option(approach, "dnnl")) append_dnnl(options);
  if (has_option(approach, "xnnpack"))
    options.AppendExecutionProvider("XNNPACK", {{"intra_op_num_threads", std::to_string(threads)}});
  if (!on_cuda(approach)) return options;
  if (compiles(approach)) append_tensorrt(options, approach.precision, approach.device->index);
  append_cuda(options, approach.device->index);
  return options;
}

std::optional<std::string> tf32(const Approach& approach) {
  if (!on_cuda(approach)) return std::nullopt;
  // TensorRT may use it unless NVIDIA's libraries are told otherwise, and its provider has no option for it.
  if (compiles(approach)) return environment("NVIDIA_TF32_OVERRIDE") == "0" ? "not allowed" : "allowed";
  return can_forbid_tf32 ? "not allowed" : "allowed";
}

}  // namespace stagemark::onnxruntime
