#include "stagemark/session/run_benchmark.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "session/report_directory.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/judgement/machine_noise.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/report/tool.hpp"
#include "stagemark/session/model_preparation.hpp"
#include "stagemark/session/this_machine.hpp"
#include "stagemark/suite/worker_program.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

/// Files by the approach or engine that they are for.
class BoundFiles {
 public:
  BoundFiles(const char* parameter, const std::vector<BoundFile>& files, const std::vector<Approach>& approaches) {
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

  [[nodiscard]] std::optional<fs::path> of(const Approach& approach) const {
    // The suite tells apart what has one name; a file for that name is for each of them.
    for (const std::string& key : {approach.name, approach.engine}) {
      if (const auto found = files_.find(key); !key.empty() && found != files_.end()) return found->second;
    }
    const auto everyones = files_.find("");
    return everyones == files_.end() ? std::nullopt : std::optional(everyones->second);
  }

 private:
  std::map<std::string, fs::path> files_;
};

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

/// Looks at the machine between the turns, and passes on what is to be told.
class WatchedRun final : public RunObserver {
 public:
  WatchedRun(SessionObserver& observer, MachineWatch& machine) : observer_(observer), machine_(machine) {}

  void opening(const std::string& approach) override { observer_.opening(approach); }
  void warming_up(const std::string& approach) override { observer_.warming_up(approach); }
  void progressed(const RunProgress& progress) override {
    machine_.look();
    observer_.progressed(progress);
  }
  [[nodiscard]] bool interrupted() override { return observer_.interrupted(); }

 private:
  SessionObserver& observer_;
  MachineWatch& machine_;
};

/// Where no approach got as far as an image there is nothing to report.
void expect_something_measured(const SuiteResult& result) {
  if (result.interrupted) return;
  for (const ApproachResult& approach : result.collector.results()) {
    if (!approach.error || !approach.inferences.empty()) return;
  }
  for (const ApproachResult& approach : result.collector.results()) {
    throw BackendError(*approach.error, "approach '" + approach.approach.label() + "'");
  }
}

/// \param amend is given the report before it is shown and written
Report run_and_amend(const RunRequest& request, SessionObserver& observer, const Toolkit& toolkit,
                     const std::function<void(Report&)>& amend) {
  const bool in_workers = request.isolation == Isolation::process;
  RunOptions options = request.options;
  // One process is one draw of memory layout and thread placement: a comparison needs several (statistics of five).
  options.processes = request.processes.value_or(in_workers && request.approaches.size() > 1 ? 5 : 1);
  expect_usable(options);
  const BackendRegistry& registry = toolkit.registry;
  const std::size_t threads = request.threads.value_or(usable_cpus());
  const std::vector<Approach> approaches = resolve_approaches(request, registry);
  const BoundFiles models("models", request.models, approaches);
  const BoundFiles workers("workers", request.workers, approaches);
  if (!in_workers && (request.processes.value_or(1) > 1 || !request.workers.empty())) {
    throw UsageError("there are no workers", "`isolation` none", "leave out `processes` and `workers`, or this");
  }

  // Where nothing is quantised, a model that cannot be had is found before the images are listed.
  std::optional<Dataset> dataset;
  ModelPreparation preparation(request.preprocessing, request.image_source, threads);
  if (expect_models(approaches, models, request, registry)) {
    dataset = read_images(request);
    preparation.quantise_with(quantisation_images(request, *dataset), request.quantisation_method);
  }
  std::vector<ApproachRequest> prepared;
  std::vector<OpenedApproach> opened;
  for (const Approach& approach : approaches) {
    prepared.push_back(preparation.prepare(registry.find(approach.engine), approach, models.of(approach)));
    prepared.back().max_batch = options.batch;
    if (!in_workers) opened.push_back(open_approach(toolkit, prepared.back()));
  }

  ReportContext context;
  context.tool = this_tool();
  context.timestamp = utc_timestamp();
  context.argv = request.argv;
  context.default_device = request.device;
  context.preprocessing = preprocessing_report(request);
  if (!dataset) dataset = read_images(request);
  if (request.needs_labels && dataset->classes.size() < 2) {
    throw InputError(dataset->classes.empty() ? "the images have no labels" : "there is one class only",
                     request.images.string(), "judge latency alone with `max_accuracy_drop` off");
  }
  std::optional<ReportDirectory> directory;
  if (request.output) directory.emplace(*request.output);
  MachineWatch machine(this_machine(registry, threads));

  observer.beginning();
  BenchmarkSuite suite(*std::move(dataset), toolkit.image_source(request.image_source), options);
  for (std::size_t i = 0; i < approaches.size(); ++i) {
    if (in_workers) {
      const auto build = workers.of(approaches[i]);
      suite.add(prepared[i], build ? worker_of(*build) : own_worker());
    } else {
      suite.add(approaches[i], std::move(opened[i].wrapper));
    }
  }
  WatchedRun watched(observer, machine);
  const SuiteResult result = suite.run(watched, request.go_on);
  context.environment = machine.finish();

  expect_something_measured(result);
  Report report = make_report(result, context);
  for (std::size_t i = 0; i < prepared.size() && i < report.results.size(); ++i) {
    if (!prepared[i].assumed.empty()) report.results[i].execution.emplace_back("assumed", prepared[i].assumed);
  }
  amend(report);
  observer.measured(report);
  if (directory) {
    directory->write(report);
    observer.written(directory->json(), directory->html());
  }
  return report;
}

}  // namespace

