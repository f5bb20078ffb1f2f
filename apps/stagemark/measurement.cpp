#include "measurement.hpp"

#include <algorithm>

#include "console_observer.hpp"
#include "quantity.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

/// `NAME=FILE`, or `FILE` for everyone.
std::vector<BoundFile> bound_files(const std::vector<std::string>& texts, const std::vector<Approach>& approaches) {
  std::vector<BoundFile> files;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    const std::string name = text.substr(0, equals);
    // A file may have '=' in its name: only a known name before it binds.
    const bool binds = equals != std::string::npos && std::ranges::any_of(approaches, [&](const Approach& approach) {
                         return approach.name == name || approach.engine == name;
                       });
    if (binds) {
      files.push_back({name, text.substr(equals + 1)});
    } else {
      files.push_back({"", text});
    }
  }
  return files;
}

/// Shows where the run stands, prints what came of it, and passes Ctrl-C on to it.
class ConsoleObserver final : public OnConsole<SessionObserver> {
 public:
  using OnConsole::OnConsole;

  void warming_up(const std::string& approach) override { line().warming_up(approach); }
  void progressed(const RunProgress& progress) override { line().progressed(progress); }
};

}  // namespace

void MeasurementArguments::add_to(CLI::App& command) {
  add_subject_to(command);
  command
      .add_option("--warmup", options.warmup,
                  "Most unrecorded calls of each process before its first round: they end once they take alike")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("--settle", options.settle,
                  "Most unrecorded calls at the start of each turn: they end with one that takes as usual")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->type_name("N");
  command.add_option("--rounds", options.rounds, "Wanted number of rounds; decides their size")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->type_name("K");
  command
      .add_option("--passes", options.passes,
                  "Over the images (default: as many as make K rounds, one if it makes 0.8 K)")
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
  command.add_option("--threads", threads, "For the network (default: the processors it may use)")
      ->check(CLI::Range(1, 4096))
      ->type_name("T");
  command.add_option("--batch", options.batch, "Images per call")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->type_name("B");
}

void MeasurementArguments::add_subject_to(CLI::App& command) {
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
  command
      .add_option("--worker", workers,
                  "Another build of stagemark to host an approach: NAME=EXECUTABLE, ENGINE=EXECUTABLE")
      ->type_name("NAME=EXECUTABLE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option(
          "--hang-limit", hang_limit,
          "Ends an approach's process that takes longer to open its model, to read its images or for one call of its "
          "network; without a process of its own there is no limit")
      ->capture_default_str()
      ->type_name("DURATION");
  command.add_option("--positive", positive, "Class that metrics call positive (default: the second of two)")
      ->type_name("CLASS");
  command
      .add_option("--classes", classes,
                  "Names of all classes in the order of the network's outputs (default: sorted by name)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,...");
  command.add_option("--threshold", options.threshold, "Positive if the probability is at least this")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->type_name("T");
  command.add_option("--round-memory", round_memory, "Most memory for decoded images")
      ->capture_default_str()
      ->type_name("SIZE");
  quantisation.add_to(command,
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

RunRequest MeasurementArguments::request() const {
  RunRequest request;
  request.images = images;
  for (const std::string& text : approaches) request.approaches.push_back(parse_approach(text));
  // Named here too, since files may be bound to it.
  if (request.approaches.empty()) request.approaches.push_back(parse_approach("libtorch-fp32"));
  request.models = bound_files(models, request.approaches);
  request.workers = bound_files(workers, request.approaches);
  if (device != "auto") {
    request.device = parse_device(device);
    if (!request.device) {
      throw UsageError("'" + device + "' is not a device", "--device", "use cpu, cuda, cuda:N or auto");
    }
  }
  request.samples = samples;
  request.balanced = balanced;
  request.positive = positive;
  request.classes = classes;
  request.quantisation_images = quantisation.images();
  request.quantisation_method = quantisation.method();
  request.preprocessing = preprocessing.preprocessing();
  request.image_source = preprocessing.image_source();
  request.isolation = isolation == "process" ? Isolation::process : Isolation::none;
  request.processes = processes;
  request.threads = threads;
  request.options = options;
  request.options.round_memory_bytes = parse_bytes("--round-memory", round_memory);
  request.options.hang_limit = parse_duration("--hang-limit", hang_limit);
  request.output =
      ReportOutput{.directory = output.empty() ? "results" : output, .by_time = output.empty(), .overwrite = force};
  request.argv = argv;
  return request;
}

CountOrShare MeasurementArguments::most_skipped() const { return parse_count_or_share("--max-skipped", max_skipped); }

Report measure_and_print(const RunRequest& request, const std::string& progress,
                         Report (*measure)(const RunRequest&, SessionObserver&)) {
  ConsoleObserver observer(progress);
  return measure(request, observer);
}

}  // namespace stagemark
