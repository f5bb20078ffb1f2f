#include "timing_report.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "stagemark/core/duration.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

/// Times of the timed calls that have the stage, in the order of measurement.
std::vector<double> milliseconds_of(const ApproachResult& result, Stage stage) {
  std::vector<double> values;
  for (const CallRecord& call : result.calls) {
    const std::optional<Nanoseconds> time = call.times[stage];
    if (call.timed && time) values.push_back(to_milliseconds(*time));
  }
  return values;
}

/// The aggregate that shares are shares of.
Stage whole_of(const ApproachResult& result) { return result.asynchronous ? Stage::total_with_waits : Stage::total; }

std::string needs_samples(std::size_t needed, double effective) {
  return "needs " + std::to_string(needed) + " independent samples, has " +
         std::to_string(static_cast<std::size_t>(std::floor(effective)));
}

OrReason<double> upper_bound(const std::vector<double>& in_order, double p) {
  if (const auto bound = quantile_upper_bound(in_order, p)) return *bound;
  return OrReason<double>::absent(needs_samples(quantile_upper_bound_count(p), effective_count(in_order, p)));
}

/// \pre there are values
StageStatistics statistics_of(const std::vector<double>& in_order) {
  constexpr std::size_t least_for_median_interval = 6;  // 1 - 2 * 0.5^6 is the first coverage above 95 %
  std::vector<double> sorted(in_order.size());
  std::ranges::copy(in_order, sorted.begin());  // of a copied vector GCC 13 says that it may be null
  std::ranges::sort(sorted);

  StageStatistics statistics;
  statistics.count = in_order.size();
  statistics.mean = mean(in_order);
  statistics.p50 = quantile(sorted, 0.5);
  statistics.median = statistics.p50;
  statistics.p90 = quantile(sorted, 0.9);
  statistics.p95 = quantile(sorted, 0.95);
  statistics.p99 = quantile(sorted, 0.99);
  statistics.min = sorted.front();
  statistics.max = sorted.back();
  statistics.stddev = OrReason<double>::of(standard_deviation(in_order), "needs 2 samples");
  statistics.effective_count = effective_count(in_order, 0.5);
  statistics.ci95_median = OrReason<Interval>::of(median_interval(in_order),
                                                  needs_samples(least_for_median_interval, statistics.effective_count));
  statistics.p90_upper = upper_bound(in_order, 0.9);
  statistics.p95_upper = upper_bound(in_order, 0.95);
  statistics.p99_upper = upper_bound(in_order, 0.99);
  return statistics;
}

OrReason<double> share_of(Stage stage, const StageStatistics& part, Stage whole_stage, const StageStatistics* whole) {
  if (is_outside_total(stage)) return OrReason<double>::absent("decoding is outside `total`");
  if (whole == nullptr || whole->mean <= 0) {
    return OrReason<double>::absent("no time was measured for `" + std::string(to_string(whole_stage)) + "`");
  }
  return part.mean / whole->mean;
}

}  // namespace

std::string why_no_times(const ApproachResult& result) {
  return result.error ? "the approach failed" : "no call was timed: each had fewer images than a batch, or failed";
}

ByStage<StageStatistics> stage_statistics(const ApproachResult& result) {
  ByStage<StageStatistics> stages;
  for (const Stage stage : all_stages) {
    const std::vector<double> values = milliseconds_of(result, stage);
    if (!values.empty()) stages.emplace(stage, statistics_of(values));
  }
  const Stage whole_stage = whole_of(result);
  const auto whole = stages.find(whole_stage);
  for (auto& [stage, statistics] : stages) {
    statistics.share = share_of(stage, statistics, whole_stage, whole == stages.end() ? nullptr : &whole->second);
  }
  return stages;
}

OrReason<double> unattributed_mean(const ApproachResult& result) {
  const std::vector<Stage> parts = timed_parts_of_total([&](Stage stage) {
    return std::ranges::any_of(result.calls,
                               [stage](const CallRecord& call) { return call.timed && call.times.has(stage); });
  });
  if (parts.empty()) return OrReason<double>::absent("no stage was timed");

  std::vector<double> rests;
  for (const CallRecord& call : result.calls) {
    const std::optional<Nanoseconds> whole = call.times[whole_of(result)];
    if (!call.timed || !whole) continue;
    Nanoseconds rest = *whole;
    for (const Stage part : parts) rest -= call.times[part].value_or(Nanoseconds(0));
    rests.push_back(to_milliseconds(rest));
  }
  if (rests.empty()) return OrReason<double>::absent(why_no_times(result));
  return mean(rests);
}

OrReason<double> images_per_second(const ApproachResult& result) {
  std::size_t images = 0;
  Nanoseconds time(0);
  for (const CallRecord& call : result.calls) {
    if (!call.timed || !call.times.has(Stage::total)) continue;
    images += call.size;
    time += *call.times[Stage::total];
  }
  if (images == 0) return OrReason<double>::absent(why_no_times(result));
  if (time.count() <= 0) return OrReason<double>::absent("the clock did not advance during the calls");
  return static_cast<double>(images) / to_seconds(time);
}

Drift drift_of(const ApproachResult& result) {
  const std::vector<double> totals = milliseconds_of(result, Stage::total);
  const std::string reason = totals.size() < 3 ? "needs 3 samples" : "all times are equal";
  Drift drift;
  drift.spearman = OrReason<double>::of(spearman_trend(totals), reason);
  drift.lag1_autocorrelation = OrReason<double>::of(lag1_autocorrelation(totals), reason);
  if (!totals.empty()) {
    drift.outliers = tukey_counts(totals);
  }
  return drift;
}

