#include "load_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <iterator>

#include "sentences.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

constexpr const char* nothing = "n/a";

template <class Value>
std::string digits_or_nothing(const Value& value) {
  return value ? three_digits(*value) : nothing;
}

std::string counted(std::size_t count, const std::string& noun) {
  return thousands(count) + " " + noun + (count == 1 ? "" : "s");
}

/// As it was set: no digit too many.
std::string setting_text(double value) { return significant(value, 6); }
std::string seconds_text(double milliseconds) { return setting_text(milliseconds / 1000) + " s"; }

const std::array<ReportedQuantile, 5> reported_quantiles = {
    {{"p50", [](const LatencyReport& times) { return std::optional(times.p50); }},
     {"p90", [](const LatencyReport& times) { return std::optional(times.p90); }},
     {"p95", [](const LatencyReport& times) { return std::optional(times.p95); }},
     {"p99", [](const LatencyReport& times) { return std::optional(times.p99); }},
     {"p99.9", [](const LatencyReport& times) { return times.p999.value; }}}};

bool any_point(const LoadReport& load, const std::function<bool(const LoadPointReport&)>& holds) {
  return std::ranges::any_of(load.results,
                             [&](const LoadResultReport& result) { return std::ranges::any_of(result.points, holds); });
}

struct Loss {
  const char* name;
  std::size_t LoadPointReport::*count;
};
constexpr std::array<Loss, 3> losses = {{{"refused", &LoadPointReport::refused},
                                         {"expired", &LoadPointReport::expired},
                                         {"failed", &LoadPointReport::failed}}};

/// Those that occur.
std::vector<Loss> losses_of(const LoadReport& load) {
  std::vector<Loss> occurring;
  for (const Loss& loss : losses) {
    if (any_point(load, [&](const LoadPointReport& point) { return point.*loss.count > 0; })) occurring.push_back(loss);
  }
  return occurring;
}

std::size_t lost(const LoadPointReport& point) { return point.refused + point.expired + point.failed; }

struct PointColumn {
  std::string heading;
  std::function<std::string(const LoadPointReport&)> cell;
};

std::vector<PointColumn> point_columns(const LoadReport& load, TableDetail detail) {
  const bool full = detail == TableDetail::full;
  std::vector<PointColumn> columns;
  const auto add = [&](const std::string& heading, std::function<std::string(const LoadPointReport&)> cell) {
    columns.push_back({heading, std::move(cell)});
  };
  const auto time = [&](const std::string& heading, OrReason<LatencyReport> LoadPointReport::*times,
                        std::function<std::optional<double>(const LatencyReport&)> value) {
    add(heading, [times, value = std::move(value)](const LoadPointReport& point) {
      const LatencyReport* shown = shown_times(point, times);
      return shown == nullptr ? nothing : digits_or_nothing(value(*shown));
    });
  };
  const auto mean_of = [](const LatencyReport& times) { return std::optional(times.mean); };

  const auto add_verdict = [&] {
    if (any_point(load, [](const LoadPointReport& point) { return bool(point.verdict); })) {
      add("verdict", [](const LoadPointReport& point) {
        return point.verdict ? std::string(to_string(*point.verdict)) : std::string();
      });
    }
  };

  if (any_point(load, [](const LoadPointReport& point) { return bool(point.offered_rate); })) {
    add("offered", [](const LoadPointReport& point) { return digits_or_nothing(point.offered_rate); });
  }
  add("achieved", [](const LoadPointReport& point) { return three_digits(point.achieved_rate); });
  if (full) add_verdict();  // where it shows, however wide the rest is
  for (const ReportedQuantile& quantile : reported_quantiles) {
    if (quantile.name != "p99.9" || full) time(std::string(quantile.name), &LoadPointReport::latency, quantile.of);
  }
  if (full) {
    time("p99 at most", &LoadPointReport::latency, [](const LatencyReport& times) { return times.p99_upper.value; });
    time("largest", &LoadPointReport::latency, [](const LatencyReport& times) { return std::optional(times.max); });
  }
  time("wait", &LoadPointReport::queue_wait, mean_of);
  if (any_point(load, [](const LoadPointReport& point) {
        return point.batch_formation && point.batch_formation->mean > 0;
      })) {
    time("filling", &LoadPointReport::batch_formation, mean_of);
  }
  time("service", &LoadPointReport::service, mean_of);
  if (load.settings.max_batch > 1) {
    add("batch", [](const LoadPointReport& point) { return digits_or_nothing(mean_batch(point)); });
  }
  add("busy", [](const LoadPointReport& point) { return decimal(100 * point.utilisation, 0) + "%"; });
  if (full) {
    add("lateness", [](const LoadPointReport& point) { return three_digits(point.generator_lateness.p99); });
  }
  if (const std::vector<Loss> occurring = losses_of(load); !occurring.empty()) {
    add(occurring.size() == 1 ? occurring.front().name : "lost",
        [](const LoadPointReport& point) { return thousands(lost(point)); });
  }
  if (!full) add_verdict();
  return columns;
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : between) + part;
  }
  return text;
}

