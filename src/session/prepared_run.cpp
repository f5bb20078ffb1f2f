#include "session/prepared_run.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/report/tool.hpp"
#include "stagemark/session/model_preparation.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace stagemark {

namespace fs = std::filesystem;

BoundFiles::BoundFiles(const char* parameter, const std::vector<BoundFile>& files,
                       const std::vector<Approach>& approaches) {
  for (const BoundFile& bound : files) {
    const bool known = bound.name.empty() || std::ranges::any_of(approaches, [&](const Approach& approach) {
                         return approach.name == bound.name || approach.engine == bound.name;
                       });
    if (!known)
      throw UsageError("there is no approach and no engine '" + bound.name + "'", "`" + std::string(parameter) + "`");
    if (!files_.emplace(bound.name, bound.file).second) {
      throw UsageError("given twice for " + (bound.name.empty() ? "all approaches" : "'" + bound.name + "'"),
                       "`" + std::string(parameter) + "`", "bind each to one approach or engine");
    }
  }
}

std::optional<fs::path> BoundFiles::of(const Approach& approach) const {
  // The suite tells apart what has one name; a file for that name is for each of them.
  for (const std::string& key : {approach.name, approach.engine}) {
    if (const auto found = files_.find(key); !key.empty() && found != files_.end()) return found->second;
  }
  const auto everyones = files_.find("");
  return everyones == files_.end() ? std::nullopt : std::optional(everyones->second);
}

namespace {

std::vector<Approach> resolve_approaches(const RunRequest& request, const BackendRegistry& registry) {
  std::vector<Approach> approaches = request.approaches;
  if (approaches.empty()) approaches.push_back(parse_approach("libtorch-fp32"));
  // All usage errors before the first approach that is known but cannot be had.
  for (const Approach& approach : approaches) registry.check(approach);
  for (Approach& approach : approaches) approach = registry.resolve(approach, request.device);
  return approaches;
}

/// What is wrong with the models and can be seen at once is said at once; the rest is the worker's to find.
/// \returns whether one of them needs quantisation images
bool expect_models(const std::vector<Approach>& approaches, const BoundFiles& models, const RunRequest& request,
                   const BackendRegistry& registry) {
  for (const Approach& approach : approaches) {
    if (registry.find(approach.engine).needs_model && !models.of(approach)) {
      throw UsageError(
          {.problem = "approach '" + approach.label() + "' needs a model", .remedy = "name one with `models` FILE"});
    }
  }
  bool quantises = false;
  for (const Approach& approach : approaches) {
    const auto model = models.of(approach);
    if (!model ||
        !ModelPreparation::needs_quantisation_images(registry.find(approach.engine), approach.precision, *model)) {
      continue;
    }
    if (!request.quantisation_images) {
      throw UsageError("a checkpoint needs calibration images to run in int8", "approach '" + approach.label() + "'",
                       "give a directory of images, or how many of these, with `quantisation_images`");
    }
    quantises = true;
  }
  return quantises;
}

Dataset read_images(const RunRequest& request) {
  DatasetOptions options{.samples = request.samples,
                         .balanced = request.balanced,
                         .seed = request.options.seed,
                         .calibration = 0,
                         .positive = request.positive,
                         .classes = request.classes};
  if (request.quantisation_images) {
    if (const auto* count = std::get_if<std::size_t>(&*request.quantisation_images)) options.calibration = *count;
  }
  return read_dataset(request.images, options);
}

std::vector<fs::path> quantisation_images(const RunRequest& request, const Dataset& dataset) {
  if (const auto* place = std::get_if<fs::path>(&*request.quantisation_images)) return images_in(*place);
  std::vector<fs::path> files;
  files.reserve(dataset.calibration.size());
  for (const DatasetEntry& entry : dataset.calibration) files.push_back(dataset.file(entry));
  return files;
}

PreprocessingReport preprocessing_report(const RunRequest& request) {
  const PreprocessingOptions& options = request.preprocessing;
  PreprocessingReport report;
  report.width = options.width;
  report.height = options.height;
  report.shorter_side = OrReason<std::size_t>::of(options.shorter_side, "the aspect ratio was not kept");
  std::ranges::copy(options.mean, report.mean.begin());
  std::ranges::copy(options.standard_deviation, report.standard_deviation.begin());
  report.sixteen_bit = request.image_source.sixteen_bit_grey;
  return report;
}

using Sentences = std::vector<std::string>;

/// `left_out_of` each model, found out once.
class LeftOut {
 public:
  const Sentences& operator()(const std::optional<fs::path>& model) {
    const auto [known, is_new] = sentences_.try_emplace(model.value_or(fs::path()));
    if (is_new && model) {
      try {
        known->second = left_out_of(*model);
      } catch (const ModelError&) {
        // Who opens it says what is wrong.
      }
    }
    return known->second;
  }

