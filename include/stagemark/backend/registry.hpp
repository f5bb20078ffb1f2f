#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/preprocessor.hpp"

namespace stagemark {

/// Why something cannot be had here, and what to install or change to have it.
struct Unavailable {
  std::string reason;
  std::string remedy;
};

/// What is needed to open an approach.
struct BackendRequest {
  Approach approach;  ///< fully resolved: the device is set
  std::optional<std::filesystem::path> model;
  std::shared_ptr<const Preprocessor> preprocessor;
  std::size_t threads = 1;    ///< for the network; preprocessing uses one
  std::size_t max_batch = 1;  ///< largest batch that will be asked for
  /// What `model` was made from, where the tool exported it; an engine reports this in place of the file it opened.
  std::optional<ModelFacts> exported_from;
  /// Where calibration left the ranges of the network's tensors (INT8 of a checkpoint), for engines that quantise.
  std::optional<std::filesystem::path> activation_ranges;
};

/// One engine as the tool knows it.
struct Backend {
  std::string engine;
  std::string version;                ///< of the runtime it wraps; empty where there is none
  std::vector<Precision> precisions;  ///< all it can be asked for
  std::vector<std::string> options;   ///< all it can be asked for, without the plus sign
  bool needs_model = true;
  bool runs_onnx = false;  ///< its models are ONNX files; a checkpoint has to be exported first
  /// Of INT8 ONNX files: whether it wants floating-point operators between QuantizeLinear and DequantizeLinear, or
  /// operators of integers.
  bool fuses_qdq = true;
  /// Devices of this machine, and those that the engine knows but that are not here.
  std::vector<Device> devices = {Device{}};
  /// Why the approach (device set) cannot run in this build on this machine; absent if it can. Quick; no model needed.
  std::function<std::optional<Unavailable>(const Approach&)> unavailable;
  /// Loads the model. \throws BackendError, ModelError
  std::function<std::unique_ptr<InferenceWrapper>(const BackendRequest&)> open;
  /// How the runtime is built and set up, by name; empty where it does not tell. `doctor` knows "build_type" ("Debug" is
  /// slow), "cpu_capability" (instruction sets of its own kernels) and "own_blas" (brings a BLAS, and needs no other).
  std::function<std::vector<std::pair<std::string, std::string>>()> configuration;
};

/// The engines of a program. A value: no singleton, no static registration.
class BackendRegistry {
 public:
  /// \throws std::invalid_argument if the engine is there already
  void add(Backend backend);

  [[nodiscard]] std::span<const Backend> backends() const noexcept { return backends_; }

  /// The engine of that name. \throws UsageError that lists the engines there are
  [[nodiscard]] const Backend& find(std::string_view engine) const;

  /// Whether there are such an engine, precision and options, here or elsewhere.
  /// \throws UsageError unknown engine, precision or option
  void check(const Approach& approach) const;

  /// Sets the device of an approach that names none and checks engine, precision and options.
  /// \param default_device absent: CUDA where the engine can use it here, else the CPU
  /// \throws UsageError   unknown engine, precision or option
  /// \throws BackendError known, but not to be had in this build or on this machine; says what is available
  [[nodiscard]] Approach resolve(Approach approach, std::optional<Device> default_device) const;

  /// Opens a resolved approach. \throws BackendError, ModelError
  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const BackendRequest& request) const;

  /// Labels of all approaches that can run here, for error messages.
  [[nodiscard]] std::vector<std::string> available_approaches() const;

 private:
  std::vector<Backend> backends_;
};

}  // namespace stagemark
