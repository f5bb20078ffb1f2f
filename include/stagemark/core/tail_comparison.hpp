#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "stagemark/core/speed_comparison.hpp"

// A high quantile (p90, p95, p99) of two approaches that took turns. One round holds too few values of the tail, so the
// rounds are pooled, and the labels are swapped within rounds to see what chance does.

namespace stagemark {

/// The latencies of one round in any unit, above 0.
struct RoundLatencies {
  std::span<const double> baseline, candidate;
  std::size_t generation = 0;  ///< which set of worker processes measured it
};

struct TailOptions {
  double confidence = 0.95;
  std::size_t resamples = 9999;  ///< swaps of labels, and resamples for the interval
  std::uint64_t seed = 0;
};

/// A quantile's speed-up, as SpeedComparison has the median's.
struct TailComparison {
  double log_speedup = 0;  ///< ln(quantile of all rounds, baseline) - ln(quantile, candidate)
  double speedup = 1;
  /// Of `speedup`: percentiles of a bootstrap over whole rounds; from five generations on that or Student's t over the
  /// generations' own quantiles, whichever is wider.
  Interval interval;
  Scope scope = Scope::these_processes;
  /// Of equal quantiles, two-sided: (1 + swaps at least as extreme) / (1 + swaps), or the exact share of all 2^rounds
  /// swaps where those are no more than `resamples`; from five generations on the larger of that and Student's t.
  double p_value = 1;
};

/// Compares the p-quantiles (type 7), p in (0, 1). The nearer p is to 1, the quicker: p95 of 10^5 images takes 0.4 s, of
/// 10^6 5 s. Absent where either approach has fewer values than `quantile_upper_bound_count(p)`: its tail would be a
/// handful of images. \throws std::invalid_argument if a latency is not above 0 and finite, a round lacks one of the two,
/// the confidence is not in (0, 1), or `resamples` is 0.
std::optional<TailComparison> compare_tails(std::span<const RoundLatencies> rounds, double p,
                                            const TailOptions& options = {});

/// Tests the slowdown of the p-quantile against a margin with the tests of `compare_tails`, the candidate's latencies
/// divided by 1 + margin. Absent and throws as that does.
std::optional<MarginTest> test_tail_slowdown(std::span<const RoundLatencies> rounds, double p, double margin,
                                             const TailOptions& options = {});

}  // namespace stagemark
