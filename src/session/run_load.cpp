#include "stagemark/session/run_load.hpp"

#include <array>
#include <exception>
#include <fstream>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

#include "session/prepared_run.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/csv.hpp"
#include "stagemark/judgement/make_load_report.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/session/this_machine.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

OpenLoop read_trace(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  for (std::array<char, 65'536> part{}; in.read(part.data(), part.size()), in.gcount() > 0;)
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
  if (!in.is_open() || in.bad())
    throw InputError("cannot be read", file.string(), "give a file with the seconds of an arrival in each line");
  return parse_trace(text, file.string());
}

/// One engine whose instances wait for one another would be measured as several that do not.
void expect_instances(const PreparedRun& run, const BackendRegistry& registry, const ServingSettings& serving) {
  for (const ApproachRequest& request : run.requests) {
    const auto most = registry.find(request.approach.engine).instances_per_process;
    if (!most || serving.instances <= *most) continue;
    throw BackendError("the engine " + request.approach.engine + " shares its threads among all instances of a process",
                       "approach '" + request.approach.label() + "'", "ask for `instances` 1, with more `threads`");
  }
}

/// Looks at the machine between the loads, and passes on what is to be told.
class WatchedLoad final : public LoadObserver {
 public:
  WatchedLoad(LoadSessionObserver& observer, MachineWatch& machine, const Dataset& dataset, std::ostream* per_query)
      : observer_(observer), machine_(machine), dataset_(dataset), per_query_(per_query) {}

  void opening(const std::string& approach) override {
    machine_.look();
    observer_.opening(approach);
  }
  [[nodiscard]] bool interrupted() override { return observer_.interrupted(); }
  void planned(Nanoseconds full_answer) override { observer_.planned(full_answer); }
  void loading(const LoadProgress& progress) override { observer_.loading(progress); }
  void loaded(const std::string& approach, const LoadPoint& point, std::span<const MeasuredLog> generations) override {
    machine_.look();
    if (per_query_ != nullptr) write_queries_csv(*per_query_, approach, point.offered_rate, generations, dataset_);
    observer_.loaded(approach, point, generations);
  }

 private:
  LoadSessionObserver& observer_;
  MachineWatch& machine_;
  const Dataset& dataset_;
  std::ostream* per_query_;
};

}  // namespace

Report run_load(const LoadRequest& request, LoadSessionObserver& observer, const Toolkit& toolkit) {
  LoadOptions options = request.load;
  if (request.trace) options.trace = read_trace(*request.trace);
  expect_usable(options);
  const BackendRegistry& registry = toolkit.registry;
  const ServingSettings& serving = options.serving;
  PreparedRun run = prepare_run(request.run, registry, serving.threads, serving.max_batch, [](const auto&) {});
  expect_instances(run, registry, serving);
  MachineWatch machine(this_machine(registry, serving.instances * serving.threads));

  observer.beginning();
  LoadTest test(std::move(run.dataset), options);
  for (std::size_t i = 0; i < run.requests.size(); ++i) {
    test.add(run.requests[i],
             run.workers[i] ? worker_of(*run.workers[i], WorkerJob::load) : own_worker(WorkerJob::load));
  }
  LoadResult result;
  std::exception_ptr unwritten;
  const auto load = [&](std::ostream* per_query) {
    WatchedLoad watched(observer, machine, test.dataset(), per_query);
    result = test.run(watched);
  };
  if (request.per_query) {
    try {
      write_file_atomically(*request.per_query, [&](std::ostream& out) {
        write_queries_csv_header(out);
        load(&out);
      });
    } catch (const OutputError&) {
      // What was measured is worth more than its details.
      if (result.loads.empty()) throw;
      unwritten = std::current_exception();
    }
  } else {
    load(nullptr);
  }
  run.context.environment = machine.finish();

  expect_something_measured(result.suite);
  Report report = make_load_report(result, run.context);
  add_assumptions(run, report);
  hand_over(run, report, observer);
  if (unwritten) std::rethrow_exception(unwritten);
  return report;
}

}  // namespace stagemark
