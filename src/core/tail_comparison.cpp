#include "stagemark/core/tail_comparison.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "log_margin.hpp"
#include "require.hpp"
#include "stagemark/core/random.hpp"
#include "t_estimate.hpp"

namespace stagemark {
namespace {

// The ranks, counted from the largest value down, whose values type 7 lies between.
struct RanksFromTop {
  std::size_t upper = 0, lower = 0;
  double weight_of_upper = 0;
};

RanksFromTop ranks_from_top(std::size_t n, double p) {
  const double position = static_cast<double>(n - 1) * p;
  const auto below = static_cast<std::size_t>(position);
  const double fraction = position - static_cast<double>(below);
  const std::size_t lower = n - 1 - below;
  return {.upper = fraction > 0 ? lower - 1 : lower, .lower = lower, .weight_of_upper = fraction};
}

// All log latencies in descending order. A resample only changes how often a round counts, or which label it bears: one
// walk down to the quantile, a few hundredths of the values, instead of a sort. The walk reads four bytes a value: of a
// million images it would otherwise wait for memory.
class PooledRounds {
 public:
  PooledRounds(std::span<const RoundLatencies> rounds, double p, double log_shift) : p_(p), counts_(rounds.size()) {
    require(rounds.size() <= std::numeric_limits<std::uint32_t>::max() / 2, "too many rounds");
    std::vector<std::pair<double, std::uint32_t>> values;
    const auto add = [&values](std::span<const double> latencies, double shift, std::size_t label) {
      require(!latencies.empty(), "each round needs latencies of both approaches");
      for (const double latency : latencies) {
        require(latency > 0 && std::isfinite(latency), "a latency must be above 0 and finite");
        values.emplace_back(std::log(latency) - shift, static_cast<std::uint32_t>(label));
      }
    };
    for (std::size_t round = 0; round < rounds.size(); ++round) {
      add(rounds[round].baseline, 0, 2 * round + baseline);
      add(rounds[round].candidate, log_shift, 2 * round + candidate);
      counts_[round] = {rounds[round].baseline.size(), rounds[round].candidate.size()};
    }
    std::sort(values.begin(), values.end(), std::greater<>());
    for (const auto& [log_latency, label] : values) {
      log_latencies_.push_back(log_latency);
      labels_.push_back(label);
    }
  }

  [[nodiscard]] std::size_t rounds() const { return counts_.size(); }

  // ln(quantile of the candidate) - ln(quantile of the baseline), where round r counts weights[r] times and its two
  // labels are swapped if swapped[r] is 1.
  [[nodiscard]] double log_slowdown(std::span<const std::uint32_t> weights,
                                    std::span<const std::uint8_t> swapped) const {
    std::array<std::size_t, 2> n{};
    for (std::size_t round = 0; round < rounds(); ++round) {
      n[swapped[round]] += weights[round] * counts_[round][baseline];
      n[1U - swapped[round]] += weights[round] * counts_[round][candidate];
    }
    const std::array<RanksFromTop, 2> ranks = {ranks_from_top(n[baseline], p_), ranks_from_top(n[candidate], p_)};
    std::array<std::size_t, 2> awaited = {ranks[baseline].upper, ranks[candidate].upper};
    std::array<std::size_t, 2> seen{};
    std::array<std::optional<double>, 2> upper;
    std::array<double, 2> lower{};
    std::size_t sides_left = 2;
    for (std::size_t i = 0; sides_left > 0; ++i) {
      const std::size_t round = labels_[i] / 2;
      const std::size_t side = (labels_[i] % 2) ^ swapped[round];
      seen[side] += weights[round];
      if (seen[side] <= awaited[side]) continue;
      if (!upper[side]) {
        upper[side] = log_latencies_[i];
        awaited[side] = ranks[side].lower;
        if (seen[side] <= awaited[side]) continue;
      }
      lower[side] = log_latencies_[i];
      awaited[side] = n[side];
      --sides_left;
    }
    const auto log_quantile = [&](std::size_t side) {
      // Between the latencies, not between their logarithms.
      return lower[side] + std::log1p(ranks[side].weight_of_upper * std::expm1(*upper[side] - lower[side]));
    };
    return log_quantile(candidate) - log_quantile(baseline);
  }

 private:
  static constexpr std::size_t baseline = 0;
  static constexpr std::size_t candidate = 1;

