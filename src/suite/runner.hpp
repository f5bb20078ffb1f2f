#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/backend/decision.hpp"
#include "stagemark/core/stage_timer.hpp"
#include "stagemark/suite/results_collector.hpp"
#include "stagemark/suite/run_observer.hpp"
#include "stagemark/suite/run_plan.hpp"
#include "suite/image_block.hpp"

namespace stagemark {

/// One approach while it is being measured, in the process that hosts it.
class Runner {
 public:
  /// \param rule when two passes over an image count as different answers
  Runner(InferenceWrapper& wrapper, Approach approach, const RunOptions& options, DecisionRule rule,
         MonotonicClock clock);

  [[nodiscard]] bool failed() const noexcept { return result_.error.has_value(); }

  /// Unrecorded calls in every mode of the measured path; then compares what runs with what was asked for.
  void warm_up(std::span<const Image> images, RunObserver& observer);

  /// Settles on the round's images and measures them. False if the observer ended the run.
  bool take_turn(const Round& round, std::size_t position, ImageBlock& block, RunObserver& observer);

  /// What was measured since it was last handed over.
  const ApproachResult& measured();

  /// Hands over what was measured since the last time. What it says of the approach as a whole stays.
  ApproachResult take();

 private:
  void settle(std::span<const Image> images, RunObserver& observer);
  bool measure(const Round& round, std::size_t position, const ImageBlock& block, RunObserver& observer);
  void keep_input(const ImageBlock& block);
  void verify();
  void read_facts();
  /// \returns its `total`; absent if it failed
  std::optional<Nanoseconds> run_unrecorded(std::span<const Image> images, std::size_t call, TimingMode mode);
  [[nodiscard]] std::ptrdiff_t first_unrecorded(std::size_t images, std::size_t call) const;
  void lay_out(const Round& round, const ImageBlock& block);
  void run_recorded(CallRecord& call, std::span<const Image> images, std::span<Prediction> out, std::size_t offset);
  void take_scores(std::size_t first_inference, std::size_t size);
  void keep_outputs(std::size_t images);
  void keep_times(const StageTimes& times, CallRecord& call) const;
  void keep_predictions(std::span<CallRecord> calls, std::size_t first_inference);

  InferenceWrapper& wrapper_;
  const RunOptions& options_;
  DecisionRule rule_;
  MonotonicClock clock_;
  StageTimer timer_;
  ApproachResult result_;
  std::size_t outputs_ = 0;  ///< numbers that the network gives for each image; 0 where the engine does not tell
  std::array<std::vector<Prediction>, 3> predictions_;  ///< of a block, by mode
  std::vector<std::optional<std::string>> reasons_;     ///< of a block, why an image failed
  std::vector<Prediction> scratch_;
  std::vector<std::optional<Prediction>> settled_;  ///< of a turn's first block: what an image gave while settling
  std::optional<Nanoseconds> usual_;  ///< what a call took in the turn before, or at the end of the warm-up
};

}  // namespace stagemark
