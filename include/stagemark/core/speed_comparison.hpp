#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/margin.hpp"
#include "stagemark/core/statistics.hpp"

// Which of two approaches that took turns in one run is faster. The unit is the round, never the image: images of one
// turn share what the machine was doing. Rounds in turn share their worker processes, and two processes of one program
// differ, so from `generations_for_any_process` generations of workers on a claim must hold over generations too.

namespace stagemark {

/// Generations of fresh workers from which on a comparison speaks for workers started anew.
inline constexpr std::size_t generations_for_any_process = 5;

/// What one round says about a pair of approaches.
struct PairedRound {
  double log_speedup = 0;      ///< ln(median of the round, baseline) - ln(median, candidate): above 0 it is faster
  std::size_t generation = 0;  ///< which set of worker processes measured it
};

/// What a comparison speaks for: the very processes that ran, or any like them.
enum class Scope : std::uint8_t { these_processes, any_processes };
template <>
inline constexpr EnumNames<Scope, 2> enum_names<Scope> = {
    {{Scope::these_processes, "these_processes"}, {Scope::any_processes, "any_processes"}}};

struct SpeedCriteria {
  double confidence = 0.95;  ///< of each interval; verdicts err in a whole family no more often than 1 - confidence
  double practical = 0.01;   ///< relative difference of speed below which nobody cares, either way
};

/// Speed of a candidate against its baseline; a ratio above 1 is a faster candidate.
struct SpeedComparison {
  std::size_t rounds = 0;
  std::size_t generations = 0;
  std::size_t ties = 0;    ///< rounds without any difference: left out of the sign test
  double log_speedup = 0;  ///< median over the rounds
  double speedup = 1;      ///< its exponential
  /// Of `speedup`: the exact order statistics of the rounds; from five generations on that or Student's t over the
  /// medians of the generations, whichever is wider. Absent below the rounds that the confidence needs.
  std::optional<Interval> interval = std::nullopt;
  Scope scope = Scope::these_processes;
  /// Of equal speed, two-sided: the sign test over rounds; from five generations on the larger of that and Student's t
  /// over generations.
  double p_value = 1;
  /// Of a difference of `SpeedCriteria::practical` or more, either way: the larger of two one-sided tests.
  double p_practical_difference = 1;
};

/// Compares a pair. \throws std::invalid_argument if there are no rounds, a log speed-up is not finite, the confidence
/// is not in (0, 1), or `practical` is negative.
SpeedComparison compare_speed(std::span<const PairedRound> rounds, const SpeedCriteria& criteria = {});

/// Tests the slowdown of a candidate against a margin (0.05: candidate = 1.05 x baseline), with the tests of
/// `compare_speed`. \throws std::invalid_argument as that does, or if the margin is not above -1.
MarginTest test_slowdown(std::span<const PairedRound> rounds, double margin);

/// Smallest number of rounds with which the sign test can reach the one-sided level in every place of a family.
std::size_t rounds_needed(double one_sided_level, std::size_t family);

enum class SpeedVerdict : std::uint8_t { faster, slower, no_difference, inconclusive };
template <>
inline constexpr EnumNames<SpeedVerdict, 4> enum_names<SpeedVerdict> = {{{SpeedVerdict::faster, "faster"},
                                                                         {SpeedVerdict::slower, "slower"},
                                                                         {SpeedVerdict::no_difference, "no_difference"},
                                                                         {SpeedVerdict::inconclusive, "inconclusive"}}};

struct SpeedDecision {
  double p_adjusted = 1;  ///< `p_value` by Holm over the family
  SpeedVerdict verdict = SpeedVerdict::inconclusive;
};

/// Verdicts on a family of comparisons. `faster` and `slower`: different after Holm's adjustment, and the point by at
/// least `practical`. `no_difference`: less than that after Holm's adjustment. Give the criteria of `compare_speed`.
std::vector<SpeedDecision> decide_speed(std::span<const SpeedComparison> family, const SpeedCriteria& criteria = {});

/// Ranks of approaches, 1 the fastest: taken by speed, an approach begins the next rank if it differs from the fastest
/// of the current one. `log_speedups` are those against one common baseline; `p_adjusted` has a value for each pair, in
/// the order (0,1), (0,2), ..., (1,2), ... \throws std::invalid_argument if the number of pairs does not fit.
std::vector<std::size_t> speed_ranks(std::span<const double> log_speedups, std::span<const double> p_adjusted,
                                     double level = 0.05);

}  // namespace stagemark