Report run_benchmark(const RunRequest& request, SessionObserver& observer, const Toolkit& toolkit) {
  return run_and_amend(request, observer, toolkit, [](Report&) {});
}

Report run_benchmark(const RunRequest& request) {
  SessionObserver silent;
  return run_benchmark(request, silent);
}

Report measure_machine_noise(RunRequest request, SessionObserver& observer, const Toolkit& toolkit) {
  if (request.approaches.size() > 1) {
    throw UsageError("a calibration measures one approach against itself", "`approaches`", "give one");
  }
  if (request.approaches.empty()) request.approaches.push_back(parse_approach("libtorch-fp32"));
  request.approaches.push_back(request.approaches.front());
  // Half of what differs between processes is only seen with many of them.
  constexpr std::size_t generations = 10;
  if (!request.processes && request.isolation == Isolation::process) request.processes = generations;
  return run_and_amend(request, observer, toolkit, [](Report& report) {
    const bool complete = !report.interrupted && std::ranges::none_of(report.results, [](const ApproachReport& result) {
      return result.error.has_value();
    });
    if (complete) report.noise = noise_of(report);
  });
}

void expect_complete(const Report& report, const CountOrShare& max_skipped) {
  const auto* share = std::get_if<double>(&max_skipped);
  const bool in_range = share == nullptr || (*share >= 0 && *share <= 1);  // NaN is not
  if (!in_range) {
    throw UsageError("the share is no number from 0 to 1", "`max_skipped`");
  }
  for (const ApproachReport& approach : report.results) {
    if (approach.error) throw BackendError(*approach.error, "approach '" + approach.approach + "'");
  }
  const std::size_t skipped = report.dataset.skipped.size();
  const std::size_t found = report.dataset.found;
  const auto* count = std::get_if<std::size_t>(&max_skipped);
  if (count != nullptr ? skipped > *count
                       : static_cast<double>(skipped) > std::get<double>(max_skipped) * static_cast<double>(found)) {
    throw InputError(std::to_string(skipped) + " of " + std::to_string(found) + " files were skipped, the first: " +
                         report.dataset.skipped.front().path + " (" + report.dataset.skipped.front().reason + ")",
                     report.dataset.path, "mend them or allow more with `max_skipped`");
  }
}

}  // namespace stagemark
