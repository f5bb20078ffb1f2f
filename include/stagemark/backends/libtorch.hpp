#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "stagemark/backend/image.hpp"
#include "stagemark/backend/preprocessor.hpp"
#include "stagemark/model/activation_ranges.hpp"

namespace stagemark {

class BackendRegistry;

/// The LibTorch engine: ResNets built natively from a checkpoint's keys and shapes, run eagerly.
namespace libtorch {

/// Adds `libtorch`: fp32, fp16 and bf16, on the CPU and on each CUDA device, as far as this LibTorch can.
void add_to(BackendRegistry& registry);

/// Makes a model to try things with and writes it as a Lightning checkpoint: ResNet-50 with random weights from the
/// seed, its normalisation statistics taken from `images`, and a head 2048-256-64-1 whose last layer is fitted to their
/// labels by ridge-penalised logistic regression. Not a model for any other use.
/// \param images   at least 64, of both classes
/// \param positive of each image, whether it belongs to class index 1
/// \throws BackendError if LibTorch fails, OutputError if the file cannot be written
void write_sample_checkpoint(const std::filesystem::path& file, std::span<const Image> images,
                             std::span<const bool> positive, const Preprocessor& preprocessor, std::uint64_t seed);

/// Runs the FP32 network of a checkpoint on calibration images and says what range each tensor that ActivationRanges
/// names takes: from the least to the greatest value seen.
/// \throws ModelError, BackendError
ActivationRanges observe_activations(const std::filesystem::path& checkpoint, std::span<const Image> images,
                                     const Preprocessor& preprocessor, std::size_t threads);

}  // namespace libtorch
}  // namespace stagemark
