#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/decision.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/core/stage.hpp"

namespace stagemark {

/// One call of `predict`, or the passes over the same images that make one sample on an asynchronous device.
struct CallRecord {
  std::size_t round = 0;
  std::size_t pass = 0;
  std::size_t process = 0;          ///< generation of the worker
  std::size_t first_inference = 0;  ///< index into ApproachResult::inferences
  std::size_t size = 0;             ///< images in the call
  bool timed = true;                ///< false: a short last batch, left out of timing, not of accuracy
  StageTimes times;                 ///< of the call; `decode` is the sum over its images
};

/// One attempted inference.
struct InferenceRecord {
  std::size_t image = 0;                 ///< index into Dataset::entries
  std::optional<Prediction> prediction;  ///< absent where it failed
};

/// An image that failed, and why.
struct FailedImage {
  std::size_t image = 0;
  std::string reason;
};

/// What a turn of one approach in one round was.
struct TurnRecord {
  std::size_t round = 0;
  std::size_t process = 0;   ///< generation of the worker
  std::size_t position = 0;  ///< of the approach within the round, from 0
  Nanoseconds wall{0};       ///< the measured loop over the turn's images, harness included
  std::size_t calls = 0;     ///< in `wall`
};

/// What the network got for an image.
struct InputRecord {
  std::size_t image = 0;  ///< index into Dataset::entries
  std::vector<float> values;
};

/// What a network said of every class, before sigmoid or softmax: one row for each attempted inference.
struct ClassScores {
  std::size_t classes = 0;    ///< length of a row; 0: the engine does not tell, or nobody asked
  std::vector<float> values;  ///< rows * classes; NaN where an inference failed

  [[nodiscard]] std::size_t rows() const noexcept { return classes == 0 ? 0 : values.size() / classes; }
  /// Adds rows of NaN until there are so many.
  void pad_to(std::size_t rows) { values.resize(classes * rows, std::numeric_limits<float>::quiet_NaN()); }

  /// Makes a row NaN, if it is there.
  void forget(std::size_t row) {
    if (row >= rows()) return;
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(row * classes);
    std::fill(first, first + static_cast<std::ptrdiff_t>(classes), std::numeric_limits<float>::quiet_NaN());
  }

  bool operator==(const ClassScores&) const = default;
};

/// Inferences of images that had been inferred before, in other passes, generations, timing modes or unrecorded calls,
/// each compared with the image's first or with the one before it.
struct Repeats {
  std::size_t compared = 0;
  std::size_t other_scores = 0;     ///< that differ beyond rounding in the approach's precision
  std::size_t other_decisions = 0;  ///< of which so many decide otherwise
  double largest_difference = 0;    ///< of a logit, or of a probability where the engine tells no logit

  void compare(const Prediction& one, const Prediction& other, const DecisionRule& rule, Precision precision);
  void add(const Repeats& more);
  bool operator==(const Repeats&) const = default;
};

/// All that was measured of one approach.
struct ApproachResult {
  Approach approach;
  ExecutionFacts facts;
  bool asynchronous = false;
  std::vector<InferenceRecord> inferences;
  ClassScores scores;  ///< of `inferences`, where `RunOptions::keep_scores` asks for them
  std::vector<CallRecord> calls;
  std::vector<TurnRecord> turns;
  std::vector<FailedImage> failures;
  std::vector<InputRecord> inputs;  ///< of the first image of some of the first rounds, where the engine tells
  /// Predictions of a staged pass whose decision differed from that of the `total` pass.
  std::size_t nondeterministic_predictions = 0;
  LogitRows logits;  ///< what the network's numbers look like, of all inferences that were read as logits
  Repeats repeats;   ///< of the unrecorded calls and timing modes; those among `inferences` are not in it
  std::size_t settling_calls = 0;
  std::optional<std::string> error;  ///< why the approach as a whole failed
  std::uint64_t peak_rss_bytes = 0;  ///< of the process that hosted it
  std::optional<std::uint64_t> device_peak_bytes;
};

/// An approach that never gave an answer has failed as a whole.
void fail_without_answers(ApproachResult& result);

/// Gathers results in the order the approaches were given.
class ResultsCollector {
 public:
  void add(ApproachResult result) { results_.push_back(std::move(result)); }
  [[nodiscard]] std::span<const ApproachResult> results() const noexcept { return results_; }
  [[nodiscard]] std::span<ApproachResult> results() noexcept { return results_; }

 private:
  std::vector<ApproachResult> results_;
};

}  // namespace stagemark
