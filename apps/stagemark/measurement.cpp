#include "measurement.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "engines.hpp"
#include "html_file.hpp"
#include "interrupt.hpp"
#include "progress_line.hpp"
#include "quantity.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/console.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/report/tool.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "terminal.hpp"
#include "this_machine.hpp"
#include "worker_command.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

/// Files by the engine or approach they are bound to; the empty name is everyone else's.
class BoundFiles {
 public:
  BoundFiles(const char* option, const std::vector<std::string>& specifications,
             const std::vector<Approach>& approaches) {
    for (const std::string& specification : specifications) {
      const auto equals = specification.find('=');
      const std::string name = specification.substr(0, equals);
      // A file may have '=' in its name: only a known name before it binds.
      const bool binds = equals != std::string::npos &&
                         std::any_of(approaches.begin(), approaches.end(),
                                     [&](const Approach& a) { return a.name == name || a.engine == name; });
      const std::string key = binds ? name : "";
      if (!files_.emplace(key, binds ? specification.substr(equals + 1) : specification).second) {
        throw UsageError("given twice for " + (binds ? "'" + name + "'" : std::string("all approaches")), option,
                         "bind each with " + std::string(option) + " NAME=FILE");
      }
    }
  }

  [[nodiscard]] std::optional<fs::path> of(const Approach& approach) const {
    // A name that was given twice binds both: NAME and NAME#2.
    const std::string given = approach.name.substr(0, approach.name.rfind('#'));
    for (const std::string& key : {approach.name, given, approach.engine}) {
      if (const auto found = files_.find(key); !key.empty() && found != files_.end()) return found->second;
    }
    const auto everyones = files_.find("");
    return everyones == files_.end() ? std::nullopt : std::optional(everyones->second);
  }

 private:
  std::map<std::string, fs::path> files_;
};

std::vector<Approach> resolve_approaches(const MeasurementArguments& arguments, const BackendRegistry& registry) {
  std::optional<Device> device;
  if (arguments.device != "auto") {
    device = parse_device(arguments.device);
    if (!device)
      throw UsageError("'" + arguments.device + "' is not a device", "--device", "use cpu, cuda, cuda:N or auto");
  }
  std::vector<Approach> approaches;
  approaches.reserve(arguments.approaches.size());
  for (const std::string& text : arguments.approaches) approaches.push_back(parse_approach(text));
  // All usage errors before the first approach that is known but cannot be had.
  for (const Approach& approach : approaches) registry.check(approach);
  std::set<std::string> labels;
  for (Approach& approach : approaches) {
    approach = registry.resolve(approach, device);
    const std::string label = approach.label();
    for (std::size_t copy = 2; !labels.insert(approach.label()).second; ++copy) {
      approach.name = label + "#" + std::to_string(copy);
    }
  }
  return approaches;
}

/// Colons are not for file names everywhere.
std::string file_name_of(std::string timestamp) {
  std::replace(timestamp.begin(), timestamp.end(), ':', '-');
  return timestamp;
}

/// Where the report goes. Made before the run: an hour of measuring must not end at a directory that cannot be written.
class OutputDirectory {
 public:
  OutputDirectory(const std::string& asked, bool force) : named_(!asked.empty()) {
    const std::string place = named_ ? asked : "results/" + file_name_of(utc_timestamp());
    directory_ = place;
    std::error_code error;
    bool made = fs::create_directories(directory_, error);
    // Another run may have begun in the same second.
    for (int copy = 2; !named_ && !made && !error; ++copy) {
      directory_ = place + "-" + std::to_string(copy);
      made = fs::create_directory(directory_, error);
    }
    if (error)
      throw OutputError("cannot be made: " + error.message(), directory_.string(), "choose another with --output");
    if (!force && fs::exists(report())) {
      throw OutputError("there is a report already", report().string(),
                        "choose another --output, or overwrite with --force");
    }
    if (access(directory_.c_str(), W_OK | X_OK) != 0) {
      throw OutputError("cannot be written", directory_.string(), "choose another with --output");
    }
  }

