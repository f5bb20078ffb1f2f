#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "stagemark/backend/image.hpp"
#include "stagemark/backend/preprocessor.hpp"

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

}  // namespace libtorch
}  // namespace stagemark
