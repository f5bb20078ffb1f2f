#include "model_preparation.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "backend/split_model.hpp"
#include "cache.hpp"
#include "engines.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/model_format.hpp"
#include "stagemark/model/network.hpp"
#include "stagemark/suite/dataset.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

OnnxPrecision onnx_precision(const Backend& backend, Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return OnnxPrecision::fp32;
    case Precision::fp16:
      return OnnxPrecision::fp16;
    case Precision::int8:
      return OnnxPrecision::int8;
    case Precision::bf16:
      break;
  }
  throw BackendError("a checkpoint cannot be exported in " + std::string(to_string(precision)) + " for the engine " +
                     backend.engine);
}

void widen(ActivationRanges& ranges, const ActivationRanges& others) {
  for (const auto& [name, other] : others) {
    ActivationRange& range = ranges[name];
    range.low = std::min(range.low, other.low);
    range.high = std::max(range.high, other.high);
  }
}

}  // namespace

void PreparedModel::fill(BackendRequest& request) const {
  request.model = model;
  request.exported_from = exported_from;
  request.activation_ranges = activation_ranges;
}

void CalibrationArguments::add_to(CLI::App& command, const std::string& description) {
  CLI::Option* images = command.add_option("--calibration", text, description)->type_name("DIR|N");
  command
      .add_option("--calibration-method", method_name,
                  "min-max: every value seen can be represented; percentile: each image's outermost ten-thousandth at "
                  "either end is cut off, for finer steps")
      ->check(CLI::IsMember({"min-max", "percentile"}))
      ->capture_default_str()
      ->needs(images);
}

CalibrationMethod CalibrationArguments::method() const {
  return method_name == "percentile" ? CalibrationMethod::percentile : CalibrationMethod::min_max;
}

std::optional<std::size_t> CalibrationArguments::count() const {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || fs::exists(text)) return std::nullopt;
  if (error != std::errc() || number == 0) {
    throw UsageError("'" + text + "' is no number of images", "--calibration", "give one from 1, or a directory");
  }
  return number;
}

void CalibrationArguments::expect_directory() const {
  if (count()) throw UsageError("there is no data set to draw from", "--calibration", "give a directory of images");
}

std::vector<fs::path> CalibrationArguments::images() const {
  const Dataset dataset = read_dataset(text, {});
  std::vector<fs::path> files;
  std::ranges::transform(dataset.entries, std::back_inserter(files),
                         [&](const DatasetEntry& entry) { return dataset.file(entry); });
  return files;
}

bool ModelPreparation::needs_calibration(const Backend& backend, Precision precision, const fs::path& model) {
  return backend.needs_model && precision == Precision::int8 && model_format(model) == ModelFormat::tensors;
}

PreparedModel ModelPreparation::prepare(const Backend& backend, Precision precision,
                                        const std::optional<fs::path>& model) const {
  if (!backend.needs_model || !model) return {model, std::nullopt, std::nullopt};
  const ModelFormat format = model_format(*model);
  std::optional<fs::path> ranges;
  if (precision == Precision::int8 && format == ModelFormat::tensors) ranges = observe_ranges(*model);
  if (!backend.runs_onnx) {
    if (format == ModelFormat::onnx) {
      throw ModelError("is an ONNX file, which the engine " + backend.engine + " does not run", model->string(),
                       "use onnxruntime or opencv");
    }
    return {model, std::nullopt, ranges};
  }
  if (format == ModelFormat::onnx) return describe(*model);
  if (format == ModelFormat::tensors) return export_checkpoint(backend, precision, *model, ranges);
  throw ModelError("the engine " + backend.engine + " runs ONNX files and checkpoints, and this is neither",
                   model->string(), "export the network as ONNX");
}

