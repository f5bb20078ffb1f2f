#include "load_gate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "stagemark/core/duration.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/load/capacity.hpp"

namespace stagemark {
namespace {

std::string rate_text(double rate) { return significant(rate, 4); }

const LoadResultReport& result_under_load(const LoadReport& load, const std::string& approach) {
  const auto found = std::ranges::find(load.results, approach, &LoadResultReport::approach);
  if (found == load.results.end()) refuse("approach '" + approach + "' has no result under load", "measure it again");
  return *found;
}

const CapacityReport& searched_capacity(const LoadReport& load, const std::string& approach,
                                        const std::string& way_out) {
  const LoadResultReport& result = result_under_load(load, approach);
  if (!result.capacity) {
    refuse("the capacity of '" + approach + "' was not searched",
           "load it with `service_level` and without `rates`, or judge " + way_out);
  }
  return *result.capacity;
}

/// Why there is less to be told of a capacity than one would like; empty where nothing is known of it.
std::string why_unknown(const CapacityReport& capacity) {
  for (const std::string* reason : {&capacity.reason, &capacity.estimate.reason}) {
    if (!reason->empty()) return *reason;
  }
  return "its share of late queries does not cross the allowed one in each generation";
}

std::vector<OrReason<double>> by_generation(const CapacityReport& capacity) {
  std::vector<OrReason<double>> capacities;
  for (std::size_t i = 0; i < capacity.by_generation.size(); ++i) {
    capacities.push_back(OrReason<double>::of(capacity.by_generation[i], why_unknown(capacity)));
  }
  return capacities;
}

double geometric_mean(const std::vector<OrReason<double>>& values) {
  double sum = 0;
  for (const OrReason<double>& value : values) sum += std::log(*value);
  return std::exp(sum / static_cast<double>(values.size()));
}

/// Why the generations of two approaches cannot be compared; empty where they can.
std::string why_not_comparable(const std::vector<OrReason<double>>& before, const std::vector<OrReason<double>>& after,
                               const CapacityReport& baseline, const CapacityReport& candidate) {
  if (before.empty()) return "the baseline's capacity is unknown: " + why_unknown(baseline);
  if (after.empty()) return "its capacity is unknown: " + why_unknown(candidate);
  if (before.size() != after.size()) {
    return "the baseline has capacities of " + std::to_string(before.size()) + " generations and the candidate of " +
           std::to_string(after.size());
  }
  return compare_capacities(before, after).reason;
}

/// What the search saw: "holds the service level at 14 queries a second, fails it at 15".
std::string seen_of(const CapacityReport& capacity) {
  if (!capacity.rate && !capacity.upper) return "was not seen to hold or to fail the service level";
  std::string sentence = capacity.rate ? "holds the service level at " + rate_text(*capacity.rate) + " queries a second"
                                       : "was not seen to hold the service level";
  sentence += capacity.upper ? ", fails it at " + rate_text(*capacity.upper) : ", was not seen to fail it";
  return capacity.rate ? sentence : sentence + " queries a second";
}

PendingCheck check_min_capacity(const CapacityReport& capacity, const std::string& approach, double needed) {
  PendingCheck pending;
  pending.check.candidate = approach;
  pending.check.metric = "capacity:min";
  pending.check.finding = seen_of(capacity) + ", needed " + rate_text(needed);
  if (capacity.rate && *capacity.rate >= needed) {
    pending.check.outcome = GateOutcome::pass;
  } else if (capacity.upper && *capacity.upper <= needed) {
    pending.check.outcome = GateOutcome::fail;
  } else if (!capacity.reason.empty()) {
    pending.check.finding += "; " + capacity.reason;
  }
  return pending;
}

GateOutcome outcome_of(const OrReason<LoadVerdict>& verdict) {
  if (!verdict) return GateOutcome::inconclusive;
  switch (*verdict) {
    case LoadVerdict::within:
      return GateOutcome::pass;
    case LoadVerdict::beyond:
    case LoadVerdict::unstable:
      return GateOutcome::fail;
    case LoadVerdict::undecided:
    case LoadVerdict::invalid:
      return GateOutcome::inconclusive;
  }
  return GateOutcome::inconclusive;
}

/// The latency that the level is about, where the report holds it.
std::optional<double> latency_at(const LatencyReport& latency, double quantile) {
  const std::array<std::pair<double, std::optional<double>>, 5> known = {
      {{0.5, latency.p50}, {0.9, latency.p90}, {0.95, latency.p95}, {0.99, latency.p99}, {0.999, latency.p999.value}}};
  for (const auto& [of, value] : known) {
    if (std::abs(of - quantile) < 1e-9) return value;
  }
  return std::nullopt;
}

PendingCheck check_point(const LoadPointReport& point, const std::string& approach, const ServiceLevel& level) {
  PendingCheck pending;
  GateCheck& check = pending.check;
  check.candidate = approach;
  check.metric = "service_level";
  if (point.offered_rate) check.metric += ":" + rate_text(*point.offered_rate) + "/s";
  check.outcome = outcome_of(point.verdict);
  check.finding = point.verdict ? std::string(to_string(*point.verdict)) : "no verdict: " + point.verdict.reason;
  // Latencies of a queue that grows without end say nothing.
  if (point.latency && point.verdict.value != LoadVerdict::unstable) {
    if (const auto latency = latency_at(*point.latency, level.quantile)) {
      check.finding += ", " + quantile_name(level.quantile) + " " + significant(*latency, 4) + " ms";
    }
  }
  check.finding += ", allowed " + to_string(level);
  for (const std::string& reason : point.reasons) check.finding += "; " + reason;
  if (point.more_seconds) check.finding += "; deciding takes about " + significant(*point.more_seconds, 3) + " s more";
  return pending;
}

}  // namespace

void expect_measured_for(const LoadReport& load, const ServiceLevel& level) {
  const std::string remedy = "load it again with `service_level` " + to_string(level);
  if (!load.service_level) refuse("the load test had no service level to judge " + to_string(level) + " by", remedy);
  const ServiceLevel measured{.quantile = load.service_level->quantile,
                              .bound = Nanoseconds(std::llround(load.service_level->bound_ms * 1e6))};
  // .999 may have been written with fewer digits than it was computed with.
  if (std::abs(measured.quantile - level.quantile) < 1e-9 && measured.bound == level.bound) return;
  refuse("the load test was measured for " + to_string(measured) + ", not for " + to_string(level), remedy);
}

PendingCheck check_capacity_drop(const LoadReport& load, const std::string& baseline_name,
                                 const std::string& candidate_name, double drop) {
  const std::string without_comparison = "with `max_capacity_drop` off";
  const CapacityReport& baseline = searched_capacity(load, baseline_name, without_comparison);
  const CapacityReport& candidate = searched_capacity(load, candidate_name, without_comparison);
  PendingCheck pending;
  pending.check.candidate = candidate_name;
  pending.check.metric = "capacity:drop";
  std::string& finding = pending.check.finding;
  const std::string allowed = ", allowed " + signed_percent(-drop, 2);
  const std::vector<OrReason<double>> before = by_generation(baseline);
  const std::vector<OrReason<double>> after = by_generation(candidate);
  if (const std::string reason = why_not_comparable(before, after, baseline, candidate); !reason.empty()) {
    // The ends that were seen tell enough where the candidate holds the level nowhere.
    if (baseline.rate && !candidate.rate && candidate.upper && *candidate.upper <= (1 - drop) * *baseline.rate) {
      pending.check.outcome = GateOutcome::fail;
      finding = seen_of(candidate) + ", where the baseline holds it at " + rate_text(*baseline.rate) + allowed;
    } else {
      finding = reason + allowed;
    }
    return pending;
  }
  const OrReason<CapacityRatio> compared = compare_capacities(before, after);
  pending.test = *test_capacity_drop(before, after, drop);
  finding = "capacity " + rate_text(geometric_mean(after)) + " after " + rate_text(geometric_mean(before)) +
            " queries a second, " + signed_percent(compared->ratio - 1, 2) + " [" +
            signed_percent(compared->interval.low - 1, 2) + ", " + signed_percent(compared->interval.high - 1, 2) +
            "]" + allowed;
  return pending;
}

void add_checks_of_one(const LoadReport& load, const std::string& approach, const GateCriteria& criteria,
                       std::vector<PendingCheck>& pending) {
  if (criteria.min_capacity) {
    pending.push_back(check_min_capacity(searched_capacity(load, approach, "without `min_capacity`"), approach,
                                         *criteria.min_capacity));
  }
  if (!criteria.service_level) return;
  const LoadResultReport& result = result_under_load(load, approach);
  if (result.capacity) return;  // its points were chosen to be on either side of the level
  if (result.points.empty()) refuse("no load of '" + approach + "' was measured", "load it again");
  for (const LoadPointReport& point : result.points) {
    pending.push_back(check_point(point, approach, *criteria.service_level));
  }
}

}  // namespace stagemark
