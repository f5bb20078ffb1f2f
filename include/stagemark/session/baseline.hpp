#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// The FP32 baseline of a model in one call: runs `libtorch-fp32` on the CPU or, where there is one, on the first CUDA
/// device, over a directory of images, and writes the report.
/// \param images     directory in ImageFolder layout, or flat
/// \param checkpoint Lightning checkpoint or state_dict
/// \param samples    how many images, drawn by seed 0; absent: all
/// \param output     the report's file; written atomically
/// \throws InputError, ModelError, BackendError, OutputError
Report run_baseline_benchmark(const std::filesystem::path& images, const std::filesystem::path& checkpoint,
                              std::optional<std::size_t> samples, const std::filesystem::path& output);

}  // namespace stagemark