/// Empty where the table says it all.
std::string note_of(const LoadPointReport& point, const std::vector<Loss>& occurring) {
  std::vector<std::string> parts;
  const bool decided = !point.verdict || *point.verdict == LoadVerdict::within || *point.verdict == LoadVerdict::beyond;
  if (!decided) {
    parts = point.reasons;
    if (parts.empty()) parts.emplace_back("no reason is known");
    if (*point.verdict == LoadVerdict::undecided && point.more_seconds)
      parts.push_back("about " + three_digits(*point.more_seconds) + " s more would tell");
    parts.front() = std::string(to_string(*point.verdict)) + ": " + parts.front();
  }
  if (occurring.size() > 1) {
    std::vector<std::string> counts;
    for (const Loss& loss : occurring) {
      if (point.*loss.count > 0) counts.push_back(thousands(point.*loss.count) + " " + loss.name);
    }
    parts.push_back(joined(counts, ", "));
  }
  if (!point.latency && point.verdict != LoadVerdict::unstable) parts.push_back("no latency: " + point.latency.reason);
  std::string text = joined(parts, "; ");
  if (text.empty()) return text;
  return "at " + three_digits(shown_rate(point)) + "/s " + text;
}

const CapacityComparison* of_candidate(const LoadReport& load, std::string_view candidate) {
  const auto found = std::ranges::find(load.comparisons, candidate, &CapacityComparison::candidate);
  return found == load.comparisons.end() ? nullptr : &*found;
}

const Comparison* of_candidate(const std::vector<Comparison>& comparisons, std::string_view candidate) {
  const auto found = std::ranges::find(comparisons, candidate, &Comparison::candidate);
  return found == comparisons.end() ? nullptr : &*found;
}

/// Those of either kind of comparison.
std::vector<std::string> candidates_of(const Report& report) {
  std::vector<std::string> names;
  std::ranges::transform(report.comparisons, std::back_inserter(names), &Comparison::candidate);
  for (const CapacityComparison& comparison : report.load->comparisons) {
    if (of_candidate(report.comparisons, comparison.candidate) == nullptr) names.push_back(comparison.candidate);
  }
  return names;
}

}  // namespace

std::string three_digits(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 999.5 && magnitude < 1e15) {
    return (value < 0 ? "-" : "") + thousands(static_cast<std::uint64_t>(std::llround(magnitude)));
  }
  if (magnitude == 0) return "0";
  const int before_the_point = static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  return decimal(value, std::clamp(3 - before_the_point, 0, 6));
}

std::string service_level_text(const ServiceLevelReport& level) {
  return quantile_name(level.quantile) + " within " + setting_text(level.bound_ms) + " ms";
}

std::string scenario_sentence(const LoadReport& load) {
  std::string text(to_string(load.scenario));
  switch (load.scenario) {
    case Scenario::server:
      if (load.arrivals) {
        text += *load.arrivals == ArrivalKind::trace ? ", recorded arrivals"
                                                     : ", " + std::string(to_string(*load.arrivals)) + " arrivals";
      }
      break;
    case Scenario::closed:
      text += load.concurrency
                  ? ", " + counted(*load.concurrency, "caller") +
                        (*load.concurrency == 1 ? " that waits for each answer" : " that wait for their answers")
                  : ", callers that wait for their answers";
      break;
    case Scenario::multi_stream:
      text += ", one after the other";
      break;
    case Scenario::offline:
      text += ", all queries at once";
      break;
  }
  if (load.samples_per_query > 1) text += ", queries of " + counted(load.samples_per_query, "image");
  if (load.service_level) text += "; " + service_level_text(*load.service_level);
  return text;
}

