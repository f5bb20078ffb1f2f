#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "stagemark/backend/toolkit.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/onnx_export.hpp"

namespace stagemark {

/// All engines that this library knows: those built in, and those that are not, with the reason and the remedy.
BackendRegistry built_in_engines();

/// These engines, with the images and preprocessing of the component `images`.
const Toolkit& built_in_toolkit();

/// `run_worker_if_asked` of suite/worker_program.hpp and `run_load_worker_if_asked` of load/load_worker.hpp, with the
/// built-in engines. To be called first in `main`.
void run_worker_if_asked(int argc, char** argv);

/// Fits and writes the model of `stagemark sample`; empty where no engine that could was built.
using SampleModelWriter =
    std::function<void(const std::filesystem::path&, std::span<const Image>, std::span<const bool>, const Preprocessor&,
                       std::uint64_t seed, std::size_t threads)>;
SampleModelWriter sample_model_writer();

/// What parts of the library that may not have been built do. Each of these throws BackendError, saying what to install,
/// if it was not.
using ActivationObserver =
    std::function<ActivationRanges(const std::filesystem::path& checkpoint, std::span<const Image>, const Preprocessor&,
                                   std::size_t threads, RangeMethod)>;
using OnnxExporter =
    std::function<void(const std::filesystem::path& file, const Checkpoint&, const OnnxExportOptions&)>;
using TorchscriptExporter =
    std::function<void(const std::filesystem::path& checkpoint, const std::filesystem::path& file)>;
ActivationObserver activation_observer();
TorchscriptExporter torchscript_exporter();
OnnxExporter onnx_exporter();

}  // namespace stagemark
