#pragma once

#include <string>
#include <vector>

#include "judgement/made_rounds.hpp"
#include "stagemark/judgement/compare.hpp"

// Load tests made by hand.

namespace stagemark::testing {

inline LatencyReport made_latency(double p50, double p99, std::size_t count = 600) {
  LatencyReport times;
  times.count = count;
  times.mean = p50 + 0.1 * (p99 - p50);
  times.p50 = p50;
  times.p90 = p50 + 0.4 * (p99 - p50);
  times.p95 = p50 + 0.6 * (p99 - p50);
  times.p99 = p99;
  times.p999 = OrReason<double>::absent("1,000 queries are needed");
  times.max = 1.2 * p99;
  times.p90_upper = 1.05 * times.p90;
  times.p95_upper = 1.1 * times.p95;
  times.p99_upper = times.p999_upper = OrReason<double>::absent("too few independent queries");
  return times;
}

/// A load of so many queries a second, all answered, of an engine that takes `service` for a batch.
inline LoadPointReport made_point(double rate, double service, double p99, LoadVerdict verdict) {
  LoadPointReport point;
  point.offered_rate = rate;
  point.achieved_rate = 0.995 * rate;
  point.queries = point.completed = static_cast<std::size_t>(60 * rate);
  point.generations = 5;
  point.latency = made_latency(1.2 * service, p99, point.completed);
  point.queue_wait = made_latency(0.2 * service, p99 - service, point.completed);
  point.batch_formation = made_latency(0.01 * service, 2, point.completed);
  point.service = made_latency(service, 1.3 * service, point.completed);
  point.batch_sizes = {{"1", point.completed / 2}, {"2", point.completed / 4}, {"4", point.completed / 4}};
  point.utilisation = std::min(0.001 * service * rate / 1.6, 1.0);
  point.generator_lateness = {.p99 = 0.05, .max = 0.3};
  point.verdict = verdict;
  point.more_seconds = OrReason<double>::absent("it is decided");
  return point;
}

inline CapacityReport made_capacity(double rate, double upper) {
  CapacityReport capacity;
  capacity.rate = rate;
  capacity.upper = upper;
  capacity.predicted = 1.02 * rate;
  capacity.estimate = 1.01 * rate;
  for (const double factor : {0.99, 1.0, 1.01, 1.02, 1.03}) capacity.by_generation.push_back(factor * rate);
  return capacity;
}

inline LoadResultReport made_load(const std::string& approach, double offline, double service) {
  LoadResultReport result;
  result.approach = approach;
  result.offline_rate = offline;
  result.unloaded = made_latency(service, 1.2 * service);
  result.accuracy = 0.928;
  return result;
}

/// The search of three approaches' capacities: of the first both ends were seen, of the second too, of the third only
/// one. All five verdicts occur, and queries that were refused and that expired.
inline LoadReport made_search() {
  LoadReport load;
  load.arrivals = ArrivalKind::poisson;
  load.service_level = ServiceLevelReport{.quantile = 0.99, .bound_ms = 250};
  load.settings.threads = 2;
  load.settings.max_batch = 4;
  load.settings.max_batch_delay_ms = 2;
  load.settings.queue_limit = std::size_t{64};
  load.settings.deadline_ms = OrReason<double>::absent("none was set");
  load.concurrency = OrReason<std::size_t>::absent("callers do not wait for their answers");
  load.warmup_ms = 5000;
  load.duration_ms = 60'000;
  load.generations = 5;
  load.seed = 7;
  load.stopped_because = "all that was asked for was measured";

  LoadResultReport base = made_load("libtorch-fp32@cpu", 21.3, 52.4);
  base.points = {made_point(6, 52.4, 118, LoadVerdict::within), made_point(12.1, 60.7, 214, LoadVerdict::within),
                 made_point(12.5, 61.2, 249, LoadVerdict::undecided), made_point(12.9, 63, 301, LoadVerdict::beyond),
                 made_point(24, 90, 9800, LoadVerdict::unstable)};
  base.points[2].reasons = {"the share over the bound is 0.96 %, too near to 1 % to tell"};
  base.points[2].more_seconds = 340.0;
  base.points[4].achieved_rate = 21.1;
  base.points[4].reasons = {"of 24 queries a second 21.1 were answered, and the queue still grew at the end"};
  base.points[4].completed -= 130;
  base.points[4].refused = 120;
  base.points[4].expired = 10;
  base.capacity = made_capacity(12.1, 12.9);

  LoadResultReport fast = made_load("libtorch-bf16@cpu", 51.8, 20.9);
  fast.points = {made_point(6, 20.9, 48, LoadVerdict::within), made_point(29, 24.4, 171, LoadVerdict::within),
                 made_point(30.4, 24.8, 266, LoadVerdict::beyond), made_point(24, 22.4, 96, LoadVerdict::invalid)};
  fast.points[3].generator_lateness = {.p99 = 14, .max = 60};
  fast.points[3].reasons = {"the generator was late by 14 ms (p99), more than 5 % of the bound, 250 ms"};
  fast.capacity = made_capacity(29, 30.4);

  LoadResultReport failing = made_load("opencv-fp32@cpu", 3.1, 322);
  failing.points = {made_point(0.31, 322, 390, LoadVerdict::beyond)};
  failing.capacity.emplace();
  failing.capacity->rate = failing.capacity->predicted = failing.capacity->estimate =
      OrReason<double>::absent("the level was not seen to hold");
  failing.capacity->upper = 0.31;
  failing.capacity->by_generation.push_back(std::nullopt);
  failing.capacity->reason = "no rate holds the level: unloaded p99 is 386 ms";

  CapacityComparison higher;
  higher.baseline = base.approach;
  higher.candidate = fast.approach;
  higher.capacity_ratio = {.ratio = 2.38, .ci95 = Interval{2.29, 2.47}, .p_value = 1e-6, .p_adjusted = 2e-6};
  higher.verdict = CapacityVerdict::higher;
  CapacityComparison untold;
  untold.baseline = base.approach;
  untold.candidate = failing.approach;
  untold.reason = "no generation of opencv-fp32@cpu has a capacity";
  const auto no_value = OrReason<double>::absent(untold.reason);
  untold.capacity_ratio = {.ratio = no_value,
                           .ci95 = OrReason<Interval>::absent(untold.reason),
                           .p_value = no_value,
                           .p_adjusted = no_value};
  load.comparisons = {higher, untold};
  load.results = {base, fast, failing};
  return load;
}

/// The report of `made_search`, its images classified and nothing timed.
inline Report report_of_search() {
  Made fast;
  fast.wrong = {3, 8};
  Report report = report_of({{"libtorch-fp32@cpu", {}}, {"libtorch-bf16@cpu", fast}, {"opencv-fp32@cpu", {}}});
  const std::string why = "calls under load are not timed one by one";
  for (ApproachReport& result : report.results) {
    result.stages.clear();
    result.rounds.clear();
    result.per_image.stages_ns.clear();
    result.total_time_ms = result.throughput_images_per_second = result.unattributed_mean =
        OrReason<double>::absent(why);
    result.drift = {};
    result.warnings.clear();
    result.specification = result.approach;
  }
  report.environment.warnings.clear();  // of the machine that tests
  report.results[1].warnings = {"BF16 is emulated on this CPU"};
  compare_approaches(report);
  report.load = made_search();
  for (std::size_t i = 0; i < report.results.size(); ++i) report.load->results[i].accuracy = report.results[i].accuracy;
  return report;
}

/// Callers that wait for their answers.
inline Report report_of_closed_loop() {
  Report report;
  LoadReport& load = report.load.emplace();
  load.scenario = Scenario::closed;
  load.arrivals = OrReason<ArrivalKind>::absent("callers wait for their answers");
  load.service_level = OrReason<ServiceLevelReport>::absent("none was asked for");
  load.settings.queue_limit = OrReason<std::size_t>::absent("none was set");
  load.settings.deadline_ms = OrReason<double>::absent("none was set");
  load.concurrency = std::size_t{4};
  load.generations = 1;
  load.duration_ms = 10'000;
  LoadResultReport only = made_load("only", 40, 25);
  only.points = {made_point(38, 25, 110, LoadVerdict::within)};
  only.points[0].offered_rate = OrReason<double>::absent("callers wait for their answers");
  only.points[0].verdict = OrReason<LoadVerdict>::absent("there is no service level");
  load.results = {only};
  return report;
}

}  // namespace stagemark::testing
