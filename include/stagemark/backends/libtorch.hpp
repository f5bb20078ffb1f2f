#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/backend/preprocessor.hpp"
#include "stagemark/model/activation_ranges.hpp"

namespace stagemark {

class BackendRegistry;

/// LibTorch's engines.
namespace libtorch {

/// What `libtorch` can be asked for.
inline constexpr std::array precisions = {Precision::fp32, Precision::fp16, Precision::bf16, Precision::int8};
/// What `torchscript` and `aoti` can be asked for.
inline constexpr std::array program_precisions = {Precision::fp32, Precision::fp16, Precision::bf16};

/// Adds three engines, on the CPU and on each CUDA device, as far as this LibTorch can:
///  - `libtorch`: ResNets built natively from a checkpoint's keys and shapes, run eagerly; TorchScript programs as they
///    are stored. fp32, fp16, bf16 and, of checkpoints on the CPU, int8. Options: `channels-last` (the default), `nchw`,
///    `fold` (normalisations within their convolutions: numbers differ by roundings), `graph` (a CUDA graph);
///  - `torchscript`: programs, or those made of a checkpoint, frozen and optimised for inference. fp32, fp16, bf16;
///  - `aoti`: AOTInductor packages, in the precision that they were made in.
void add_to(BackendRegistry& registry);

/// Makes a model to try things with and writes it as a Lightning checkpoint: ResNet-50 with random weights from the
/// seed, its normalisation statistics taken from `images`, and a head 2048-256-64-1 whose last layer is fitted to their
/// labels by ridge-penalised logistic regression. Not a model for any other use.
/// \param images   at least 64, of both classes
/// \param positive of each image, whether it belongs to class index 1
/// \param threads  of LibTorch; with another number of them the last digits of the weights differ
/// \throws BackendError if LibTorch fails, OutputError if the file cannot be written
void write_sample_checkpoint(const std::filesystem::path& file, std::span<const Image> images,
                             std::span<const bool> positive, const Preprocessor& preprocessor, std::uint64_t seed,
                             std::size_t threads);

/// Runs the FP32 network of a checkpoint on calibration images and says what range each tensor that ActivationRanges
/// names takes.
/// \throws ModelError, BackendError
ActivationRanges observe_activations(const std::filesystem::path& checkpoint, std::span<const Image> images,
                                     const Preprocessor& preprocessor, std::size_t threads,
                                     RangeMethod method = RangeMethod::min_max);

/// Writes the network of a checkpoint as a TorchScript program, FP32, with the sub-modules `features` and `classifier`
/// and the checkpoint's names; `torch.jit.load` reads it. \throws ModelError, OutputError
void export_torchscript(const std::filesystem::path& checkpoint, const std::filesystem::path& file);

}  // namespace libtorch
}  // namespace stagemark
