#pragma once

#include <optional>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/registry.hpp"

namespace stagemark::libtorch {

/// Whether this LibTorch can convolve in the precision on the device: tried, never deduced from a version.
std::optional<Unavailable> probe(Precision precision, const Device& device);

/// The same for int8.
std::optional<Unavailable> probe_int8(const Device& device);

}  // namespace stagemark::libtorch
