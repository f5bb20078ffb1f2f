#include "stagemark/load/load_point.hpp"

#include <algorithm>
#include <cmath>

#include "core/require.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

std::optional<LatencySummary> summary_of(const std::vector<double>& in_order) {
  if (in_order.empty()) return std::nullopt;
  constexpr std::size_t fewest_for_p999 = 1000;
  std::vector<double> sorted = in_order;
  std::ranges::sort(sorted);
  LatencySummary summary;
  summary.count = sorted.size();
  summary.mean = mean(in_order);
  summary.p50 = quantile(sorted, 0.5);
  summary.p90 = quantile(sorted, 0.9);
  summary.p95 = quantile(sorted, 0.95);
  summary.p99 = quantile(sorted, 0.99);
  if (sorted.size() >= fewest_for_p999) summary.p999 = quantile(sorted, 0.999);
  summary.max = sorted.back();
  summary.p90_upper = quantile_upper_bound(in_order, 0.9);
  summary.p95_upper = quantile_upper_bound(in_order, 0.95);
  summary.p99_upper = quantile_upper_bound(in_order, 0.99);
  summary.p999_upper = quantile_upper_bound(in_order, 0.999);
  return summary;
}

/// Of the measured queries that were completed.
std::optional<LatencySummary> summary_of(std::span<const MeasuredLog> generations,
                                         Nanoseconds (QueryRecord::*time)() const) {
  std::vector<double> milliseconds;
  for (const MeasuredLog& measured : generations) {
    for (const QueryRecord& query : measured.log) {
      if (measured.counts(query) && query.outcome == QueryOutcome::completed) {
        milliseconds.push_back(to_milliseconds((query.*time)()));
      }
    }
  }
  return summary_of(milliseconds);
}

/// Time that instances were busy within the measured time, in seconds.
double busy_seconds(const MeasuredLog& measured) {
  double busy = 0;
  for (const QueryRecord& query : measured.log) {
    if (query.batch_size == 0) continue;
    const Nanoseconds begin = std::max(query.dispatched, measured.begin);
    const Nanoseconds end = std::min(query.completed, measured.end);
    if (begin < end) busy += to_seconds(end - begin) / query.batch_size;
  }
  return busy;
}

/// What there is to count in one generation.
struct Counts {
  double scheduled = 0;
  double answered = 0;  // within the measured time, whenever they were scheduled
};

Counts counts_of(const MeasuredLog& queries) {
  Counts counts;
  for (const QueryRecord& query : queries.log) {
    if (queries.counts(query)) ++counts.scheduled;
    const bool in_time = query.completed >= queries.begin && query.completed < queries.end;
    if (in_time && query.outcome == QueryOutcome::completed) ++counts.answered;
  }
  return counts;
}

/// Mean number of queries that those of a quarter of the measured time find waiting.
double queue_in_quarter(const MeasuredLog& measured, const std::vector<std::uint32_t>& found, int quarter) {
  const Nanoseconds length = (measured.end - measured.begin) / 4;
  const MeasuredLog part{
      .log = measured.log, .begin = measured.begin + quarter * length, .end = measured.begin + (quarter + 1) * length};
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!part.counts(part.log[i])) continue;
    sum += found[i];
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

bool is_unstable(const MeasuredLog& queries) {
  constexpr double least_achieved = 0.98;
  constexpr double growth = 1.5;
  const Counts counts = counts_of(queries);
  if (counts.answered >= least_achieved * counts.scheduled) return false;
  const std::vector<std::uint32_t> found = found_waiting(queries.log);
  const double last = queue_in_quarter(queries, found, 3);
  return last > 0 && last >= growth * queue_in_quarter(queries, found, 1);
}

