// How often the verdicts on a service level err, in virtual time: takes some minutes, prints tables, asserts nothing.
//   load_proofs [REPLICATES [SEARCHES]]
// 1. False `within`: runs exactly at capacity, where 1 % of the queries are over the bound, for bounds of 2, 4 and 10
//    service times, service times with coefficients of variation 0 to 1, one and two instances, and batches to 1 and 4.
//    Beside it the binomial test, which takes queries for independent.
// 2. Coverage: how often the capacity that theory gives lies between the highest rate that passed and the lowest that
//    failed, and how often the interval of the ratio of two capacities holds theirs.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "load/virtual_load.hpp"

namespace stagemark {
namespace {

struct Cell {
  ServingSettings settings;
  ServiceTime service;
  ServiceLevel level;
  double busiest;  // rate that keeps every instance busy with full batches

  [[nodiscard]] double share_at(double rate, std::size_t queries) const {
    constexpr std::size_t block = 1'000'000;
    double sum = 0;
    std::size_t blocks = 0;
    for (; blocks * block < queries; ++blocks) {
      sum += share_over(run_poisson(settings, rate, block, service, 7000 + blocks).measured(), level.bound);
    }
    return sum / static_cast<double>(blocks);
  }
};

/// The rate at which the share over the bound is what the level allows: bisection, then Newton's steps along the slope
/// that it left with twenty times as many queries. Absent where the level holds at no rate.
std::optional<double> capacity_of(const Cell& cell) {
  const double share = 1 - cell.level.quantile;
  double low = 0.004 * cell.busiest;
  double high = 0.999 * cell.busiest;
  constexpr std::size_t few = 1'000'000;
  if (cell.share_at(low, few) > 1.05 * share) return std::nullopt;
  while (high > 1.02 * low) {
    const double middle = (low + high) / 2;
    (cell.share_at(middle, few) > share ? high : low) = middle;
  }
  const double slope =
      std::log(cell.share_at(1.05 * high, few) / cell.share_at(low / 1.05, few)) / std::log(1.05 * high / (low / 1.05));
  double rate = low;
  for (int step = 0; step < 2; ++step) {
    rate *= std::pow(share / cell.share_at(rate, 20 * few), 1 / slope);
  }
  return rate;
}

void print_cell(const Cell& cell, int replicates) {
  const std::optional<double> capacity = capacity_of(cell);
  if (!capacity) {
    std::printf("holds at no rate\n");
    return;
  }
  std::printf("%.3f", *capacity / cell.busiest);
  for (const std::size_t queries : {2000U, 6000U, 20000U}) {
    int within = 0;
    int within_if_independent = 0;
    int beyond = 0;
    double inflation = 0;
    for (int i = 0; i < replicates; ++i) {
      const VirtualRun run =
          run_poisson(cell.settings, *capacity, queries, cell.service, static_cast<std::uint64_t>(i));
      const MeasuredLog measured = run.measured();
      const ServiceLevelTest test = test_service_level({&measured, 1}, cell.level, cell.settings.instances);
      if (test.verdict == LevelVerdict::within) ++within;
      if (test.verdict == LevelVerdict::beyond) ++beyond;
      if (independent_test(measured, cell.level) == LevelVerdict::within) ++within_if_independent;
      inflation += test.variance_inflation;
    }
    const auto share = [replicates](int count) { return static_cast<double>(count) / replicates; };
    std::printf(" | %5.1f  %.3f  %.3f  (%.3f)", inflation / replicates, share(within), share(beyond),
                share(within_if_independent));
  }
  std::printf("\n");
}

void print_false_verdicts(int replicates) {
  std::printf(
      "At capacity (p99), %d runs a cell, each of 2,000, 6,000 and 20,000 queries:\n"
      "bound, variation, instances, batch: load | inflation, false within, false beyond (binomial within)\n",
      replicates);
  for (const std::size_t batch : {1U, 4U}) {
    for (const std::size_t instances : {1U, 2U}) {
      for (const double variation : {0.0, 0.1, 0.5, 1.0}) {
        const ServiceTime service = service_with(variation);
        for (const double bound : {2.0, 4.0, 10.0}) {
          std::printf("%2.0f  %.1f  %zu  %zu: ", bound, variation, instances, batch);
          const double full = (1 + static_cast<double>(batch)) / 2;
          print_cell({.settings = {.instances = instances, .max_batch = batch},
                      .service = service,
                      .level = {.quantile = 0.99, .bound = units(bound)},
                      .busiest = static_cast<double>(instances * batch) / full},
                     replicates);
          std::fflush(stdout);
        }
      }
    }
  }
}

/// The rate at which one instance keeps a share `quantile` within `bound` services: exponential ones, where latencies are
/// exponential, or constant ones, where waits have Erlang's distribution (1909).
double theory(double quantile, double bound, bool constant) {
  if (!constant) return 1 + std::log(1 - quantile) / bound;
  const auto share_within = [wait = bound - 1](double rate) {
    double sum = 0;
    double factorial = 1;
    for (int k = 0; k <= wait; ++k) {
      if (k > 0) factorial *= k;
      sum += std::pow(rate * (k - wait), k) / factorial * std::exp(-rate * (k - wait));
    }
    return (1 - rate) * sum;
  };
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (share_within(middle) > quantile ? low : high) = middle;
  }
  return low;
}

void print_coverage(const ServiceLevel& level, bool constant, std::size_t queries, int searches) {
  const double bound = in_units(level.bound);
  const double capacity = theory(level.quantile, bound, constant);
  // An engine that is slower by a tenth: its bound is shorter in its own services, and so is its rate.
  constexpr double slower = 1.1;
  const double other_capacity = theory(level.quantile, bound / slower, constant) / slower;
  const ServiceTime service = constant ? service_with(0) : exponential_service();
  const ServiceTime other_service = [&service](const ServiceCall& call) {
    return Nanoseconds(std::llround(slower * static_cast<double>(service(call).count())));
  };
  int covered = 0;
  int both_ends = 0;
  int ratio_covered = 0;
  int ratios = 0;
  double width = 0;
  double rates = 0;
  for (int i = 0; i < searches; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    const double predicted = capacity * (0.8 + 0.4 * (i % 11) / 10);
    const VirtualSearch search = search_capacity(level, predicted, queries, service, seed);
    const double low = search.range.passed.value_or(0);
    const double high = search.range.failed.value_or(2);
    if (low <= capacity && capacity <= high) ++covered;
    if (search.range.passed && search.range.failed) {
      ++both_ends;
      width += std::log(high / low);
    }
    rates += static_cast<double>(search.rates);
    const VirtualSearch other = search_capacity(level, predicted, queries, other_service, seed);
    if (const auto ratio = compare_capacities(search.of_generations, other.of_generations)) {
      ++ratios;
      const double truth = other_capacity / capacity;
      if (ratio->interval.low <= truth && truth <= ratio->interval.high) ++ratio_covered;
    }
  }
  std::printf("%s services, p%.0f, bound %4.1f, 5 x %zu queries: ", constant ? "constant" : "exponential",
              100 * level.quantile, bound, queries);
  std::printf("holds the capacity %.3f, both ends %.3f, ends apart by %.1f %%, %.1f rates; ",
              static_cast<double>(covered) / searches, static_cast<double>(both_ends) / searches,
              100 * std::expm1(width / std::max(both_ends, 1)), rates / searches);
  std::printf("ratio in %.3f, its interval holds %.3f\n", static_cast<double>(ratios) / searches,
              static_cast<double>(ratio_covered) / std::max(ratios, 1));
  std::fflush(stdout);
}

}  // namespace
}  // namespace stagemark

int main(int argc, char** argv) {
  using namespace stagemark;
  const int replicates = argc > 1 ? std::atoi(argv[1]) : 2000;
  const int searches = argc > 2 ? std::atoi(argv[2]) : 2000;
  if (searches > 0) {
    print_coverage({.quantile = 0.9, .bound = units(6)}, false, 1000, searches);
    print_coverage({.quantile = 0.99, .bound = units(4)}, true, 3000, searches);
    print_coverage({.quantile = 0.99, .bound = units(10)}, false, 4000, searches);
  }
  if (replicates > 0) print_false_verdicts(replicates);
  return 0;
}
