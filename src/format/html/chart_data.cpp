#include "format/html/chart_data.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "format/curves.hpp"
#include "format/html/load_charts.hpp"
#include "format/html/page.hpp"
#include "judgement/paired_inferences.hpp"

namespace stagemark {
namespace {

using Json = nlohmann::ordered_json;

/// More points than a screen has columns show nothing more.
constexpr std::size_t most_points = 600;

/// Scores of the first inference of each image.
std::vector<ScoredImage> scores_of(const ApproachReport& result, const DatasetReport& dataset) {
  if (dataset.classes.size() != 2) return {};
  const Pair itself = pair_by_image(result, result);
  return paired_scores(itself, first_inferences(itself), dataset).baseline;
}

std::vector<double> sorted_totals(const ApproachReport& result) {
  std::vector<double> values;
  const auto column = result.per_image.stages_ns.find(Stage::total);
  if (column == result.per_image.stages_ns.end()) return values;
  std::optional<std::uint32_t> last_call;
  for (std::size_t row = 0; row < column->second.size(); ++row) {
    const auto call = result.per_image.call[row];
    if (call && std::exchange(last_call, call) == call) continue;
    if (const auto time = column->second[row]) values.push_back(static_cast<double>(*time) / 1e6);
  }
  std::ranges::sort(values);
  return values;
}

Json pairs(const std::vector<CurvePoint>& points) {
  Json json = Json::array();
  for (const CurvePoint& point : points) json.push_back({point.x, point.y});
  return json;
}

struct TimeUnit {
  const char* name;
  double per_millisecond;
};

/// In which the axes of time have few zeros.
TimeUnit time_unit_for(const Report& report) {
  double longest = 0;
  for (const ApproachReport& result : report.results) {
    if (has_times(result)) longest = std::max(longest, result.stages.at(Stage::total).p99);
  }
  if (longest >= 10'000) return {"s", 0.001};
  return longest >= 0.1 ? TimeUnit{"ms", 1} : TimeUnit{"µs", 1000};
}

/// Where a new generation of processes began, having warmed up, as places between rounds.
Json generation_starts(const Report& report) {
  std::map<std::size_t, std::size_t> first_rounds;
  for (const ApproachReport& result : report.results) {
    for (const RoundReport& round : result.rounds) {
      const auto [first, added] = first_rounds.emplace(round.process, round.index);
      first->second = std::min(first->second, round.index);
    }
  }
  Json starts = Json::array();
  for (const auto& [process, round] : first_rounds) starts.push_back(static_cast<double>(round) + 0.5);
  return starts;
}

void add_times(Json& approach, const ApproachReport& result, const TimeUnit& unit) {
  for (const Stage stage : parts_of(result)) {
    approach["parts"][std::string(to_string(stage))] = unit.per_millisecond * result.stages.at(stage).mean;
  }
  if (result.unattributed_mean)
    approach["parts"]["unattributed"] = unit.per_millisecond * std::max(0.0, *result.unattributed_mean);
  const StageStatistics& total = result.stages.at(Stage::total);
  approach["total"] = page_time(total.mean);
  if (const auto waits = result.stages.find(Stage::total_with_waits); waits != result.stages.end())
    approach["total"] = page_time(total.mean) + " (with waits " + page_time(waits->second.mean) + ")";
  approach["median"] = unit.per_millisecond * total.median;
  approach["median_interval"] = nullptr;
  if (total.ci95_median)
    approach["median_interval"] = {unit.per_millisecond * total.ci95_median->low,
                                   unit.per_millisecond * total.ci95_median->high};
  std::vector<double> totals = sorted_totals(result);
  for (double& time : totals) time *= unit.per_millisecond;
  approach["distribution"] = pairs(empirical_distribution(totals, most_points));
  approach["quantiles"] = Json::array();
  const auto quantile = [&](double p, double value, double lower, const OrReason<double>& upper) {
    approach["quantiles"].push_back({{"p", p},
                                     {"value", unit.per_millisecond * value},
                                     {"lower", unit.per_millisecond * lower},
                                     {"upper", upper ? Json(unit.per_millisecond * *upper) : Json()}});
  };
  quantile(0.5, total.p50, total.ci95_median ? total.ci95_median->low : total.p50,
           total.ci95_median ? OrReason<double>(total.ci95_median->high) : OrReason<double>());
  quantile(0.95, total.p95, total.p95, total.p95_upper);
  quantile(0.99, total.p99, total.p99, total.p99_upper);
  std::vector<CurvePoint> over_time;
  for (const RoundReport& round : result.rounds) {
    if (round.total_median)
      over_time.push_back({static_cast<double>(round.index + 1), unit.per_millisecond * *round.total_median});
  }
  approach["over_time"] = pairs(thinned(std::move(over_time), most_points));
}

Json data_of(const Report& report) {
  Json data;
  const TimeUnit unit = time_unit_for(report);
  data["time_unit"] = unit.name;
  data["stages"] = Json::array();
  std::set<std::string> seen;
  const auto add_stage = [&](const std::string& name) {
    if (seen.insert(name).second) data["stages"].push_back(name);
  };
  data["generations"] = generation_starts(report);
  if (report.load) data["load"] = load_charts(*report.load);
  data["approaches"] = Json::array();
  for (const ApproachReport& result : report.results) {
    // Of a load test there are no times, and yet curves.
    if (!has_times(result) && !report.load) continue;
    Json approach;
    approach["name"] = result.approach;
    if (has_times(result)) {
      add_times(approach, result, unit);
      for (const Stage stage : parts_of(result)) add_stage(std::string(to_string(stage)));
    }
    approach["accuracy"] = nullptr;
    if (result.accuracy && result.accuracy_metrics.ci95.accuracy) {
      approach["accuracy"] = {{"value", 100 * *result.accuracy},
                              {"low", 100 * result.accuracy_metrics.ci95.accuracy->low},
                              {"high", 100 * result.accuracy_metrics.ci95.accuracy->high}};
    }
    const std::vector<ScoredImage> scores = scores_of(result, report.dataset);
    approach["roc"] = pairs(thinned(roc_curve(scores), most_points));
    approach["precision_recall"] = pairs(thinned(precision_recall_curve(scores), most_points));
    approach["reliability"] = Json::array();
    for (const ReliabilityBin& bin : reliability_curve(scores)) {
      approach["reliability"].push_back({bin.mean_probability, bin.share_positive});
    }
    data["approaches"].push_back(std::move(approach));
  }
  if (!report.load && !data["approaches"].empty()) add_stage("unattributed");
  return data;
}

/// Within a script element nothing may look like its end.
std::string script_text(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

bool has_times(const ApproachReport& result) { return result.stages.contains(Stage::total); }

std::vector<Stage> parts_of(const ApproachReport& result) {
  return timed_parts_of_total([&](Stage stage) { return result.stages.contains(stage); });
}

std::string chart_data(const Report& report) { return script_text(data_of(report)); }

}  // namespace stagemark