  double p_;
  std::vector<std::array<std::size_t, 2>> counts_;
  std::vector<double> log_latencies_;
  std::vector<std::uint32_t> labels_;  // twice the round, and one more for the candidate
};

// How the log slowdown of all swaps lies about that of the labels as they are, shares in (0, 1].
struct SwapShares {
  double at_least = 1, at_most = 1, as_extreme = 1;
};

SwapShares swap_labels(const PooledRounds& pooled, const TailOptions& options) {
  const std::size_t rounds = pooled.rounds();
  const std::vector<std::uint32_t> weights(rounds, 1);
  std::vector<std::uint8_t> swapped(rounds);
  const double observed = pooled.log_slowdown(weights, swapped);
  const bool all = rounds < 64 && (std::uint64_t{1} << rounds) <= options.resamples;
  const std::uint64_t swaps = all ? std::uint64_t{1} << rounds : options.resamples;
  // The labels as they are belong to all swaps; to a draw of them they are added.
  const std::uint64_t added = all ? 0 : 1;
  std::uint64_t at_least = added;
  std::uint64_t at_most = added;
  std::uint64_t as_extreme = added;
  SplitMix64 random(options.seed);
  for (std::uint64_t swap = 0; swap < swaps; ++swap) {
    std::uint64_t bits = swap;
    for (std::size_t round = 0; round < rounds; ++round) {
      if (!all && round % 64 == 0) bits = random.next();
      swapped[round] = static_cast<std::uint8_t>((bits >> (round % 64)) & 1U);
    }
    const double value = pooled.log_slowdown(weights, swapped);
    // Equal up to the rounding of the logarithms is a tie, and a tie is as extreme.
    if (value >= observed - logarithm_slack / 10) ++at_least;
    if (value <= observed + logarithm_slack / 10) ++at_most;
    if (std::abs(value) >= std::abs(observed) - logarithm_slack / 10) ++as_extreme;
  }
  const auto share = [total = static_cast<double>(swaps + added)](std::uint64_t count) {
    return static_cast<double>(count) / total;
  };
  return {.at_least = share(at_least), .at_most = share(at_most), .as_extreme = share(as_extreme)};
}

// Percentiles of the log slowdown over resamples of whole rounds.
Interval bootstrap_interval(const PooledRounds& pooled, const TailOptions& options) {
  const std::size_t rounds = pooled.rounds();
  const std::vector<std::uint8_t> unswapped(rounds, 0);
  std::vector<std::uint32_t> weights(rounds);
  std::vector<double> values(options.resamples);
  SplitMix64 random(options.seed);
  for (double& value : values) {
    std::fill(weights.begin(), weights.end(), 0);
    for (std::size_t draw = 0; draw < rounds; ++draw) ++weights[random.below(rounds)];
    value = pooled.log_slowdown(weights, unswapped);
  }
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.confidence) / 2;
  return {.low = quantile(values, tail), .high = quantile(values, 1 - tail)};
}

// The mean over generations of the log slowdown of each one's own quantile. Absent below five.
std::optional<TEstimate> over_generations(std::span<const RoundLatencies> rounds, double p) {
  std::map<std::size_t, std::array<std::vector<double>, 2>> by_generation;
  for (const RoundLatencies& round : rounds) {
    auto& [baseline, candidate] = by_generation[round.generation];
    baseline.insert(baseline.end(), round.baseline.begin(), round.baseline.end());
    candidate.insert(candidate.end(), round.candidate.begin(), round.candidate.end());
  }
  if (by_generation.size() < generations_for_any_process) return std::nullopt;
  std::vector<double> log_slowdowns;
  for (auto& [generation, sides] : by_generation) {
    for (auto& side : sides) std::sort(side.begin(), side.end());
    log_slowdowns.push_back(std::log(quantile(sides[1], p)) - std::log(quantile(sides[0], p)));
  }
  return t_estimate_of_mean(log_slowdowns);
}

bool has_a_tail(std::span<const RoundLatencies> rounds, double p) {
  const std::size_t needed = quantile_upper_bound_count(p);
  std::size_t baseline = 0;
  std::size_t candidate = 0;
  for (const RoundLatencies& round : rounds) {
    baseline += round.baseline.size();
    candidate += round.candidate.size();
  }
  return baseline >= needed && candidate >= needed;
}

void require_options(const TailOptions& options) {
  require(options.confidence > 0 && options.confidence < 1, "the confidence must be between 0 and 1");
  require(options.resamples > 0, "at least one resample is needed");
}

}  // namespace

std::optional<TailComparison> compare_tails(std::span<const RoundLatencies> rounds, double p,
                                            const TailOptions& options) {
  require_options(options);
  if (!has_a_tail(rounds, p)) return std::nullopt;
  const PooledRounds pooled(rounds, p, 0);
  const std::vector<std::uint32_t> once(rounds.size(), 1);
  const std::vector<std::uint8_t> unswapped(rounds.size(), 0);
  TailComparison result;
  result.log_speedup = -pooled.log_slowdown(once, unswapped);
  result.speedup = std::exp(result.log_speedup);
  result.p_value = swap_labels(pooled, options).as_extreme;
  Interval slowdown = bootstrap_interval(pooled, options);
  if (const auto estimate = over_generations(rounds, p)) {
    result.scope = Scope::any_processes;
    result.p_value = std::max(result.p_value, two_sided(estimate->test(0)));
    const Interval wide = estimate->interval(options.confidence);
    if (wide.high - wide.low >= slowdown.high - slowdown.low) slowdown = wide;
  }
  result.interval = {.low = std::exp(-slowdown.high), .high = std::exp(-slowdown.low)};
  return result;
}

std::optional<MarginTest> test_tail_slowdown(std::span<const RoundLatencies> rounds, double p, double margin,
                                             const TailOptions& options) {
  require_options(options);
  const double limit = log_margin(margin);
  if (!has_a_tail(rounds, p)) return std::nullopt;
  const SwapShares shares = swap_labels(PooledRounds(rounds, p, limit), options);
  const MarginTest over_rounds{.p_beyond = shares.at_least, .p_within = shares.at_most};
  const auto estimate = over_generations(rounds, p);
  return estimate ? weaker_of(over_rounds, estimate->test(limit)) : over_rounds;
}

}  // namespace stagemark
