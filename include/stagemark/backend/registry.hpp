#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/preprocessor.hpp"
#include "stagemark/backend/runtime_configuration.hpp"

namespace stagemark {

/// Why something cannot be had here, and what to install or change to have it.
struct Unavailable {
  std::string reason;
  std::string remedy;
};

/// What an engine is given to open an approach.
struct BackendRequest : ApproachRequest {
  std::shared_ptr<const Preprocessor> preprocessor;  ///< made of `preprocessing`; may be null for engines without
};

/// How an INT8 network is written in the ONNX files that an engine runs in integers.
enum class Int8Graph : std::uint8_t {
  quantise_dequantise,  ///< floating-point operators between QuantizeLinear and DequantizeLinear, which it fuses
  integer_operators,    ///< QLinearConv and its like
};

/// One engine as the tool knows it.
struct Backend {
  std::string engine;
  std::string version;                ///< of the runtime it wraps; empty where there is none
  std::vector<Precision> precisions;  ///< all it can be asked for
  std::vector<std::string> options;   ///< all it can be asked for, without the plus sign
  bool needs_model = true;
  bool runs_onnx = false;  ///< its models are ONNX files; a checkpoint has to be exported first
  Int8Graph int8_graph = Int8Graph::quantise_dequantise;  ///< of those files
  /// Most that can be open in one process without waiting for one another's threads; absent: any number.
  std::optional<std::size_t> instances_per_process = std::nullopt;
  /// Devices of this machine, and those that the engine knows but that are not here.
  std::vector<Device> devices = {Device{}};
  /// Why the approach (device set) cannot run in this build on this machine; absent if it can. Quick; no model needed.
  /// Empty: all of them can, on all of `devices`.
  std::function<std::optional<Unavailable>(const Approach&)> unavailable;
  /// Loads the model; never returns null. May be empty where `unavailable` always has a reason.
  /// \throws BackendError, ModelError
  std::function<std::unique_ptr<InferenceWrapper>(const BackendRequest&)> open;
  /// How the runtime is built and set up; empty where it does not tell.
  std::function<RuntimeConfiguration()> configuration;
};

/// The engines of a program. A value: no singleton, no static registration.
class BackendRegistry {
 public:
  /// \throws std::invalid_argument if the engine is there already, or lacks its name, a precision, a device or `open`
  ///         (and has no `unavailable` that says why)
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
