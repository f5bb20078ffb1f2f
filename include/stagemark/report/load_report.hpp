#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/or_reason.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/load/arrivals.hpp"
#include "stagemark/load/capacity.hpp"
#include "stagemark/load/load_point.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/report/column.hpp"

namespace stagemark {

// What a load test found, as plain data: the part `load` of a report. Rates are queries a second, times milliseconds
// unless the name says otherwise. What is known of the approaches themselves, of their accuracy and of how they differ in
// it stands in `results` and `comparisons` of the report, as for a run; only that no call is timed there.

struct ServiceLevelReport {
  double quantile = 0.99;
  double bound_ms = 0;

  bool operator==(const ServiceLevelReport&) const = default;
};

/// How every approach was served.
struct ServingReport {
  std::size_t instances = 1;
  std::size_t threads = 1;  ///< of each
  std::size_t max_batch = 1;
  double max_batch_delay_ms = 0;
  OrReason<std::size_t> queue_limit;
  OrReason<double> deadline_ms;

  bool operator==(const ServingReport&) const = default;
};

/// Times of queries, or of their samples: `LatencySummary`.
struct LatencyReport {
  std::size_t count = 0;
  double mean = 0;
  double p50 = 0, p90 = 0, p95 = 0, p99 = 0;
  OrReason<double> p999;
  double max = 0;
  OrReason<double> p90_upper, p95_upper, p99_upper, p999_upper;  ///< one-sided 95 % bounds, for correlated waits

  bool operator==(const LatencyReport&) const = default;
};

/// How late the generator sent its queries.
struct LatenessReport {
  double p99 = 0;
  double max = 0;

  bool operator==(const LatenessReport&) const = default;
};

/// One load: `LoadPoint`.
struct LoadPointReport {
  OrReason<double> offered_rate;
  double achieved_rate = 0;
  std::size_t queries = 0;
  std::size_t completed = 0, refused = 0, expired = 0, failed = 0;
  std::size_t generations = 0;      ///< of fresh processes, whose queries are pooled
  OrReason<LatencyReport> latency;  ///< from the scheduled arrival to the answer
  OrReason<LatencyReport> queue_wait, batch_formation, service;
  NamedValues<std::size_t> batch_sizes;  ///< samples by the size of their batch
  double utilisation = 0;                ///< mean share of the instances that is busy
  LatenessReport generator_lateness;
  OrReason<LoadVerdict> verdict;
  OrReason<double> more_seconds;  ///< of `undecided`: how much longer to measure
  std::vector<std::string> reasons;

  bool operator==(const LoadPointReport&) const = default;
};

/// The highest rate at which the service level holds.
struct CapacityReport {
  OrReason<double> rate;         ///< the highest that was seen to hold it
  OrReason<double> upper;        ///< the lowest that was seen not to
  OrReason<double> predicted;    ///< by a replay of measured service times
  OrReason<double> estimate;     ///< geometric mean of the generations' capacities
  Column<double> by_generation;  ///< where each generation's share of late queries crosses the allowed one
  std::string reason;            ///< why an end is absent or far off; else empty

  bool operator==(const CapacityReport&) const = default;
};

/// All about one approach under load.
struct LoadResultReport {
  std::string approach;
  OrReason<double> offline_rate;     ///< images a second, all queries at once
  OrReason<LatencyReport> unloaded;  ///< latency of one caller that waits for each answer
  OrReason<double> accuracy;         ///< of the very same inferences, each image once
  std::vector<LoadPointReport> points;
  std::optional<CapacityReport> capacity;  ///< where it was searched

  bool operator==(const LoadResultReport&) const = default;
};

/// Capacity of the candidate / capacity of the baseline: above 1 the candidate serves more.
struct CapacityRatioReport {
  OrReason<double> ratio;
  OrReason<Interval> ci95;
  OrReason<double> p_value;
  OrReason<double> p_adjusted;  ///< Holm

  bool operator==(const CapacityRatioReport&) const = default;
};

struct CapacityComparison {
  std::string baseline;
  std::string candidate;
  CapacityRatioReport capacity_ratio;
  CapacityVerdict verdict = CapacityVerdict::inconclusive;
  std::string reason;  ///< of `inconclusive`; else empty

  bool operator==(const CapacityComparison&) const = default;
};

struct LoadReport {
  Scenario scenario = Scenario::server;
  OrReason<ArrivalKind> arrivals;  ///< of the scenario `server`
  OrReason<ServiceLevelReport> service_level;
  ServingReport settings;
  OrReason<std::size_t> concurrency;  ///< callers that wait for their answers
  std::size_t samples_per_query = 1;
  double warmup_ms = 0;    ///< of arrivals that are sent and not counted, in each generation
  double duration_ms = 0;  ///< of a point, over all generations
  std::size_t generations = 0;
  std::uint64_t seed = 0;
  std::string stopped_because;  ///< why not all was measured that was planned; else empty
  std::vector<LoadResultReport> results;
  std::vector<CapacityComparison> comparisons;  ///< one per candidate where capacities were searched

  bool operator==(const LoadReport&) const = default;
};

}  // namespace stagemark
