#pragma once

#include <cstddef>

#include "stagemark/suite/results_collector.hpp"
#include "stagemark/suite/run_observer.hpp"
#include "stagemark/suite/run_plan.hpp"
#include "suite/decoding_notes.hpp"

namespace stagemark {

/// Where one approach is measured: in this process, or in workers.
class ApproachHost {
 public:
  virtual ~ApproachHost() = default;

  /// Makes it ready for a generation of rounds: opens what is to be opened, warms up, verifies what runs.
  virtual void begin_generation(RunObserver& observer) = 0;

  /// Measures the round's images. False if the observer ended the run.
  virtual bool take_turn(const Round& round, std::size_t position, RunObserver& observer) = 0;

  virtual void end_generation() = 0;

  [[nodiscard]] virtual bool failed() const = 0;

  /// All that was measured so far.
  [[nodiscard]] virtual ApproachResult measured() = 0;

  /// The same, handed over.
  virtual ApproachResult finish() = 0;

  [[nodiscard]] virtual const DecodingNotes& notes() const = 0;
};

}  // namespace stagemark
