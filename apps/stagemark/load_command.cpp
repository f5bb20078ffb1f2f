#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "command_line.hpp"
#include "console_observer.hpp"
#include "gate_arguments.hpp"
#include "measurement.hpp"
#include "quantity.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/session/run_load.hpp"

namespace stagemark {
namespace {

struct LoadArguments {
  MeasurementArguments measurement;
  GateArguments gate;
  bool check = false;
  std::string scenario = "server";
  std::string arrivals = "poisson";
  std::vector<double> rates;
  std::string level;
  std::optional<std::size_t> concurrency;
  std::optional<std::size_t> samples_per_query;
  std::size_t instances = 1;
  std::optional<std::size_t> threads;
  std::size_t max_batch = 1;
  std::string max_batch_delay = "0ms";
  std::optional<std::size_t> queue_limit;
  std::optional<std::string> deadline;
  std::string warmup = "5s";
  std::optional<std::string> duration;
  std::string max_duration = "15m";
  std::size_t generations = LoadOptions().generations;
  std::optional<std::string> per_query;

  void add_to(CLI::App& command);
  [[nodiscard]] LoadRequest request() const;
};

constexpr std::string_view trace_prefix = "trace=";

void LoadArguments::add_to(CLI::App& command) {
  measurement.add_subject_to(command);
  const auto add = [&](const char* name, auto& value, const char* text, const char* type) {
    return command.add_option(name, value, text)->type_name(type)->group("Load");
  };
  add("--scenario", scenario,
      "server: queries arrive, whatever becomes of them; closed: callers wait for each answer; multi-stream: queries "
      "of "
      "several images, one after the other; offline: all at once",
      "NAME")
      ->check(CLI::IsMember({"server", "closed", "multi-stream", "offline"}))
      ->capture_default_str();
  add("--arrivals", arrivals, "poisson, uniform, or trace=FILE: a line with the seconds of each arrival, replayed",
      "KIND")
      ->capture_default_str();
  add("--rate", rates,
      "Queries a second: a point for each (default without --service-level: eight, from a tenth of what each approach "
      "can do to beyond it)",
      "R,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  add("--service-level", level, "What must hold, e.g. p99=50ms: without --rate the highest rate at which it does",
      "pQ=DURATION");
  add("--concurrency", concurrency, "Callers of the scenario closed (default 1)", "N");
  add("--samples-per-query", samples_per_query, "Images of a query of the scenario multi-stream (default 8)", "N");
  add("--instances", instances, "Networks that are open at once, each of which takes one batch at a time", "N")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  add("--threads", threads, "Of each instance (default: the processors it may use, shared out)", "T")
      ->check(CLI::Range(1, 4096));
  add("--max-batch", max_batch, "Most queries in one call", "B")->check(CLI::Range(1, 4096))->capture_default_str();
  add("--max-batch-delay", max_batch_delay, "Longest that a batch waits to be full", "DURATION")->capture_default_str();
  add("--queue-limit", queue_limit, "Most queries that wait; further ones are refused, and counted", "Q");
  add("--deadline", deadline, "A query that waits for longer is dropped, and counted", "DURATION");
  add("--warmup", warmup, "Of arrivals that are sent and not counted, in each process", "DURATION")
      ->capture_default_str();
  add("--duration", duration, "Of a point, shared out to its processes (default 1m; of a trace, its length in each)",
      "DURATION");
  add("--max-duration", max_duration, "Of the whole: nothing begins that would end later", "DURATION")
      ->capture_default_str();
  add("--processes", generations, "Fresh processes of each approach in which every point is measured", "R")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  add("--per-query", per_query, "Write a CSV file with a line for each query", "FILE");
  CLI::Option* gated = command.add_flag("--check", check, "Judge the result as 'stagemark check' does")
                           ->group(GateArguments::help_group);
  gate.add_to(command, GatedReports::loads, gated);
}

LoadRequest LoadArguments::request() const {
  LoadRequest request;
  request.run = measurement.request();
  LoadOptions& load = request.load;
  load.scenario = *parse_enum<Scenario>(scenario);
  const auto only_for = [&](bool given, const char* option, Scenario needed) {
    if (given && load.scenario != needed) {
      throw UsageError("is for the scenario " + std::string(to_string(needed)), option,
                       "add --scenario " + std::string(to_string(needed)) + ", or leave it out");
    }
  };
  only_for(concurrency.has_value(), "--concurrency", Scenario::closed);
  only_for(samples_per_query.has_value(), "--samples-per-query", Scenario::multi_stream);
  only_for(!rates.empty(), "--rate", Scenario::server);
  only_for(arrivals != "poisson", "--arrivals", Scenario::server);
  if (arrivals.starts_with(trace_prefix)) {
    load.arrivals = ArrivalKind::trace;
    request.trace = arrivals.substr(trace_prefix.size());
  } else {
    const auto kind = parse_enum<ArrivalKind>(arrivals);
    if (!kind || *kind == ArrivalKind::trace) {
      throw UsageError("'" + arrivals + "' is none", "--arrivals", "use poisson, uniform or trace=FILE");
    }
    load.arrivals = *kind;
  }
  load.rates = rates;
  if (!level.empty()) load.level = parse_service_level("--service-level", level);
  load.concurrency = concurrency.value_or(1);
  load.samples_per_query = load.scenario == Scenario::multi_stream ? samples_per_query.value_or(8) : 1;
  load.serving.instances = instances;
  load.serving.threads = threads.value_or(std::max<std::size_t>(1, usable_cpus() / instances));
  load.serving.max_batch = max_batch;
  load.serving.max_batch_delay = parse_time("--max-batch-delay", max_batch_delay);
  load.serving.queue_limit = queue_limit;
  if (deadline) load.serving.deadline = parse_time("--deadline", *deadline);
  load.warmup = parse_time("--warmup", warmup);
  if (duration) load.duration = parse_time("--duration", *duration);
  load.max_duration = parse_time("--max-duration", max_duration);
  load.generations = generations;
  load.seed = request.run.options.seed;
  load.threshold = request.run.options.threshold;
  load.image_memory_bytes = request.run.options.round_memory_bytes;
  load.hang_limit = request.run.options.hang_limit;
  if (per_query) request.per_query = *per_query;
  expect_usable(load.serving);
  return request;
}

/// Shows where the test stands, prints what came of it, and passes Ctrl-C on to it.
class LoadConsole final : public OnConsole<LoadSessionObserver> {
 public:
  LoadConsole(const std::string& progress, Nanoseconds most) : OnConsole(progress), most_(most) {}

