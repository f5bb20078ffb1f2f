#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/core/or_reason.hpp"
#include "stagemark/load/arrivals.hpp"
#include "stagemark/load/capacity.hpp"
#include "stagemark/load/load_point.hpp"
#include "stagemark/load/query_log.hpp"
#include "stagemark/load/service_level.hpp"
#include "stagemark/serving/batch_queue.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "stagemark/suite/dataset.hpp"
#include "stagemark/suite/run_observer.hpp"
#include "stagemark/workers/worker.hpp"

namespace stagemark {

/// What a load test asks, and how.
struct LoadOptions {
  Scenario scenario = Scenario::server;
  ArrivalKind arrivals = ArrivalKind::poisson;  ///< of `server`
  OpenLoop trace = {};                          ///< of `trace`; at other rates its times are stretched
  std::size_t concurrency = 1;                  ///< of `closed`
  std::size_t samples_per_query = 1;            ///< of `multi-stream`
  ServingSettings serving = {};
  /// Of `server`: queries a second, a point each. Empty: the capacity is searched where there is a service level; else a
  /// trace is replayed as it is, and other arrivals come at eight rates from 10 % to 110 % of the offline rate.
  std::vector<double> rates = {};
  std::optional<ServiceLevel> level = {};
  Nanoseconds warmup = std::chrono::seconds(5);  ///< of arrivals that are sent and not counted, in each generation
  /// Of a point, shared out to the generations; absent: a minute, or of a trace as long as it is in each of them.
  std::optional<Nanoseconds> duration = {};
  Nanoseconds max_duration = std::chrono::minutes(15);  ///< of the whole; nothing begins that would end after it
  std::size_t generations = 5;                          ///< of fresh processes for each point
  std::uint64_t seed = 0;
  double threshold = 0.5;  ///< positive if probability >= threshold
  std::size_t image_memory_bytes = 256U << 20U;
  std::chrono::milliseconds hang_limit =
      std::chrono::minutes(5);  ///< a worker that opens or answers nothing for longer
};

/// How long a point is measured in each generation, warm-up apart. \throws UsageError as `period_of`
Nanoseconds measured_time(const LoadOptions& options);

/// \throws UsageError naming the option that is out of range, or that is for another scenario
void expect_usable(const LoadOptions& options);

/// What was measured of one approach, beside what stands in the suite's result.
struct ApproachLoad {
  OrReason<double> offline_rate;             ///< images a second, all queries at once
  std::optional<LatencySummary> unloaded;    ///< of one caller that waits for each answer
  std::vector<LoadPoint> points;             ///< in the order of their rates
  std::optional<CapacityRange> capacity;     ///< where it was searched
  OrReason<double> predicted;                ///< capacity in a replay of the times that batches took
  std::vector<OrReason<double>> capacities;  ///< of each generation
};

/// What a load test produced.
struct LoadResult {
  /// Data set, and of each approach what it is and the first inference of each image, as of a run without timed calls.
  SuiteResult suite;
  LoadOptions options;
  std::vector<ApproachLoad> loads;  ///< of the suite's approaches
  std::string stopped_because;      ///< before all was measured that was planned; else empty
};

/// Where a load test stands.
struct LoadProgress {
  std::string approach;
  std::string doing;           ///< "12.5 queries/s", "offline"
  std::size_t generation = 0;  ///< from 1
  std::size_t generations = 0;
  Nanoseconds end{0};  ///< when the whole will end, as far as one can tell, on the steady clock
};

/// Told what a load test does.
class LoadObserver : public RunObserver {
 public:
  /// Before anything is loaded: how long a full answer takes, as far as one can tell.
  virtual void planned(Nanoseconds /*full_answer*/) {}
  /// At least ten times a second while a load is served.
  virtual void loading(const LoadProgress& /*progress*/) {}
  /// A point was measured: the log of each generation, which is then let go.
  virtual void loaded(const std::string& /*approach*/, const LoadPoint& /*point*/,
                      std::span<const MeasuredLog> /*generations*/) {}
};

/// Loads approaches, each in fresh processes of its own, with the same arrivals at the same rates; one serves at a time.
class LoadTest {
 public:
  /// \throws UsageError as `expect_usable`; std::invalid_argument where a label is no class of the data set
  LoadTest(Dataset dataset, LoadOptions options);

  /// Adds an approach; the first one is the baseline. One whose name is there already gets `#2` behind it. Threads and
  /// largest batch are those of the serving settings. `own_worker(WorkerJob::load)` is this program started anew.
  void add(ApproachRequest request, WorkerCommand worker);

  /// In the order in which its images are sent, drawn by the seed; logs count in it.
  [[nodiscard]] const Dataset& dataset() const noexcept { return dataset_; }

  /// Runs all. An approach that fails is in the result with its reason; the others go on. Where the observer ends it, the
  /// result holds what was measured.
  LoadResult run(LoadObserver& observer);

 private:
  Dataset dataset_;
  LoadOptions options_;
  std::vector<std::pair<ApproachRequest, WorkerCommand>> entrants_;
};

}  // namespace stagemark
