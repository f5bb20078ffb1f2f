#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <span>
#include <string>

#include "stagemark/backend/image.hpp"
#include "stagemark/backend/preprocessor.hpp"

namespace stagemark {
class Checkpoint;
}

namespace stagemark::libtorch {

/// Where a network's tensors come from: float32, contiguous, on the CPU, by name.
using TensorSource = std::function<at::Tensor(const std::string& name)>;

/// \return a source that lives as long as the checkpoint
TensorSource tensors_of(const Checkpoint& checkpoint);

/// The input tensor of a batch: N x C x H x W, float32, contiguous, on the host.
at::Tensor to_input(std::span<const Image> images, const Preprocessor& preprocessor, bool pinned = false);

}  // namespace stagemark::libtorch
