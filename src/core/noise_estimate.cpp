#include "stagemark/core/noise_estimate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "stagemark/core/random.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

using Generations = std::map<std::size_t, std::vector<double>>;

// One-way analysis of variance with unequal groups.
struct Spread {
  std::optional<double> within, between;  // variances
};

Spread spread(const Generations& generations, std::size_t rounds) {
  const auto count = static_cast<double>(rounds);
  double grand_sum = 0;
  double squares_within = 0;
  double squared_sizes = 0;
  for (const auto& [generation, values] : generations) {
    const auto n = static_cast<double>(values.size());
    const double deviation = standard_deviation(values).value_or(0);
    grand_sum += mean(values) * n;
    squares_within += deviation * deviation * (n - 1);
    squared_sizes += n * n;
  }
  const double degrees_within = count - static_cast<double>(generations.size());
  if (degrees_within == 0) return {};
  Spread result{.within = squares_within / degrees_within, .between = std::nullopt};
  if (generations.size() < 2) return result;

  double squares_between = 0;
  for (const auto& [generation, values] : generations) {
    const double difference = mean(values) - grand_sum / count;
    squares_between += static_cast<double>(values.size()) * difference * difference;
  }
  const double degrees_between = static_cast<double>(generations.size()) - 1;
  const double typical_size = (count - squared_sizes / count) / degrees_between;
  result.between = std::max(0.0, (squares_between / degrees_between - *result.within) / typical_size);
  return result;
}

// The mean of each generation is taken off first: what sets generations apart comes from their processes, not from
// rounds that follow one another.
double autocorrelation_time(std::span<const PairedRound> rounds, const Generations& generations) {
  std::vector<double> residuals;
  for (const PairedRound& round : rounds) {
    residuals.push_back(round.log_speedup - median(generations.at(round.generation)));
  }
  return static_cast<double>(residuals.size()) / effective_count(residuals, 0.5);
}

// Variance of the median of n normal values of variance 1: exact for one, pi / 2n for many.
double variance_of_median(double n) { return std::numbers::pi / (2 * n + std::numbers::pi - 2); }

std::optional<double> detectable_change(const Spread& spread, double autocorrelation_time, const NoisePlan& plan) {
  if (!spread.within) return std::nullopt;
  constexpr double power = 0.8;
  const double level = (1 - plan.confidence) / 2;
  const auto rounds = static_cast<double>(plan.rounds);
  const double round_error =
      std::sqrt(*spread.within * variance_of_median(std::max(1.0, rounds / autocorrelation_time)));
  double log_change = (normal_quantile(power) - normal_quantile(level)) * round_error;
  if (plan.generations >= generations_for_any_process) {
    if (!spread.between) return std::nullopt;
    const auto generations = static_cast<double>(plan.generations);
    const double rounds_each = std::max(1.0, rounds / generations / autocorrelation_time);
    const double error = std::sqrt((*spread.between + *spread.within * variance_of_median(rounds_each)) / generations);
    const double quantiles = student_t_quantile(power, generations - 1) - student_t_quantile(level, generations - 1);
    log_change = std::max(log_change, quantiles * error);
  }
  return std::expm1(log_change);
}

double false_difference_rate(std::span<const PairedRound> rounds, const Generations& generations, double confidence) {
  constexpr std::size_t most_enumerated = 13;
  // Turning all generations round leaves the two-sided p-value as it is, so the first one stays.
  const std::size_t free = generations.size() - 1;
  const bool all = free < most_enumerated;
  const std::uint64_t relabellings = std::uint64_t{1} << std::min(free, most_enumerated - 1);
  SplitMix64 random(0);
  std::uint64_t differences = 0;
  std::vector<PairedRound> relabelled(rounds.begin(), rounds.end());
  for (std::uint64_t pattern = 0; pattern < relabellings; ++pattern) {
    std::map<std::size_t, bool> turned;
    std::size_t position = 0;
    for (const auto& [generation, values] : generations) {
      turned[generation] = position > 0 && ((all ? pattern >> (position - 1) : random.next()) & 1U) != 0;
      ++position;
    }
    for (std::size_t i = 0; i < rounds.size(); ++i) {
      relabelled[i].log_speedup = turned[rounds[i].generation] ? -rounds[i].log_speedup : rounds[i].log_speedup;
    }
    if (compare_speed(relabelled, {.confidence = confidence}).p_value <= 1 - confidence) ++differences;
  }
  return static_cast<double>(differences) / static_cast<double>(relabellings);
}

}  // namespace

NoiseEstimate estimate_noise(std::span<const PairedRound> identical, const NoisePlan& plan) {
  if (identical.empty()) throw std::invalid_argument("a calibration needs at least one round");
  if (plan.rounds == 0 || plan.generations == 0) {
    throw std::invalid_argument("a comparison has at least one round and one generation");
  }
  const bool is_confidence = plan.confidence > 0 && plan.confidence < 1;  // false for NaN
  if (!is_confidence) throw std::invalid_argument("the confidence must be between 0 and 1");

  Generations generations;
  for (const PairedRound& round : identical) generations[round.generation].push_back(round.log_speedup);
  const Spread variances = spread(generations, identical.size());
  NoiseEstimate result;
  if (variances.within) result.between_round_sd = std::sqrt(*variances.within);
  // A speed-up bears the difference of two processes.
  if (variances.between) result.between_process_sd = std::sqrt(*variances.between / 2);
  result.autocorrelation_time = autocorrelation_time(identical, generations);
  result.smallest_detectable_change = detectable_change(variances, result.autocorrelation_time, plan);
  if (generations.size() > 1) {
    result.false_difference_rate = false_difference_rate(identical, generations, plan.confidence);
  }
  return result;
}

}  // namespace stagemark