  void planned(Nanoseconds full_answer) override {
    line().clear();
    std::cerr << "A full answer takes about " << duration_text(to_seconds(full_answer));
    if (full_answer > most_) {
      std::cerr << "; --max-duration " << duration_text(to_seconds(most_))
                << " ends it before: what is open then stays so";
    }
    std::cerr << ".\n";
  }
  void loading(const LoadProgress& progress) override { line().loading(progress); }

 private:
  Nanoseconds most_;
};

/// What can be told before is not told after an hour of loading.
void expect_something_to_judge(const LoadRequest& request, const GateCriteria& criteria) {
  const bool searches = request.load.level && request.load.rates.empty() && request.load.scenario == Scenario::server;
  if (criteria.min_capacity && !searches) {
    throw UsageError("no capacity is searched", "--min-capacity", "give --service-level, and no --rate");
  }
  const bool judges_rates = request.load.level && !searches;
  if (request.run.approaches.size() < 2 && !criteria.min_capacity && !judges_rates) {
    throw UsageError("there is nothing to judge against", "--check",
                     "give two approaches with --approach, or --min-capacity, or --rate and --service-level");
  }
}

ExitCode run(const LoadArguments& arguments) {
  const CountOrShare most_skipped = arguments.measurement.most_skipped();
  GateCriteria criteria = arguments.gate.criteria();
  LoadRequest request = arguments.request();
  criteria.service_level = request.load.level;
  if (arguments.check) expect_something_to_judge(request, criteria);
  request.run.needs_labels = arguments.check && request.run.approaches.size() > 1 &&
                             (criteria.max_accuracy_drop || !criteria.max_drops.empty());
  LoadConsole console(arguments.measurement.progress, request.load.max_duration);
  const Report report = run_load(request, console);
  if (report.interrupted) return ExitCode::interrupted;
  expect_complete(report, most_skipped);
  return arguments.check ? arguments.gate.judge(report, criteria) : ExitCode::success;
}

}  // namespace

Command add_load_command(CLI::App& app, const std::vector<std::string>& argv) {
  auto arguments = std::make_shared<LoadArguments>();
  arguments->measurement.argv = argv;
  CLI::App* command = app.add_subcommand(
      "load",
      "Loads one or more approaches as a service would be: latency by rate, and the capacity at a service level");
  command->footer(R"(Examples:
  stagemark load images/ -m net.ckpt --service-level p95=250ms
  stagemark load images/ -m net.ckpt -a libtorch-fp32 -a libtorch-bf16 --service-level p99=400ms \
    --max-duration 1h                              capacities, compared
  stagemark load images/ -m net.ckpt --rate 2,4,8 --max-batch 4 --max-batch-delay 20ms
  stagemark load images/ -m net.ckpt --arrivals trace=monday.csv     your own traffic, replayed
  stagemark load images/ -m net.ckpt --scenario closed --concurrency 4
  stagemark load images/ -m net.ckpt --scenario offline --max-batch 8    the highest throughput)");
  arguments->add_to(*command);
  return [arguments] { return run(*arguments); };
}

}  // namespace stagemark