PreparedModel ModelPreparation::describe(const fs::path& model) const {
  const OnnxDescriber describe = onnx_describer();
  // Without the exporter's library the engine tells what it can itself.
  if (!describe) return {model, std::nullopt, std::nullopt};
  OnnxDescription description = describe(model);
  const PreprocessingOptions options = preprocessing_.preprocessing();
  const auto expected = [](std::optional<std::int64_t> stated, std::size_t size) {
    return !stated || *stated == static_cast<std::int64_t>(size);
  };
  if (!expected(description.height, options.height) || !expected(description.width, options.width)) {
    throw ModelError("takes images of " + std::to_string(description.width.value_or(0)) + "x" +
                         std::to_string(description.height.value_or(0)) + ", not of " + preprocessing_.resize,
                     model.string(), "give its size with --resize");
  }
  if (const auto head = head_beside(model)) description.parameters += describe(*head).parameters;
  return {model, ModelFacts{model.string(), "onnx", sha256_of_file(model), description.parameters}, std::nullopt};
}

PreparedModel ModelPreparation::export_checkpoint(const Backend& backend, Precision precision, const fs::path& model,
                                                  const std::optional<fs::path>& ranges) const {
  const OnnxExporter write = onnx_exporter();
  const Checkpoint checkpoint = Checkpoint::open(model);
  const ResidualNetwork network = describe_network(checkpoint);
  const PreprocessingOptions size = preprocessing_.preprocessing();
  OnnxExportOptions options;
  options.precision = onnx_precision(backend, precision);
  options.height = size.height;
  options.width = size.width;
  if (ranges) options.ranges = read_activation_ranges(*ranges);
  if (!backend.fuses_qdq) options.quantisation = OnnxQuantisation::operators;

  const std::string key =
      cache_key({"onnx", std::to_string(onnx_exporter_revision), checkpoint.sha256(), std::string(to_string(precision)),
                 std::to_string(size.width), std::to_string(size.height), ranges ? sha256_of_file(*ranges) : "",
                 ranges && options.quantisation == OnnxQuantisation::operators ? "operators" : "qdq"});
  const auto part = [&](OnnxPart which, std::string_view suffix) {
    options.part = which;
    return cached_file(key + std::string(suffix), [&](const fs::path& file) { write(file, checkpoint, options); });
  };
  (void)part(OnnxPart::head, head_suffix);
  return {part(OnnxPart::backbone, backbone_suffix),
          ModelFacts{model.string(), checkpoint.format(), checkpoint.sha256(), network.parameters}, std::nullopt};
}

fs::path ModelPreparation::observe_ranges(const fs::path& checkpoint) const {
  if (calibration_.empty()) {
    throw UsageError("a checkpoint needs calibration images to run in int8", checkpoint.string(),
                     "give a directory of images, or how many of these, with --calibration");
  }
  const ActivationObserver observe = activation_observer();
  std::vector<std::string> parts = {"ranges", sha256_of_file(checkpoint)};
  if (method_ == CalibrationMethod::percentile) parts.emplace_back("percentile");
  const std::vector<std::string> preprocessing = preprocessing_.command_line();
  parts.insert(parts.end(), preprocessing.begin(), preprocessing.end());
  for (const fs::path& image : calibration_) parts.push_back(sha256_of_file(image));

  return cached_file(cache_key(parts) + ".ranges", [&](const fs::path& file) {
    const auto source = make_image_source(preprocessing_.image_source());
    const auto preprocessor = make_preprocessor(preprocessing_.preprocessing());
    ActivationRanges ranges;
    // Decoded images may be large, and there may be many.
    constexpr std::size_t at_once = 64;
    for (std::span<const fs::path> rest(calibration_); !rest.empty();) {
      const auto files = rest.first(std::min(at_once, rest.size()));
      rest = rest.subspan(files.size());
      std::vector<Image> images;
      for (const fs::path& image : files) {
        try {
          images.push_back(source->load(image));
        } catch (const InputError& error) {
          throw InputError(error.what(), image.string(), "calibrate with images that can be read");
        }
      }
      widen(ranges, observe(checkpoint, images, *preprocessor, threads_, method_));
    }
    write_activation_ranges(file, ranges);
  });
}

}  // namespace stagemark
