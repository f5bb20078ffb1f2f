#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "stagemark/core/speed_comparison.hpp"

namespace stagemark {

/// The comparison whose noise is estimated.
struct NoisePlan {
  std::size_t rounds = 30;
  std::size_t generations = 5;
  double confidence = 0.95;
};

/// What an approach compared with itself tells of a machine. Deviations are of logarithms: 0.01 is about 1 %.
struct NoiseEstimate {
  /// Of one round's log speed-up about that of its generation. Absent where no generation has two rounds.
  std::optional<double> between_round_sd;
  /// Of one worker process about others of the same program, by analysis of variance; 0 where the rounds explain all
  /// that generations differ. Absent below two generations.
  std::optional<double> between_process_sd;
  /// Rounds that tell as much as one independent round: 1 where they are independent, as the sign test assumes.
  double autocorrelation_time = 1;
  /// The relative change of speed that the planned comparison finds with power 0.8. Absent where a deviation that it
  /// needs is.
  std::optional<double> smallest_detectable_change;
  /// How often the comparison of these rounds would have found a difference where there is none: the share of
  /// relabellings, each generation's two identical approaches either way round, whose p-value is at most
  /// 1 - confidence. All 2^generations of them up to 13 generations, else 4096 drawn at random. Absent below two
  /// generations.
  std::optional<double> false_difference_rate;
};

/// Judges rounds in which both sides were the same approach, in measured order. \throws std::invalid_argument if there
/// are none, a log speed-up is not finite, the plan has no round or no generation, or the confidence is not in (0, 1).
NoiseEstimate estimate_noise(std::span<const PairedRound> identical, const NoisePlan& plan = {});

}  // namespace stagemark
