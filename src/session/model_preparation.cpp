#include "stagemark/session/model_preparation.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "session/cache.hpp"
#include "stagemark/backend/split_model.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/model_format.hpp"
#include "stagemark/model/network.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/suite/dataset.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

OnnxPrecision onnx_precision(const Approach& approach) {
  switch (approach.precision) {
    case Precision::fp32:
      return OnnxPrecision::fp32;
    case Precision::fp16:
      return OnnxPrecision::fp16;
    case Precision::int8:
      return OnnxPrecision::int8;
    case Precision::bf16:
      break;
  }
  throw BackendError("a checkpoint cannot be exported in " + std::string(to_string(approach.precision)) +
                     " for the engine " + approach.engine);
}

void widen(ActivationRanges& ranges, const ActivationRanges& others) {
  for (const auto& [name, other] : others) {
    ActivationRange& range = ranges[name];
    range.low = std::min(range.low, other.low);
    range.high = std::max(range.high, other.high);
  }
}

/// The shortest text that reads back as the same number.
std::string exact(float value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

/// All that decides what a network sees of an image, for the cache's names.
std::vector<std::string> parts_of(const PreprocessingOptions& preprocessing, const ImageSourceOptions& image_source) {
  std::vector<std::string> parts = {std::to_string(preprocessing.width), std::to_string(preprocessing.height),
                                    std::to_string(preprocessing.shorter_side.value_or(0)),
                                    std::to_string(static_cast<int>(image_source.sixteen_bit_grey))};
  std::ranges::transform(preprocessing.mean, std::back_inserter(parts), exact);
  std::ranges::transform(preprocessing.standard_deviation, std::back_inserter(parts), exact);
  return parts;
}

}  // namespace

std::vector<fs::path> images_in(const fs::path& place) {
  const Dataset dataset = read_dataset(place, {});
  std::vector<fs::path> files;
  std::ranges::transform(dataset.entries, std::back_inserter(files),
                         [&](const DatasetEntry& entry) { return dataset.file(entry); });
  return files;
}

std::vector<std::string> left_out_of(const fs::path& model) {
  std::vector<std::string> sentences;
  if (model_format(model) != ModelFormat::tensors) return sentences;
  const Checkpoint checkpoint = Checkpoint::open(model);
  const std::string file = model.string() + ": ";
  const std::vector<std::string> unused = describe_network(checkpoint).unused;
  if (!unused.empty()) {
    const std::string others = unused.size() == 1 ? "" : " and " + std::to_string(unused.size() - 1) + " more";
    sentences.push_back(file + "inference does not use '" + unused.front() + "'" + others);
  }
  for (const std::string& key : checkpoint.not_taken()) {
    sentences.push_back(file + "the network is not taken from " + (key.empty() ? "the file's top" : "'" + key + "'"));
  }
  return sentences;
}

bool ModelPreparation::needs_quantisation_images(const Backend& backend, Precision precision, const fs::path& model) {
  return backend.needs_model && precision == Precision::int8 && model_format(model) == ModelFormat::tensors;
}

ApproachRequest ModelPreparation::prepare(const Backend& backend, const Approach& approach,
                                          const std::optional<fs::path>& model) const {
  ApproachRequest request;
  request.approach = approach;
  request.model = model;
  request.threads = threads_;
  request.preprocessing = preprocessing_;
  request.image_source = image_source_;
  if (!backend.needs_model || !model) return request;
  const ModelFormat format = model_format(*model);
  if (needs_quantisation_images(backend, approach.precision, *model))
    request.activation_ranges = observe_ranges(*model);
  if (!backend.runs_onnx) {
    if (format == ModelFormat::onnx) {
      throw ModelError("is an ONNX file, which the engine " + backend.engine + " does not run", model->string(),
                       "use onnxruntime or opencv");
    }
  } else if (format == ModelFormat::tensors) {
    export_checkpoint(backend, request);
  } else if (format != ModelFormat::onnx) {
    throw ModelError("the engine " + backend.engine + " runs ONNX files and checkpoints, and this is neither",
                     model->string(), "export the network as ONNX");
  }
  return request;
}

void ModelPreparation::export_checkpoint(const Backend& backend, ApproachRequest& request) const {
  const OnnxExporter write = onnx_exporter();
  const fs::path& model = *request.model;
  const Checkpoint checkpoint = Checkpoint::open(model);
  const ResidualNetwork network = describe_network(checkpoint);
  OnnxExportOptions options;
  options.precision = onnx_precision(request.approach);
  options.height = preprocessing_.height;
  options.width = preprocessing_.width;
  const std::optional<fs::path> ranges = std::exchange(request.activation_ranges, std::nullopt);
  if (ranges) options.ranges = read_activation_ranges(*ranges);
  if (backend.int8_graph == Int8Graph::integer_operators) options.quantisation = OnnxQuantisation::operators;

  const std::string key =
      cache_key({"onnx", std::to_string(onnx_exporter_revision), checkpoint.sha256(),
                 std::string(to_string(request.approach.precision)), std::to_string(options.width),
                 std::to_string(options.height), ranges ? sha256_of_file(*ranges) : "",
                 ranges && options.quantisation == OnnxQuantisation::operators ? "operators" : "qdq"});
  const auto part = [&](OnnxPart which, std::string_view suffix) {
    options.part = which;
    return cached_file(key + std::string(suffix), [&](const fs::path& file) { write(file, checkpoint, options); });
  };
  request.exported_from = ModelFacts{model.string(), checkpoint.format(), checkpoint.sha256(), network.parameters};
  request.assumed = network.assumed();
  (void)part(OnnxPart::head, head_suffix);
  request.model = part(OnnxPart::backbone, backbone_suffix);
}

fs::path ModelPreparation::observe_ranges(const fs::path& checkpoint) const {
  if (quantisation_images_.empty()) {
    throw UsageError("a checkpoint needs calibration images to run in int8", checkpoint.string(),
                     "give a directory of images, or how many of these, with `quantisation_images`");
  }
  const ActivationObserver observe = activation_observer();
  std::vector<std::string> parts = {"ranges", std::to_string(onnx_exporter_revision), sha256_of_file(checkpoint)};
  if (method_ == RangeMethod::percentile) parts.emplace_back("percentile");
  const std::vector<std::string> preprocessing = parts_of(preprocessing_, image_source_);
  parts.insert(parts.end(), preprocessing.begin(), preprocessing.end());
  for (const fs::path& image : quantisation_images_) parts.push_back(sha256_of_file(image));

  return cached_file(cache_key(parts) + ".ranges", [&](const fs::path& file) {
    const auto source = make_image_source(image_source_);
    const auto preprocessor = make_preprocessor(preprocessing_);
    ActivationRanges ranges;
    // Decoded images may be large, and there may be many.
    constexpr std::size_t at_once = 64;
    for (std::span<const fs::path> rest(quantisation_images_); !rest.empty();) {
      const auto files = rest.first(std::min(at_once, rest.size()));
      rest = rest.subspan(files.size());
      std::vector<Image> images;
      for (const fs::path& image : files) {
        try {
          images.push_back(source->load(image));
        } catch (const InputError& error) {
          throw InputError(error.problem(), image.string(), "calibrate with images that can be read");
        }
      }
      widen(ranges, observe(checkpoint, images, *preprocessor, threads_, method_));
    }
    write_activation_ranges(file, ranges);
  });
}

}  // namespace stagemark
