#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "stagemark/core/random.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/load/capacity.hpp"
#include "stagemark/load/query_log.hpp"
#include "stagemark/load/service_level.hpp"
#include "stagemark/load/virtual_time.hpp"

// Loads in virtual time. One unit is the mean time of a batch of one: rates are in queries per unit.

namespace stagemark {

inline constexpr std::chrono::milliseconds unit(1);

inline Nanoseconds units(double count) {
  return Nanoseconds(std::llround(count * static_cast<double>(Nanoseconds(unit).count())));
}
inline double in_units(Nanoseconds time) {
  return static_cast<double>(time.count()) / static_cast<double>(Nanoseconds(unit).count());
}
/// Queries per second.
inline double per_second(double rate) { return rate * 1e9 / static_cast<double>(Nanoseconds(unit).count()); }

/// Service times with this coefficient of variation: constant, exponential where it is 1, else log-normal. Drawn from a
/// table of 2^14 quantiles. A batch of b takes (1 + b)/2 times as long as one of 1.
inline ServiceTime service_with(double variation) {
  constexpr std::size_t entries = 1U << 14U;
  const auto table = std::make_shared<std::vector<double>>(entries, 1);
  if (variation > 0) {
    const double variance = std::log1p(variation * variation);
    for (std::size_t i = 0; i < entries; ++i) {
      const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(entries);
      (*table)[i] =
          variation == 1 ? -std::log1p(-p) : std::exp(std::sqrt(variance) * normal_quantile(p) - variance / 2);
    }
  }
  return [table](const ServiceCall& call) {
    const double size = (1 + static_cast<double>(call.batch_size)) / 2;
    return units(size * (*table)[static_cast<std::size_t>(call.draw * entries)]);
  };
}

/// Exponential service of mean 1, whatever the size of the batch.
inline ServiceTime exponential_service() {
  return [](const ServiceCall& call) { return units(-std::log1p(-call.draw)); };
}

/// About so many Poisson arrivals.
inline OpenLoop poisson(double rate, std::size_t queries, std::uint64_t seed) {
  return poisson_arrivals(per_second(rate), units(static_cast<double>(queries) / rate), seed);
}

/// A log and what is measured of it: all but the first tenth.
struct VirtualRun {
  std::vector<QueryRecord> log;
  Nanoseconds end{0};

  [[nodiscard]] MeasuredLog measured() const { return {.log = log, .begin = end / 10, .end = end}; }
};

/// Serves so many Poisson arrivals, and a ninth more to warm up.
inline VirtualRun run_poisson(const ServingSettings& settings, double rate, std::size_t queries,
                              const ServiceTime& service, std::uint64_t seed) {
  const std::size_t all = queries + queries / 9;
  return {.log = serve_in_virtual_time(settings, poisson(rate, all, seed), service, ~seed),
          .end = units(static_cast<double>(all) / rate)};
}

inline double share_over(const MeasuredLog& measured, Nanoseconds bound) {
  double over = 0;
  double queries = 0;
  for (const QueryRecord& query : measured.log) {
    if (!measured.counts(query)) continue;
    ++queries;
    if (query.outcome != QueryOutcome::completed || query.latency() > bound) ++over;
  }
  return over / queries;
}

/// The test that takes every query for independent of the others.
inline LevelVerdict independent_test(const MeasuredLog& measured, const ServiceLevel& level) {
  std::size_t over = 0;
  std::size_t queries = 0;
  for (const QueryRecord& query : measured.log) {
    if (!measured.counts(query)) continue;
    ++queries;
    if (query.latency() > level.bound) ++over;
  }
  const double p_within = binomial_cdf(over, queries, 1 - level.quantile);
  return p_within <= service_level_error ? LevelVerdict::within : LevelVerdict::undecided;
}

/// As many generations as are wanted of a load, each measured for itself.
inline std::vector<VirtualRun> run_generations(const ServingSettings& settings, double rate, std::size_t queries,
                                               const ServiceTime& service, std::uint64_t seed,
                                               std::size_t generations) {
  std::vector<VirtualRun> runs;
  for (std::size_t i = 0; i < generations; ++i) {
    runs.push_back(run_poisson(settings, rate, queries, service, 1000 * seed + i));
  }
  return runs;
}

inline std::vector<MeasuredLog> measured(std::span<const VirtualRun> runs) {
  std::vector<MeasuredLog> logs;
  for (const VirtualRun& run : runs) logs.push_back(run.measured());
  return logs;
}

/// A search of the capacity of one instance with exponential service: five generations at each rate.
struct VirtualSearch {
  CapacityRange range;
  std::vector<OrReason<double>> of_generations;
  std::size_t rates = 0;
};

inline VirtualSearch search_capacity(const ServiceLevel& level, double predicted, std::size_t queries,
                                     const ServiceTime& service, std::uint64_t seed) {
  constexpr std::size_t generations = 5;
  CapacitySearch search({.share = 1 - level.quantile, .predicted = predicted, .lowest = 0.01, .highest = 1.2});
  VirtualSearch result;
  while (const std::optional<double> rate = search.next()) {
    const auto runs = run_generations({}, *rate, queries, service, seed, generations);
    const std::vector<MeasuredLog> logs = measured(runs);
    std::vector<ShareOver> shares;
    for (const MeasuredLog& log : logs) {
      shares.push_back({.rate = *rate, .share = share_over(log, level.bound), .queries = queries});
    }
    search.add(*rate, to_load_verdict(test_service_level(logs, level, 1).verdict), shares);
    ++result.rates;
  }
  result.range = search.range();
  result.of_generations = search.of_generations();
  return result;
}

}  // namespace stagemark
