#pragma once

#include <memory>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/core/stage_timer.hpp"
#include "stagemark/suite/dataset.hpp"
#include "stagemark/suite/results_collector.hpp"
#include "stagemark/suite/run_observer.hpp"
#include "stagemark/suite/run_plan.hpp"

namespace stagemark {

/// What a run of the suite produced.
struct SuiteResult {
  Dataset dataset;
  RunOptions options;
  std::size_t passes = 1;
  std::size_t round_count = 0;              ///< planned
  ResultsCollector collector;               ///< one result per approach
  std::size_t images_without_low_byte = 0;  ///< of those decoded, each once: Image::lost_low_byte
  bool interrupted = false;
  Nanoseconds clock_reading{0};  ///< measured cost of one reading of the clock
};

/// Measures wrappers on a data set, in this process: every round's images go through each approach in turn.
class BenchmarkSuite {
 public:
  /// \param images decodes the data set's files
  BenchmarkSuite(Dataset dataset, std::shared_ptr<const ImageSource> images, RunOptions options = {},
                 MonotonicClock clock = {});

  /// Adds an approach; the first one added is the baseline.
  void add(Approach approach, std::unique_ptr<InferenceWrapper> wrapper);

  /// Runs all. A failed image or approach is in the result; the others go on.
  /// \throws InputError if no image of the data set can be decoded
  SuiteResult run(RunObserver& observer);
  SuiteResult run();

 private:
  struct Entrant {
    Approach approach;
    std::unique_ptr<InferenceWrapper> wrapper;
  };

  Dataset dataset_;
  std::shared_ptr<const ImageSource> images_;
  RunOptions options_;
  MonotonicClock clock_;
  std::vector<Entrant> entrants_;
};

}  // namespace stagemark
