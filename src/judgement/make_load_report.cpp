#include "stagemark/judgement/make_load_report.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "stagemark/core/statistics.hpp"
#include "stagemark/load/load_test.hpp"

namespace stagemark {
namespace {

OrReason<double> upper_bound_of(const std::optional<double>& bound) {
  return OrReason<double>::of(bound, "too few queries that hardly depend on one another");
}

OrReason<LatencyReport> latency_report(const std::optional<LatencySummary>& summary) {
  if (!summary) return OrReason<LatencyReport>::absent("no query was answered");
  LatencyReport report;
  report.count = summary->count;
  report.mean = summary->mean;
  report.p50 = summary->p50;
  report.p90 = summary->p90;
  report.p95 = summary->p95;
  report.p99 = summary->p99;
  report.p999 = OrReason<double>::of(summary->p999, "needs 1,000 queries");
  report.max = summary->max;
  report.p90_upper = upper_bound_of(summary->p90_upper);
  report.p95_upper = upper_bound_of(summary->p95_upper);
  report.p99_upper = upper_bound_of(summary->p99_upper);
  report.p999_upper = upper_bound_of(summary->p999_upper);
  return report;
}

LoadPointReport point_report(const LoadPoint& point) {
  LoadPointReport report;
  report.offered_rate = OrReason<double>::of(point.offered_rate, "nothing is offered at a rate");
  report.achieved_rate = point.achieved_rate;
  report.queries = point.queries;
  report.completed = point.completed;
  report.refused = point.refused;
  report.expired = point.expired;
  report.failed = point.failed;
  report.generations = point.generations;
  report.latency = latency_report(point.latency);
  report.queue_wait = latency_report(point.queue_wait);
  report.batch_formation = latency_report(point.batch_formation);
  report.service = latency_report(point.service);
  for (const auto& [size, samples] : point.batch_sizes) report.batch_sizes.emplace_back(std::to_string(size), samples);
  report.utilisation = point.utilisation;
  report.generator_lateness = {point.lateness_p99, point.lateness_max};
  report.verdict = OrReason<LoadVerdict>::of(point.verdict, "no service level was asked for");
  const auto more = point.more ? std::optional(to_seconds(*point.more)) : std::nullopt;
  report.more_seconds = OrReason<double>::of(more, point.verdict == LoadVerdict::undecided
                                                       ? "no time would do: the rate is too near the boundary"
                                                       : "nothing is left open");
  report.reasons = point.reasons;
  return report;
}

CapacityReport capacity_report(const ApproachLoad& load) {
  CapacityReport report;
  const CapacityRange& range = *load.capacity;
  report.rate = OrReason<double>::of(range.passed, "no rate was seen to hold the service level");
  report.upper = OrReason<double>::of(range.failed, "no rate was seen to break the service level");
  report.predicted = load.predicted;
  report.reason = range.reason;
  std::vector<double> logarithms;
  for (const OrReason<double>& capacity : load.capacities) {
    report.by_generation.push_back(capacity.value);
    if (capacity) logarithms.push_back(std::log(*capacity));
  }
  report.estimate = !logarithms.empty() && logarithms.size() == load.capacities.size()
                        ? OrReason(std::exp(mean(logarithms)))
                        : OrReason<double>::absent("not every generation has a capacity");
  return report;
}

ServingReport serving_report(const ServingSettings& serving) {
  ServingReport report;
  report.instances = serving.instances;
  report.threads = serving.threads;
  report.max_batch = serving.max_batch;
  report.max_batch_delay_ms = to_milliseconds(serving.max_batch_delay);
  report.queue_limit = OrReason<std::size_t>::of(serving.queue_limit, "no limit");
  report.deadline_ms =
      serving.deadline ? OrReason(to_milliseconds(*serving.deadline)) : OrReason<double>::absent("none");
  return report;
}

/// Of a load that ended early, or of a level that no rate can hold, there are none, or not as many.
OrReason<CapacityRatio> ratio_of(const ApproachLoad& baseline, const std::string& baseline_name,
                                 const ApproachLoad& candidate, const std::string& candidate_name) {
  const auto has_none = [](const std::string& name, const ApproachLoad& load) {
    return OrReason<CapacityRatio>::absent(name + " has no capacity" +
                                           (load.capacity->reason.empty() ? "" : ": " + load.capacity->reason));
  };
  if (baseline.capacities.empty()) return has_none(baseline_name, baseline);
  if (candidate.capacities.empty()) return has_none(candidate_name, candidate);
  if (baseline.capacities.size() != candidate.capacities.size())
    return OrReason<CapacityRatio>::absent("they were measured in different generations");
  return compare_capacities(baseline.capacities, candidate.capacities);
}

std::vector<CapacityComparison> compare_all(const LoadResult& result, const Report& report) {
  std::vector<CapacityComparison> comparisons;
  std::vector<OrReason<CapacityRatio>> family;
  for (std::size_t i = 1; i < result.loads.size(); ++i) {
    if (!result.loads.front().capacity || !result.loads[i].capacity) continue;
    CapacityComparison& comparison = comparisons.emplace_back();
    comparison.baseline = report.results.front().approach;
    comparison.candidate = report.results[i].approach;
    family.push_back(ratio_of(result.loads.front(), comparison.baseline, result.loads[i], comparison.candidate));
  }
  const std::vector<CapacityDecision> decisions = decide_capacities(family);
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    CapacityRatioReport& ratio = comparisons[i].capacity_ratio;
    comparisons[i].verdict = decisions[i].verdict;
    if (family[i]) {
      ratio = {family[i]->ratio, family[i]->interval, family[i]->p_value, decisions[i].p_adjusted};
    } else {
      comparisons[i].reason = family[i].reason;
      ratio.ratio = ratio.p_value = ratio.p_adjusted = OrReason<double>::absent(family[i].reason);
      ratio.ci95 = OrReason<Interval>::absent(family[i].reason);
    }
  }
  return comparisons;
}

}  // namespace