void judge(std::span<const MeasuredLog> generations, const LoadConditions& conditions, LoadPoint& point) {
  constexpr double most_lateness = 0.05;
  std::optional<double> measure;
  if (conditions.level) {
    measure = to_milliseconds(conditions.level->bound);
  } else if (point.latency) {
    measure = point.latency->p50;
  }
  if (measure && point.lateness_p99 > most_lateness * *measure) {
    point.verdict = LoadVerdict::invalid;
    point.reasons.push_back("the generator was late by " + significant(point.lateness_p99, 2) +
                            " ms (p99), more than " + percent(most_lateness, 0) + " of the " +
                            (conditions.level ? "bound" : "median latency") + ", " + significant(*measure, 3) + " ms");
    return;
  }
  const auto unstable = static_cast<std::size_t>(std::ranges::count_if(generations, is_unstable));
  if (!conditions.waits_for_answers && 2 * unstable > generations.size()) {
    point.verdict = LoadVerdict::unstable;
    point.reasons.push_back("of " + significant(*point.offered_rate, 3) + " queries a second " +
                            significant(point.achieved_rate, 3) +
                            " were answered, and the queue still grew at the end");
  } else if (conditions.level) {
    ServiceLevelTest test = test_service_level(generations, *conditions.level, conditions.instances);
    point.verdict = to_load_verdict(test.verdict);
    point.more = test.more;
    if (!test.reason.empty()) point.reasons.push_back(std::move(test.reason));
  }
}

}  // namespace

LoadVerdict to_load_verdict(LevelVerdict verdict) noexcept {
  switch (verdict) {
    case LevelVerdict::within:
      return LoadVerdict::within;
    case LevelVerdict::beyond:
      return LoadVerdict::beyond;
    default:
      return LoadVerdict::undecided;
  }
}

LoadPoint summarise(std::span<const MeasuredLog> generations, const LoadConditions& conditions) {
  require(!generations.empty(), "there must be a generation");
  require(conditions.instances > 0, "there must be an instance");
  if (conditions.level) expect_usable(*conditions.level);
  std::vector<std::vector<QueryRecord>> whole;
  std::vector<MeasuredLog> of_queries;
  for (const MeasuredLog& measured : generations) {
    require(measured.begin < measured.end, "the measured time must be above 0");
    whole.push_back(whole_queries(measured.log, conditions.samples_per_query));
    of_queries.push_back({.log = whole.back(), .begin = measured.begin, .end = measured.end});
  }

  LoadPoint point;
  point.generations = generations.size();
  double duration = 0;
  double busy = 0;
  Counts counts;
  std::vector<double> lateness;
  for (std::size_t i = 0; i < generations.size(); ++i) {
    const MeasuredLog& queries = of_queries[i];
    duration += to_seconds(queries.end - queries.begin);
    busy += busy_seconds(generations[i]);
    const auto [scheduled, answered] = counts_of(queries);
    counts.scheduled += scheduled;
    counts.answered += answered;
    for (const QueryRecord& query : queries.log) {
      if (!queries.counts(query)) continue;
      ++point.queries;
      ++(query.outcome == QueryOutcome::completed ? point.completed
         : query.outcome == QueryOutcome::refused ? point.refused
         : query.outcome == QueryOutcome::expired ? point.expired
                                                  : point.failed);
      lateness.push_back(to_milliseconds(query.lateness()));
    }
    for (const QueryRecord& sample : generations[i].log) {
      if (generations[i].counts(sample) && sample.batch_size > 0) ++point.batch_sizes[sample.batch_size];
    }
  }
  if (!conditions.waits_for_answers && counts.scheduled > 0) point.offered_rate = counts.scheduled / duration;
  point.achieved_rate = counts.answered / duration;
  point.utilisation = busy / (duration * static_cast<double>(conditions.instances));
  point.latency = summary_of(of_queries, &QueryRecord::latency);
  point.queue_wait = summary_of(generations, &QueryRecord::queue_wait);
  point.batch_formation = summary_of(generations, &QueryRecord::formation);
  point.service = summary_of(generations, &QueryRecord::service);
  if (!lateness.empty()) {
    std::ranges::sort(lateness);
    point.lateness_p99 = quantile(lateness, 0.99);
    point.lateness_max = lateness.back();
  }
  judge(of_queries, conditions, point);
  return point;
}

}  // namespace stagemark
