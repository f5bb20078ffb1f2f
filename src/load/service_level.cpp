#include "stagemark/load/service_level.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/require.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

/// A measured query as the test sees it.
struct Judged {
  double latency = 0;       // infinite where there was no answer
  std::uint32_t found = 0;  // in the system
  bool begins_run = false;
};

std::vector<Judged> judged_queries(std::span<const MeasuredLog> runs) {
  std::vector<Judged> queries;
  for (const MeasuredLog& run : runs) {
    const std::vector<std::uint32_t> found = found_in_system(run.log);
    bool begins_run = true;
    for (std::size_t i = 0; i < run.log.size(); ++i) {
      const QueryRecord& query = run.log[i];
      if (!run.counts(query)) continue;
      const double latency = query.outcome == QueryOutcome::completed ? static_cast<double>(query.latency().count())
                                                                      : std::numeric_limits<double>::infinity();
      queries.push_back({.latency = latency, .found = found[i], .begins_run = begins_run});
      begins_run = false;
    }
  }
  return queries;
}

/// The value below which a share `p` of the latencies lies.
double latency_quantile(std::span<const Judged> queries, double p) {
  std::vector<double> latencies;
  latencies.reserve(queries.size());
  for (const Judged& query : queries) latencies.push_back(query.latency);
  const auto rank = static_cast<std::ptrdiff_t>(p * static_cast<double>(latencies.size() - 1));
  std::ranges::nth_element(latencies, latencies.begin() + rank);
  return latencies[static_cast<std::size_t>(rank)];
}

/// What the cycles of all runs say.
struct Cycles {
  std::size_t count = 0;
  double variance_inflation = 1;
  double relative_error = 0;  // of it
};

/// \param most_found a query that finds no more than so many in the system begins a cycle
/// \param limit of the indicator [latency > limit]
Cycles cycles_of(std::span<const Judged> queries, std::uint32_t most_found, double limit) {
  const auto n = static_cast<double>(queries.size());
  const double share =
      static_cast<double>(std::ranges::count_if(queries, [limit](const Judged& q) { return q.latency > limit; })) / n;
  std::size_t count = 0;
  double squares = 0;
  double fourth_powers = 0;
  double shared_with_neighbours = 0;
  double sum = 0;
  double sum_before = 0;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    sum += (queries[i].latency > limit ? 1 : 0) - share;
    const bool ends = i + 1 == queries.size() || queries[i + 1].begins_run || queries[i + 1].found <= most_found;
    if (!ends) continue;
    ++count;
    squares += sum * sum;
    fourth_powers += sum * sum * sum * sum;
    shared_with_neighbours += sum * sum_before;
    sum_before = sum;
    sum = 0;
  }
  if (squares == 0 || count < 2) return {.count = count};
  const auto k = static_cast<double>(count);
  // Idle cycles share nothing but by chance.
  const double variance = squares + (most_found > 0 ? 2 * std::max(0.0, shared_with_neighbours) : 0);
  const double relative_error = std::sqrt(std::max(0.0, fourth_powers / (squares * squares) - 1 / k));
  return {.count = count,
          .variance_inflation = variance * k / (k - 1) / (n * share * (1 - share)),
          .relative_error = relative_error};
}

/// Clopper-Pearson with counts that need not be whole.
MarginTest binomial_tests(double over, double n, double share) {
  return {.p_beyond = over > 0 ? incomplete_beta(share, over, n - over + 1) : 1,
          .p_within = over < n ? incomplete_beta(1 - share, n - over, over + 1) : 1};
}

LevelVerdict verdict_of(const MarginTest& p_values) {
  if (p_values.p_within <= service_level_error) return LevelVerdict::within;
  return p_values.p_beyond <= service_level_error ? LevelVerdict::beyond : LevelVerdict::undecided;
}

constexpr std::size_t parts = 10;

/// Whether more than `share` are over the bound in each of ten parts of the runs, of which each is long enough that one
/// query may be.
bool is_over_in_every_part(std::span<const Judged> queries, double bound, double share) {
  if (static_cast<double>(queries.size()) * share < static_cast<double>(parts)) return false;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t first = part * queries.size() / parts;
    const auto some = queries.subspan(first, (part + 1) * queries.size() / parts - first);
    const auto over = std::ranges::count_if(some, [bound](const Judged& query) { return query.latency > bound; });
    if (static_cast<double>(over) <= share * static_cast<double>(some.size())) return false;
  }
  return true;
}

/// How many times as long a run decides at the same shares.
std::optional<double> longer_by(const ServiceLevelTest& test, double share) {
  constexpr double longest = 1000;
  const double n = static_cast<double>(test.queries) / test.variance_inflation;
  const double over = static_cast<double>(test.over) / test.variance_inflation;
  const auto decides = [&](double factor) {
    return static_cast<double>(test.cycles) * factor >= static_cast<double>(fewest_cycles) &&
           verdict_of(binomial_tests(over * factor, n * factor, share)) != LevelVerdict::undecided;
  };
  if (!decides(longest)) return std::nullopt;
  double too_short = 1;
  double enough = longest;
  while (enough > 1.01 * too_short) {
    const double middle = std::sqrt(too_short * enough);
    (decides(middle) ? enough : too_short) = middle;
  }
  return enough;
}

