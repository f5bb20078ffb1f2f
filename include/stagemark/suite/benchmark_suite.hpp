#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/toolkit.hpp"
#include "stagemark/core/stage_timer.hpp"
#include "stagemark/suite/dataset.hpp"
#include "stagemark/suite/results_collector.hpp"
#include "stagemark/suite/run_observer.hpp"
#include "stagemark/suite/run_plan.hpp"
#include "stagemark/workers/worker.hpp"

namespace stagemark {

/// What a report says of a run that nothing ended before its plan did.
inline constexpr const char* stopped_with_the_plan = "all planned rounds were measured";

/// What a run of the suite produced.
struct SuiteResult {
  Dataset dataset;
  RunOptions options;
  std::size_t passes = 1;
  std::size_t generations = 1;                  ///< of workers that shared out the rounds
  std::size_t round_count = 0;                  ///< planned, and what was added
  ResultsCollector collector;                   ///< one result per approach
  std::vector<SampleRange> sixteen_bit_ranges;  ///< Image::sixteen_bit_range of those decoded that have one, each once
  bool interrupted = false;
  std::string stopped_because = stopped_with_the_plan;
  bool in_workers = false;  ///< each approach had processes of its own
  /// Measured mean cost of one reading of the clock: about twenty nanoseconds, of which a fraction matters.
  std::chrono::duration<double, std::nano> clock_reading{0};
};

/// Asked with what was measured whenever all planned rounds are: how many more, or why no more. A run that goes on until
/// it has seen what it wants to see finds differences where there are none: decide on precision, not on the result, or
/// adjust the level (`retry_gate_level`).
using Continuation = std::function<std::variant<MoreRounds, std::string>(const SuiteResult& so_far)>;

/// Measures approaches on a data set: every round's images go through each approach in turn.
class BenchmarkSuite {
 public:
  /// \param images decodes the data set's files
  /// \throws UsageError naming the option that is out of range
  /// \throws std::invalid_argument without an image source, or where a label is no class of the data set
  BenchmarkSuite(Dataset dataset, std::shared_ptr<const ImageSource> images, RunOptions options = {},
                 MonotonicClock clock = {});

  /// Adds an approach to be measured in this process; the first one added is the baseline. One whose name is there
  /// already gets `#2` behind it. \throws std::invalid_argument if there is no wrapper
  void add(Approach approach, std::unique_ptr<InferenceWrapper> wrapper);

  /// Opens an approach in this process and adds it. \throws as `open_approach`
  void add(const Toolkit& toolkit, const ApproachRequest& request);

  /// Adds an approach that processes of its own host, one after the other, so that its thread pools, its memory and its
  /// crashes are its own. Only one approach measures at any moment. `own_worker()` is this program started anew.
  void add(ApproachRequest request, WorkerCommand worker);

  /// Runs all. A failed image or approach is in the result; the others go on.
  /// \throws InputError if no image of the data set can be decoded
  /// \throws UsageError if some approaches are measured in this process and others in workers, which would not be
  ///         comparable, or if this process is to be several
  SuiteResult run(RunObserver& observer, const Continuation& go_on = {});
  SuiteResult run();

 private:
  struct Entrant {
    ApproachRequest request;
    std::variant<std::unique_ptr<InferenceWrapper>, WorkerCommand> content;
  };

  [[nodiscard]] Approach apart(Approach approach) const;

  Dataset dataset_;
  std::shared_ptr<const ImageSource> images_;
  RunOptions options_;
  MonotonicClock clock_;
  std::vector<Entrant> entrants_;
};

}  // namespace stagemark
