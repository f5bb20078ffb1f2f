#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/report/report.hpp"

// What a load test says, in words and tables, for every format that people read. Rates are queries a second, times
// milliseconds.

namespace stagemark {

/// Headings and rows of as many cells, the first of which are names.
struct TextTable {
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
};

/// A rate or a time of a load with three digits that count: `0.0123`, `12.1`, `1,234`.
std::string three_digits(double value);

/// "p99 within 50 ms".
std::string service_level_text(const ServiceLevelReport& level);

/// How queries came, and what was promised: "server, poisson arrivals; p99 within 50 ms".
std::string scenario_sentence(const LoadReport& load);

/// "2 instances x 1 thread, batches of up to 8 that wait at most 2 ms, no limit of the queue, no deadline".
std::string serving_sentence(const ServingReport& settings);

/// "5 generations of fresh processes x 12 s a point, each after 5 s of warm-up; seed 1".
std::string measuring_sentence(const LoadReport& load);

/// What the load cannot show, by its scenario; empty where there is nothing to say.
std::string what_the_scenario_hides(const LoadReport& load);

/// A quantile that latencies are reported at.
struct ReportedQuantile {
  std::string_view name;
  std::optional<double> (*of)(const LatencyReport&);
};

/// That of the service level, else p99.
ReportedQuantile quantile_of_interest(const LoadReport& load);

/// One of the point's times; null where there is none or where it says nothing, because the queue grew without end.
const LatencyReport* shown_times(const LoadPointReport& point, OrReason<LatencyReport> LoadPointReport::*times);

/// By which a point is known: what was offered, or achieved where callers wait for their answers.
double shown_rate(const LoadPointReport& point);

/// The result's points from the lowest rate to the highest.
std::vector<const LoadPointReport*> by_rate(const LoadResultReport& result);

/// Mean size of the batches; absent where there were none.
std::optional<double> mean_batch(const LoadPointReport& point);

/// "12.1 to 12.9": the highest rate that held the level and the lowest that did not; "> 12.1", "< 12.9", "none".
std::string capacity_text(const std::optional<CapacityReport>& capacity);

bool has_capacities(const LoadReport& load);

/// One row per approach: what it serves, as far as it was measured.
TextTable approaches_table(const LoadReport& load);

/// One row per candidate: its capacity and its decisions against the baseline's. Empty where there is no candidate.
TextTable candidates_table(const Report& report);
/// The baseline of these; empty where there is no candidate.
std::string baseline_of_load(const Report& report);

enum class TableDetail : bool { brief, full };

/// One row per point of the result, with the same columns for every result of the load.
TextTable points_table(const LoadReport& load, const LoadResultReport& result, TableDetail detail);

/// What to read beside the table of an approach, a sentence each: why its capacity has an end that is absent or far off,
/// and of points why they are undecided, unstable or invalid, and what they lost.
std::vector<std::string> load_notes(const LoadReport& load, const LoadResultReport& result);

/// How much the candidate serves: "serves more: 2.400× [2.210, 2.600] the load of base".
std::string capacity_sentence(const CapacityComparison& comparison);

}  // namespace stagemark