 private:
  std::map<fs::path, Sentences> sentences_;
};

}  // namespace

PreparedRun prepare_run(const RunRequest& request, const BackendRegistry& registry, std::size_t threads,
                        std::size_t max_batch, const std::function<void(const ApproachRequest&)>& prepared) {
  const std::vector<Approach> approaches = resolve_approaches(request, registry);
  const BoundFiles models("models", request.models, approaches);
  const BoundFiles workers("workers", request.workers, approaches);

  // Where nothing is quantised, a model that cannot be had is found before the images are listed.
  std::optional<Dataset> dataset;
  PreparedRun run;
  ModelPreparation preparation(request.preprocessing, request.image_source, threads);
  if (expect_models(approaches, models, request, registry)) {
    dataset = read_images(request);
    preparation.quantise_with(quantisation_images(request, *dataset), request.quantisation_method);
  }
  LeftOut left_out;
  for (const Approach& approach : approaches) {
    run.requests.push_back(preparation.prepare(registry.find(approach.engine), approach, models.of(approach)));
    run.requests.back().max_batch = max_batch;
    run.workers.push_back(workers.of(approach));
    run.left_out.push_back(registry.find(approach.engine).needs_model ? left_out(models.of(approach)) : Sentences());
    prepared(run.requests.back());
  }

  run.context.tool = this_tool();
  run.context.timestamp = utc_timestamp();
  run.context.argv = request.argv;
  run.context.default_device = request.device;
  run.context.preprocessing = preprocessing_report(request);
  run.dataset = dataset ? *std::move(dataset) : read_images(request);
  if (request.needs_labels && run.dataset.classes.size() < 2) {
    throw InputError(run.dataset.classes.empty() ? "the images have no labels" : "there is one class only",
                     request.images.string(), "judge latency alone with `max_accuracy_drop` off");
  }
  if (request.output) run.directory = std::make_unique<ReportDirectory>(*request.output);
  return run;
}

void expect_something_measured(const SuiteResult& result) {
  if (result.interrupted) return;
  for (const ApproachResult& approach : result.collector.results()) {
    if (!approach.error || !approach.inferences.empty()) return;
  }
  for (const ApproachResult& approach : result.collector.results()) {
    throw BackendError(*approach.error, "approach '" + approach.approach.label() + "'");
  }
}

void add_assumptions(const PreparedRun& run, Report& report) {
  for (std::size_t i = 0; i < run.requests.size() && i < report.results.size(); ++i) {
    const std::string& assumed = run.requests[i].assumed;
    if (!assumed.empty()) report.results[i].execution.emplace_back("assumed", assumed);
    std::vector<std::string>& warnings = report.results[i].warnings;
    warnings.insert(warnings.end(), run.left_out[i].begin(), run.left_out[i].end());
  }
}

void hand_over(const PreparedRun& run, const Report& report, ReportObserver& observer) {
  observer.measured(report);
  if (!run.directory) return;
  run.directory->write(report);
  observer.written(run.directory->json(), run.directory->html());
}

}  // namespace stagemark
