#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "stagemark/backend/registry.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/onnx_export.hpp"

namespace stagemark {

/// All engines the tool knows: those built in, and those that are not, with the reason and the remedy.
BackendRegistry make_registry();

/// Fits and writes the model of `stagemark sample`; empty where no engine that could was built.
using SampleModelWriter = std::function<void(const std::filesystem::path&, std::span<const Image>,
                                             std::span<const bool>, const Preprocessor&, std::uint64_t)>;
SampleModelWriter sample_model_writer();

/// What parts of the tool that may not have been built do. Each of these throws BackendError, saying what to install, if
/// it was not.
using ActivationObserver =
    std::function<ActivationRanges(const std::filesystem::path& checkpoint, std::span<const Image>, const Preprocessor&,
                                   std::size_t threads, CalibrationMethod)>;
using OnnxExporter =
    std::function<void(const std::filesystem::path& file, const Checkpoint&, const OnnxExportOptions&)>;
using TorchscriptExporter =
    std::function<void(const std::filesystem::path& checkpoint, const std::filesystem::path& file)>;
ActivationObserver activation_observer();
TorchscriptExporter torchscript_exporter();
OnnxExporter onnx_exporter();

/// Empty where the exporter was not built.
using OnnxDescriber = std::function<OnnxDescription(const std::filesystem::path&)>;
OnnxDescriber onnx_describer();

}  // namespace stagemark