std::string serving_sentence(const ServingReport& settings) {
  std::string text = counted(settings.instances, "instance") + " x " + counted(settings.threads, "thread");
  if (settings.max_batch == 1) {
    text += ", no batches";
  } else {
    text += ", batches of up to " + thousands(settings.max_batch) +
            (settings.max_batch_delay_ms > 0
                 ? " that wait at most " + setting_text(settings.max_batch_delay_ms) + " ms to fill"
                 : std::string(" that never wait to fill"));
  }
  text += settings.queue_limit ? ", queue of at most " + thousands(*settings.queue_limit) : ", no limit of the queue";
  text += settings.deadline_ms ? ", deadline " + setting_text(*settings.deadline_ms) + " ms" : ", no deadline";
  return text;
}

std::string measuring_sentence(const LoadReport& load) {
  std::string text;
  if (load.generations > 1) {
    text = thousands(load.generations) + " generations of fresh processes x " +
           seconds_text(load.duration_ms / static_cast<double>(load.generations)) + " a point, each";
  } else {
    text = seconds_text(load.duration_ms) + " a point,";
  }
  return text + " after " + seconds_text(load.warmup_ms) + " of warm-up; seed " + std::to_string(load.seed);
}

std::string what_the_scenario_hides(const LoadReport& load) {
  if (load.scenario != Scenario::closed) return "";
  return "A caller that waits sends nothing meanwhile: a stall delays one query of each caller and not all that would "
         "have come (coordinated omission). The scenario server shows those waits.";
}

ReportedQuantile quantile_of_interest(const LoadReport& load) {
  if (load.service_level) {
    const std::string name = quantile_name(load.service_level->quantile);
    for (const ReportedQuantile& quantile : reported_quantiles) {
      if (quantile.name == name) return quantile;
    }
  }
  return reported_quantiles[3];
}

const LatencyReport* shown_times(const LoadPointReport& point, OrReason<LatencyReport> LoadPointReport::*times) {
  // How long a batch takes is the same, however many wait.
  const bool says_nothing =
      point.verdict && *point.verdict == LoadVerdict::unstable && times != &LoadPointReport::service;
  const OrReason<LatencyReport>& value = point.*times;
  return says_nothing || !value ? nullptr : &*value;
}

double shown_rate(const LoadPointReport& point) {
  return point.offered_rate ? *point.offered_rate : point.achieved_rate;
}

std::vector<const LoadPointReport*> by_rate(const LoadResultReport& result) {
  std::vector<const LoadPointReport*> points;
  points.reserve(result.points.size());
  for (const LoadPointReport& point : result.points) points.push_back(&point);
  std::ranges::stable_sort(points, {}, [](const LoadPointReport* point) { return shown_rate(*point); });
  return points;
}

std::optional<double> mean_batch(const LoadPointReport& point) {
  double samples = 0;
  double batches = 0;
  for (const auto& [size, count] : point.batch_sizes) {
    double of_each = 0;
    std::from_chars(size.data(), size.data() + size.size(), of_each);
    if (!(of_each > 0)) continue;
    samples += static_cast<double>(count);
    batches += static_cast<double>(count) / of_each;
  }
  return batches > 0 ? std::optional(samples / batches) : std::nullopt;
}

std::string capacity_text(const std::optional<CapacityReport>& capacity) {
  if (!capacity) return nothing;
  if (capacity->rate && capacity->upper) return three_digits(*capacity->rate) + " to " + three_digits(*capacity->upper);
  if (capacity->rate) return "> " + three_digits(*capacity->rate);
  if (capacity->upper) return "< " + three_digits(*capacity->upper);
  return "none";
}

bool has_capacities(const LoadReport& load) {
  return std::ranges::any_of(load.results, [](const LoadResultReport& result) { return result.capacity.has_value(); });
}

TextTable approaches_table(const LoadReport& load) {
  const ReportedQuantile quantile = quantile_of_interest(load);
  const bool offline = std::ranges::any_of(load.results, [](const auto& result) { return bool(result.offline_rate); });
  const bool unloaded = std::ranges::any_of(load.results, [](const auto& result) { return bool(result.unloaded); });
  const bool capacity = has_capacities(load);
  TextTable table;
  std::vector<std::string>& headings = table.headings = {"approach"};
  if (offline) headings.emplace_back("offline images/s");
  if (unloaded) headings.push_back("unloaded " + std::string(quantile.name) + " ms");
  if (capacity) headings.insert(headings.end(), {"capacity/s", "predicted"});
  headings.emplace_back("accuracy");
  for (const LoadResultReport& result : load.results) {
    std::vector<std::string>& row = table.rows.emplace_back(std::vector{result.approach});
    if (offline) row.push_back(digits_or_nothing(result.offline_rate));
    if (unloaded) row.push_back(result.unloaded ? digits_or_nothing(quantile.of(*result.unloaded)) : nothing);
    if (capacity) {
      row.push_back(capacity_text(result.capacity));
      row.push_back(result.capacity ? digits_or_nothing(result.capacity->predicted) : nothing);
    }
    row.push_back(result.accuracy ? percent(*result.accuracy, 1) : nothing);
  }
  return table;
}

