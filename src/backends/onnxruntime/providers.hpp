#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <optional>
#include <string>

#include "cuda_driver.hpp"
#include "runtime.hpp"
#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/registry.hpp"

namespace stagemark::onnxruntime {

/// The provider that an approach has to run on, e.g. "CUDAExecutionProvider".
std::string provider_of(const Approach& approach);

/// Whether the approach's provider runs whole parts of a graph as one node, and chooses within them.
bool compiles(const Approach& approach);

/// Whether the approach's provider reads sizes when the session is made, and computes wrongly where one is free: ONNX
/// Runtime 1.21's XNNPACK gives one row for a batch of five.
bool needs_fixed_sizes(const Approach& approach);

/// Whether the approach's provider computes in threads of OpenMP.
bool uses_openmp(const Approach& approach);

/// How many threads OpenMP takes for what the calling thread runs, where it is loaded at all.
void set_openmp_threads(std::size_t threads);

/// Whether threads may wait for one another actively within a call, as ONNX Runtime has it unless told otherwise.
bool spins(const Approach& approach);

/// What the libraries and devices that the approach needs lack; nothing is loaded, nothing is tried.
std::optional<Unavailable> what_is_missing(const Approach& approach, const CudaDriver& driver);

/// Options of a session for the approach. \throws Ort::Exception if a provider cannot be loaded
Ort::SessionOptions session_options(const Approach& approach, std::size_t threads);

/// "allowed" or "not allowed", for the devices and precisions that know TF32.
std::optional<std::string> tf32(const Approach& approach);

}  // namespace stagemark::onnxruntime