Report make_load_report(const LoadResult& result, const ReportContext& context) {
  Report report = make_report(result.suite, context);
  const LoadOptions& options = result.options;
  LoadReport& load = report.load.emplace();
  load.scenario = options.scenario;
  const bool is_server = options.scenario == Scenario::server;
  load.arrivals = is_server ? OrReason(options.arrivals)
                            : OrReason<ArrivalKind>::absent("queries arrive when the scenario says so");
  load.service_level = OrReason<ServiceLevelReport>::absent("none was asked for");
  if (options.level)
    load.service_level = ServiceLevelReport{options.level->quantile, to_milliseconds(options.level->bound)};
  load.settings = serving_report(options.serving);
  load.concurrency = options.scenario == Scenario::closed
                         ? OrReason(options.concurrency)
                         : OrReason<std::size_t>::absent("no callers wait for their answers");
  load.samples_per_query = options.scenario == Scenario::multi_stream ? options.samples_per_query : 1;
  load.warmup_ms = to_milliseconds(options.warmup);
  load.duration_ms = to_milliseconds(measured_time(options)) * static_cast<double>(options.generations);
  load.generations = options.generations;
  load.seed = options.seed;
  load.stopped_because = result.stopped_because;
  for (std::size_t i = 0; i < result.loads.size(); ++i) {
    const ApproachLoad& measured = result.loads[i];
    LoadResultReport& one = load.results.emplace_back();
    one.approach = report.results[i].approach;
    one.offline_rate = measured.offline_rate;
    one.unloaded = latency_report(measured.unloaded);
    one.accuracy = report.results[i].accuracy;
    for (const LoadPoint& point : measured.points) one.points.push_back(point_report(point));
    if (measured.capacity) one.capacity = capacity_report(measured);
  }
  load.comparisons = compare_all(result, report);
  return report;
}

}  // namespace stagemark