TextTable candidates_table(const Report& report) {
  TextTable table;
  const LoadReport& load = *report.load;
  const bool capacities = !load.comparisons.empty();
  table.headings = capacities ? std::vector<std::string>{"approach", "capacity [95 %]", "p adjusted", "verdict"}
                              : std::vector<std::string>{"approach"};
  table.headings.insert(table.headings.end(), {"accuracy", "flipped"});
  for (const std::string& candidate : candidates_of(report)) {
    std::vector<std::string> row = {candidate};
    if (capacities) {
      const CapacityComparison* compared = of_candidate(load, candidate);
      const CapacityRatioReport* ratio = compared == nullptr ? nullptr : &compared->capacity_ratio;
      row.push_back(ratio != nullptr && ratio->ratio
                        ? ratio_text(*ratio->ratio) + "x" + ratio_interval_text(ratio->ci95)
                        : nothing);
      row.push_back(ratio != nullptr && ratio->p_adjusted ? p_text(*ratio->p_adjusted) : nothing);
      row.push_back(compared == nullptr ? nothing : verdict_text(compared->verdict));
    }
    const Comparison* decisions = of_candidate(report.comparisons, candidate);
    const bool known = decisions != nullptr && decisions->images > 0;
    row.push_back(known && decisions->accuracy_delta_points ? verdict_text(decisions->accuracy_verdict) : nothing);
    row.push_back(known ? thousands(decisions->label_flips.files.size()) + " of " + thousands(decisions->images)
                        : nothing);
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string baseline_of_load(const Report& report) {
  if (!report.comparisons.empty()) return report.comparisons.front().baseline;
  return report.load->comparisons.empty() ? std::string() : report.load->comparisons.front().baseline;
}

TextTable points_table(const LoadReport& load, const LoadResultReport& result, TableDetail detail) {
  TextTable table;
  const std::vector<PointColumn> columns = point_columns(load, detail);
  for (const PointColumn& column : columns) table.headings.push_back(column.heading);
  for (const LoadPointReport* point : by_rate(result)) {
    std::vector<std::string>& row = table.rows.emplace_back();
    for (const PointColumn& column : columns) row.push_back(column.cell(*point));
  }
  return table;
}

std::vector<std::string> load_notes(const LoadReport& load, const LoadResultReport& result) {
  std::vector<std::string> notes;
  if (result.capacity) {
    const CapacityReport& capacity = *result.capacity;
    const bool whole = capacity.rate && capacity.upper;
    const std::string reason = !capacity.reason.empty() || whole ? capacity.reason
                               : !capacity.rate                  ? capacity.rate.reason
                                                                 : capacity.upper.reason;
    if (!reason.empty()) notes.push_back("capacity: " + reason);
  }
  const std::vector<Loss> occurring = losses_of(load);
  for (const LoadPointReport* point : by_rate(result)) {
    if (std::string note = note_of(*point, occurring); !note.empty()) notes.push_back(std::move(note));
  }
  return notes;
}

std::string capacity_sentence(const CapacityComparison& comparison) {
  const CapacityRatioReport& ratio = comparison.capacity_ratio;
  if (!ratio.ratio) {
    return "is not compared in capacity: " + (comparison.reason.empty() ? ratio.ratio.reason : comparison.reason);
  }
  const std::string times = ratio_text(*ratio.ratio) + "×" + ratio_interval_text(ratio.ci95);
  std::string of_baseline = times + " the load of " + comparison.baseline;
  switch (comparison.verdict) {
    case CapacityVerdict::higher:
      return "serves more: " + of_baseline;
    case CapacityVerdict::lower:
      return "serves less: " + of_baseline;
    case CapacityVerdict::no_difference:
      return "serves as much as " + comparison.baseline + ": " + times;
    case CapacityVerdict::inconclusive:
      return "is not told apart in capacity: " + of_baseline;
  }
  return of_baseline;
}

}  // namespace stagemark