  [[nodiscard]] fs::path report() const { return directory_ / "report.json"; }
  [[nodiscard]] fs::path html() const { return directory_ / "report.html"; }

  /// Points results/latest at the newest of the directories that were named by the time.
  void link_latest() const {
    if (named_) return;
    const fs::path link = directory_.parent_path() / "latest";
    std::error_code ignored;  // a convenience: where links cannot be made, the report is there all the same
    fs::remove(link, ignored);
    fs::create_directory_symlink(directory_.filename(), link, ignored);
  }

 private:
  bool named_;
  fs::path directory_;
};

/// Shows where the run stands, and looks at the machine meanwhile.
class WatchedRun final : public RunObserver {
 public:
  WatchedRun(ProgressLine& progress, MachineWatch& machine) : progress_(progress), machine_(machine) {}

  void warming_up(const std::string& approach) override { progress_.warming_up(approach); }
  void progressed(const RunProgress& progress) override {
    machine_.look();
    progress_.progressed(progress);
  }
  [[nodiscard]] bool interrupted() override { return progress_.interrupted(); }

 private:
  ProgressLine& progress_;
  MachineWatch& machine_;
};

/// What the suite measures: in this process, or in a worker.
using Entrant = std::variant<std::unique_ptr<InferenceWrapper>, WorkerCommand>;

/// What is wrong with the models and can be seen at once is said at once; the rest is the worker's to find.
/// \returns whether one of them has to be calibrated
bool expect_models(const std::vector<Approach>& approaches, const BoundFiles& models,
                   const MeasurementArguments& arguments, const BackendRegistry& registry) {
  for (const Approach& approach : approaches) {
    if (registry.find(approach.engine).needs_model && !models.of(approach)) {
      throw UsageError("approach '" + approach.label() + "' needs a model", {}, "name one with --model FILE");
    }
  }
  bool calibrates = false;
  for (const Approach& approach : approaches) {
    const auto model = models.of(approach);
    if (!model || !ModelPreparation::needs_calibration(registry.find(approach.engine), approach.precision, *model)) {
      continue;
    }
    if (!arguments.calibration.given()) {
      throw UsageError("a checkpoint needs calibration images to run in int8", "approach '" + approach.label() + "'",
                       "give a directory of images, or how many of these, with --calibration");
    }
    calibrates = true;
  }
  return calibrates;
}

std::vector<fs::path> calibration_images(const MeasurementArguments& arguments, const Dataset& dataset) {
  if (!arguments.calibration.count()) return arguments.calibration.images();
  std::vector<fs::path> files;
  files.reserve(dataset.calibration.size());
  for (const DatasetEntry& entry : dataset.calibration) files.push_back(dataset.file(entry));
  return files;
}

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

}  // namespace

