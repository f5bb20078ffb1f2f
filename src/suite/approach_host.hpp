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

  // What makes it ready for a generation of rounds, in steps, so that all approaches can do each at the same time: a
  // process is started, asked to open the approach, and waited for.
  virtual void start() = 0;
  virtual void ask_to_open(RunObserver& observer) = 0;
  virtual void await_opened(RunObserver& observer) = 0;

  /// Warms up, and verifies what runs.
  virtual void warm_up(RunObserver& observer) = 0;

  /// Measures the round's images. False if the observer ended the run.
  virtual bool take_turn(const Round& round, std::size_t position, RunObserver& observer) = 0;

  /// Tells what the generation ran in to end, and does not wait for it.
  virtual void dismiss() = 0;
  virtual void end_generation() = 0;

  [[nodiscard]] virtual bool failed() const = 0;

  /// All that was measured so far.
  [[nodiscard]] virtual ApproachResult measured() = 0;

  /// The same, handed over.
  virtual ApproachResult finish() = 0;

  [[nodiscard]] virtual const DecodingNotes& notes() const = 0;
};

}  // namespace stagemark
