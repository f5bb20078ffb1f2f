#include "stagemark/session/run_benchmark.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "session/prepared_run.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/judgement/machine_noise.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/session/this_machine.hpp"
#include "stagemark/suite/worker_program.hpp"

namespace stagemark {
namespace {

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
  if (!in_workers && (request.processes.value_or(1) > 1 || !request.workers.empty())) {
    throw UsageError("there are no workers", "`isolation` none", "leave out `processes` and `workers`, or this");
  }
  std::vector<OpenedApproach> opened;
  PreparedRun run = prepare_run(request, registry, threads, options.batch, [&](const ApproachRequest& prepared) {
    if (!in_workers) opened.push_back(open_approach(toolkit, prepared));
  });
  MachineWatch machine(this_machine(registry, threads));

  observer.beginning();
  BenchmarkSuite suite(std::move(run.dataset), toolkit.image_source(request.image_source), options);
  for (std::size_t i = 0; i < run.requests.size(); ++i) {
    if (in_workers) {
      suite.add(run.requests[i], run.workers[i] ? worker_of(*run.workers[i]) : own_worker());
    } else {
      suite.add(run.requests[i].approach, std::move(opened[i].wrapper));
    }
  }
  WatchedRun watched(observer, machine);
  const SuiteResult result = suite.run(watched, request.go_on);
  run.context.environment = machine.finish();

  expect_something_measured(result);
  Report report = make_report(result, run.context);
  add_assumptions(run, report);
  amend(report);
  hand_over(run, report, observer);
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