void MeasurementArguments::add_to(CLI::App& command) {
  command
      .add_option("images", images,
                  "Directory of images, its sub-directories are the classes; or a CSV manifest path,label")
      ->required();
  command.add_option("-m,--model", models, "Model file; ENGINE=FILE or NAME=FILE binds it to one")
      ->type_name("[NAME=]FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("-a,--approach", approaches,
                  "What to measure: [NAME=]ENGINE-PRECISION[@DEVICE][+OPTION...]; the first is the baseline "
                  "(default libtorch-fp32)")
      ->type_name("SPEC")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--device", device, "For approaches that name none: cpu, cuda, cuda:N or auto")
      ->type_name("DEVICE")
      ->capture_default_str();
  command.add_option("--samples", samples, "How many images, drawn by the seed (default all)")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 40U))
      ->type_name("N");
  command.add_flag("--balanced", balanced,
                   "As many images of each class as the classes have, or as --samples can be shared out to them");
  command.add_option("--seed", options.seed, "Decides drawing and order")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 62U))
      ->capture_default_str()
      ->type_name("S");
  command.add_option("--warmup", options.warmup, "Unrecorded calls per approach before the first round")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->type_name("N");
  command.add_option("--settle", options.settle, "Unrecorded calls at the start of each turn")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->type_name("N");
  command.add_option("--rounds", options.rounds, "Wanted number of rounds; decides their size")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->type_name("K");
  command.add_option("--passes", options.passes, "Over the images (default: as many as make K rounds)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("P");
  command.add_option("--isolation", isolation, "process: each approach in processes of its own; none: all in this one")
      ->check(CLI::IsMember({"process", "none"}))
      ->capture_default_str();
  command
      .add_option("--processes", processes,
                  "Generations of fresh processes that share out the rounds (default 5, of a single approach 1)")
      ->check(CLI::Range(1, 1'000))
      ->type_name("R");
  command
      .add_option("--worker", workers,
                  "Another build of stagemark to host an approach: NAME=EXECUTABLE, ENGINE=EXECUTABLE")
      ->type_name("NAME=EXECUTABLE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--hang-limit", hang_limit,
                  "A process that opens its model or classifies one image for longer is ended")
      ->capture_default_str()
      ->type_name("DURATION");
  command.add_option("--threads", threads, "For the network (default: the processors it may use)")
      ->check(CLI::Range(1, 4096))
      ->type_name("T");
  command.add_option("--batch", options.batch, "Images per call")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->type_name("B");
  command.add_option("--positive", positive, "Class that metrics call positive (default: the second of two)")
      ->type_name("CLASS");
  command.add_option("--threshold", options.threshold, "Positive if the probability is at least this")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->type_name("T");
  command.add_option("--round-memory", round_memory, "Most memory for decoded images")
      ->capture_default_str()
      ->type_name("SIZE");
  calibration.add_to(command,
                     "Images that say how INT8 approaches of a checkpoint round: of a directory of their own, or N "
                     "drawn from these and left out of every approach's scores");
  command.add_option("--max-skipped", max_skipped, "More skipped files than this are an error")
      ->capture_default_str()
      ->type_name("N|P%");
  command.add_option("-o,--output", output, "Directory of the report (default results/<UTC time>)")->type_name("DIR");
  command.add_option("--progress", progress, "Show progress on stderr; auto: if it is a terminal")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->capture_default_str();
  command.add_flag("--force", force, "Overwrite an existing report");
  preprocessing.add_to(command);
}

Report measure(MeasurementArguments& arguments, const Continuation& go_on, const std::function<void(Report&)>& amend) {
  const BackendRegistry registry = make_registry();
  if (!std::isfinite(arguments.options.threshold)) {
    throw UsageError("the threshold is not a number", "--threshold", "give one from 0 to 1");
  }
  (void)parse_count_or_share("--max-skipped", arguments.max_skipped);
  arguments.options.round_memory_bytes = parse_bytes("--round-memory", arguments.round_memory);
  if (arguments.approaches.empty()) arguments.approaches = {"libtorch-fp32"};
  if (arguments.threads == 0) arguments.threads = usable_cpus();
  const std::vector<Approach> approaches = resolve_approaches(arguments, registry);
  const BoundFiles models("--model", arguments.models, approaches);
  const BoundFiles workers("--worker", arguments.workers, approaches);
  const bool in_workers = arguments.isolation == "process";
  if (!in_workers && (arguments.processes.value_or(1) > 1 || !arguments.workers.empty())) {
    throw UsageError("there are no workers", "--isolation none", "leave out --processes and --worker, or this");
  }
  // One process is one draw of memory layout and thread placement: a comparison needs several (statistics of five).
  arguments.options.processes = arguments.processes.value_or(in_workers && approaches.size() > 1 ? 5 : 1);
  arguments.options.hang_limit = parse_duration("--hang-limit", arguments.hang_limit);

  const bool calibrates = expect_models(approaches, models, arguments, registry);
  const auto read_images = [&] {
    const auto drawn = arguments.calibration.given() ? arguments.calibration.count() : std::nullopt;
    return read_dataset(arguments.images, {.samples = arguments.samples,
                                           .balanced = arguments.balanced,
                                           .seed = arguments.options.seed,
                                           .calibration = drawn.value_or(0),
                                           .positive = arguments.positive});
  };
  // Where nothing is calibrated, a model that cannot be had is found before the images are listed.
  std::optional<Dataset> images;
  ModelPreparation preparation(arguments.preprocessing, arguments.threads);
  if (calibrates) {
    images = read_images();
    preparation.calibrate_with(calibration_images(arguments, *images), arguments.calibration.method());
  }

  std::vector<Entrant> entrants;
  entrants.reserve(approaches.size());
  for (const Approach& approach : approaches) {
    const PreparedModel model =
        preparation.prepare(registry.find(approach.engine), approach.precision, models.of(approach));
    if (in_workers) {
      const WorkerArguments worker{to_string(approach), model, arguments.threads, arguments.options.batch,
                                   arguments.preprocessing};
      entrants.emplace_back(WorkerCommand{workers.of(approach).value_or(this_executable()), worker.command_line()});
    } else {
      BackendRequest request;
      request.approach = approach;
      model.fill(request);
      request.preprocessor = make_preprocessor(arguments.preprocessing.preprocessing());
      request.threads = arguments.threads;
      request.max_batch = arguments.options.batch;
      entrants.emplace_back(registry.open(request));
    }
  }

  const std::string timestamp = utc_timestamp();
  Dataset dataset = images ? *std::move(images) : read_images();
  if (arguments.needs_labels && dataset.classes.size() < 2) {
    throw InputError(dataset.classes.empty() ? "the images have no labels" : "there is one class only",
                     arguments.images, "judge latency alone with --max-accuracy-drop off");
  }
  const OutputDirectory output(arguments.output, arguments.force);

  ReportContext context;
  context.tool = this_tool();
  context.timestamp = timestamp;
  context.argv = arguments.argv;
  context.default_device = parse_device(arguments.device);
  context.preprocessing = arguments.preprocessing.report();
  MachineWatch machine(this_machine(registry, arguments.threads));

  catch_interrupt();
  BenchmarkSuite suite(std::move(dataset), make_image_source(arguments.preprocessing.image_source()),
                       arguments.options);
  for (std::size_t i = 0; i < approaches.size(); ++i) {
    std::visit([&](auto&& entrant) { suite.add(approaches[i], std::forward<decltype(entrant)>(entrant)); },
               std::move(entrants[i]));
  }
  const bool on_terminal = is_terminal(STDERR_FILENO);
  ProgressLine progress(std::cerr, arguments.progress == "on" || (arguments.progress == "auto" && on_terminal),
                        on_terminal ? std::optional(terminal_columns(STDERR_FILENO)) : std::nullopt);
  WatchedRun observer(progress, machine);
  const SuiteResult result = suite.run(observer, go_on);
  progress.clear();
  context.environment = machine.finish();

  expect_something_measured(result);
  Report report = make_report(result, context);
  if (amend) amend(report);
  // First what cannot fail: where the disk is full, an hour of measuring is at least on the screen.
  print_results(std::cout, report);
  write_file_atomically(output.report(), [&](std::ostream& out) { write_json(out, report); });
  write_html_file(output.html(), report);
  output.link_latest();
  std::cout << "Report: " << output.html().string() << "\nFigures: " << output.report().string() << std::endl;
  return report;
}

void expect_complete(const Report& report, const MeasurementArguments& arguments) {
  for (const ApproachReport& approach : report.results) {
    if (approach.error) throw BackendError(*approach.error, "approach '" + approach.approach + "'");
  }
  const std::size_t skipped = report.dataset.skipped.size();
  const std::size_t found = report.dataset.found;
  if (parse_count_or_share("--max-skipped", arguments.max_skipped).exceeded_by(skipped, found)) {
    throw InputError(std::to_string(skipped) + " of " + std::to_string(found) + " files were skipped, the first: " +
                         report.dataset.skipped.front().path + " (" + report.dataset.skipped.front().reason + ")",
                     report.dataset.path, "mend them or allow more with --max-skipped");
  }
}

}  // namespace stagemark