std::vector<std::string> drift_warnings(const Drift& drift, std::size_t count) {
  // Large enough to matter, and beyond what independent times give once in a thousand runs (both statistics
  // have a standard error of about 1/sqrt(n) then).
  constexpr double remarkable = 0.3;
  constexpr double once_in_a_thousand = 3.29;
  constexpr double remarkable_outlier_ratio = 0.02;
  const auto n = static_cast<double>(count);
  const auto stands_out = [&](const OrReason<double>& value) {
    return value && std::abs(*value) >= remarkable && std::abs(*value) * std::sqrt(n) >= once_in_a_thousand;
  };
  std::vector<std::string> warnings;
  if (stands_out(drift.spearman)) {
    const std::string direction = *drift.spearman > 0 ? "rose" : "fell";
    warnings.push_back(
        "`total` " + direction + " over the run (Spearman " + decimal(*drift.spearman, 2) +
        "): the machine changed, or the later images are others; medians of rounds are compared, not all "
        "times");
  }
  if (stands_out(drift.lag1_autocorrelation)) {
    warnings.push_back("successive times of `total` resemble one another (lag-1 autocorrelation " +
                       decimal(*drift.lag1_autocorrelation, 2) + "): they tell less than as many independent ones");
  }
  const std::size_t severe = drift.outliers.severe_low + drift.outliers.severe_high;
  if (static_cast<double>(severe) > remarkable_outlier_ratio * n) {
    warnings.push_back(std::to_string(severe) + " of " + std::to_string(count) +
                       " times of `total` are far from the rest (beyond 3 interquartile ranges): other work may have "
                       "disturbed them; none was removed");
  }
  return warnings;
}

std::vector<RoundReport> round_reports(const ApproachResult& result) {
  std::map<std::size_t, std::vector<double>> totals;
  for (const CallRecord& call : result.calls) {
    const std::optional<Nanoseconds> total = call.times[Stage::total];
    if (call.timed && total) totals[call.round].push_back(to_milliseconds(*total));
  }
  std::vector<RoundReport> rounds;
  for (const TurnRecord& turn : result.turns) {
    // A turn that was cut into blocks, to save memory, has a record for each.
    if (!rounds.empty() && rounds.back().index == turn.round) continue;
    RoundReport round;
    round.index = turn.round;
    round.process = turn.process;
    round.position = turn.position;
    if (const auto times = totals.find(turn.round); times != totals.end()) {
      round.count = times->second.size();
      round.total_median = median(times->second);
    } else {
      round.total_median = OrReason<double>::absent(why_no_times(result));
    }
    rounds.push_back(std::move(round));
  }
  return rounds;
}

namespace {

/// What was measured in some turns.
struct LoopCost {
  double wall = 0;
  double total = 0;
  std::size_t calls = 0;
};

/// Over the rounds of which every call has a `total`: one that threw has none.
LoopCost loops_with_all_totals(const ApproachResult& result) {
  struct RoundCost {
    LoopCost cost;
    std::size_t calls_with_total = 0;
  };
  std::map<std::size_t, RoundCost> rounds;
  for (const TurnRecord& turn : result.turns) {
    LoopCost& cost = rounds[turn.round].cost;
    cost.wall += static_cast<double>(turn.wall.count());
    cost.calls += turn.calls;
  }
  for (const CallRecord& call : result.calls) {
    const std::optional<Nanoseconds> total = call.times[Stage::total];
    if (!total) continue;
    RoundCost& round = rounds[call.round];
    round.cost.total += static_cast<double>(total->count());
    ++round.calls_with_total;
  }
  LoopCost sum;
  for (const auto& [index, round] : rounds) {
    if (round.calls_with_total != round.cost.calls) continue;
    sum.wall += round.cost.wall;
    sum.total += round.cost.total;
    sum.calls += round.cost.calls;
  }
  return sum;
}

}  // namespace

HarnessCost harness_cost(const ApproachResult& result, std::chrono::duration<double, std::nano> clock_reading) {
  HarnessCost harness;
  double wall = 0;
  std::size_t calls = 0;
  for (const TurnRecord& turn : result.turns) {
    wall += static_cast<double>(turn.wall.count());
    calls += turn.calls;
  }
  harness.wall_ns_per_call =
      calls > 0 ? OrReason(wall / static_cast<double>(calls)) : OrReason<double>::absent("no call was measured");

  const LoopCost loops = loops_with_all_totals(result);
  if (result.asynchronous) {
    harness.outside_total_ns_per_call =
        OrReason<double>::absent("the passes that time stages have no `total` of the same kind");
  } else if (loops.calls == 0) {
    harness.outside_total_ns_per_call = OrReason<double>::absent("no round has a `total` of every call");
  } else {
    harness.outside_total_ns_per_call = (loops.wall - loops.total) / static_cast<double>(loops.calls);
  }

  harness.clock_reading_ns = clock_reading.count() > 0
                                 ? OrReason(clock_reading.count())
                                 : OrReason<double>::absent("the clock did not advance while it was measured");
  const OrReason<double>& cost =
      result.facts.does_nothing ? harness.wall_ns_per_call : harness.outside_total_ns_per_call;
  if (!cost) {
    harness.cost_in_clock_readings = cost;
  } else if (!harness.clock_reading_ns) {
    harness.cost_in_clock_readings = harness.clock_reading_ns;
  } else {
    harness.cost_in_clock_readings = *cost / *harness.clock_reading_ns;
  }
  return harness;
}

}  // namespace stagemark