std::string reason_of(const ServiceLevelTest& test, double share) {
  if (test.queries == 0) return "no query was measured";
  if (test.cycles < fewest_cycles) {
    return "the system was nearly idle only " + std::to_string(test.cycles) +
           " times, and the dependence of waits is read from " + std::to_string(fewest_cycles);
  }
  return significant_percent(static_cast<double>(test.over) / static_cast<double>(test.queries), 2) +
         " of the queries were over the bound, which " +
         thousands(static_cast<std::uint64_t>(static_cast<double>(test.queries) / test.variance_inflation)) +
         " independent queries cannot tell from " + significant_percent(share, 2);
}

}  // namespace

std::string quantile_name(double quantile) { return "p" + significant(100 * quantile, 6); }

std::string to_string(const ServiceLevel& level) {
  const double milliseconds = to_milliseconds(level.bound);
  return quantile_name(level.quantile) + "=" +
         (milliseconds < 1'000 ? significant(milliseconds, 6) + "ms" : significant(milliseconds / 1'000, 6) + "s");
}

OverCount count_over(const MeasuredLog& run, const ServiceLevel& level) {
  OverCount count;
  for (const QueryRecord& query : run.log) {
    if (!run.counts(query)) continue;
    ++count.queries;
    if (query.outcome != QueryOutcome::completed || query.latency() > level.bound) ++count.over;
  }
  return count;
}

LevelVerdict test_independent_queries(const MeasuredLog& run, const ServiceLevel& level) {
  expect_usable(level);
  const auto [queries, over] = count_over(run, level);
  if (queries == 0) return LevelVerdict::undecided;
  return verdict_of(binomial_tests(static_cast<double>(over), static_cast<double>(queries), 1 - level.quantile));
}

void expect_usable(const ServiceLevel& level) {
  if (std::isnan(level.quantile) || level.quantile <= 0 || level.quantile >= 1) {
    throw UsageError("is not between 0 and 1", "`quantile` of a service level", "give .99 for p99");
  }
  if (level.bound <= Nanoseconds::zero()) {
    throw UsageError("is not above 0", "`bound` of a service level", "give a positive time");
  }
}

ServiceLevelTest test_service_level(std::span<const MeasuredLog> runs, const ServiceLevel& level,
                                    std::size_t instances) {
  expect_usable(level);
  require(instances > 0, "there must be an instance");
  const std::vector<Judged> queries = judged_queries(runs);
  const double share = 1 - level.quantile;
  ServiceLevelTest test;
  test.queries = queries.size();
  if (queries.empty()) {
    test.reason = reason_of(test, share);
    return test;
  }
  const auto bound = static_cast<double>(level.bound.count());
  test.over = static_cast<std::size_t>(
      std::ranges::count_if(queries, [bound](const Judged& query) { return query.latency > bound; }));
  const auto cycles_at = [&](double quantile, std::size_t most_found) {
    const double limit = latency_quantile(queries, quantile);
    // Nothing is above a query that was not answered.
    return cycles_of(queries, static_cast<std::uint32_t>(most_found), std::isinf(limit) ? bound : limit);
  };
  const double frequent = std::min(0.9, level.quantile);
  std::size_t most_found = 0;
  Cycles cycles = cycles_at(frequent, most_found);
  if (cycles.count < fewest_cycles) {
    most_found = instances;
    cycles = cycles_at(frequent, most_found);
  }
  test.cycles = cycles.count;
  test.variance_inflation = std::max({1.0, cycles.variance_inflation * (1 + cycles.relative_error),
                                      cycles_at(level.quantile, most_found).variance_inflation});
  test.p_values = binomial_tests(static_cast<double>(test.over) / test.variance_inflation,
                                 static_cast<double>(test.queries) / test.variance_inflation, share);
  if (test.cycles < fewest_cycles) {
    test.p_values = {
        .p_beyond = is_over_in_every_part(queries, bound, share) ? std::exp2(-static_cast<double>(parts)) : 1,
        .p_within = 1};
  }
  test.verdict = verdict_of(test.p_values);
  if (test.verdict != LevelVerdict::undecided) return test;
  test.reason = reason_of(test, share);
  Nanoseconds measured{0};
  for (const MeasuredLog& run : runs) measured += run.end - run.begin;
  if (const std::optional<double> factor = longer_by(test, share)) {
    test.more = Nanoseconds(std::llround(static_cast<double>(measured.count()) * (*factor - 1)));
  }
  return test;
}

}  // namespace stagemark
