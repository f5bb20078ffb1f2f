#include "format/html/load_charts.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "format/load_text.hpp"

namespace stagemark {
namespace {

using LoadJson = nlohmann::ordered_json;

template <class Value>
LoadJson value_or_null(const Value& value) {
  return value ? LoadJson(*value) : LoadJson();
}

/// Of a logarithmic axis, which has no zero.
LoadJson if_above_zero(std::optional<double> value) { return value && *value > 0 ? LoadJson(*value) : LoadJson(); }

/// Rate, median and the quantile of interest.
LoadJson latencies_of(const LoadReport& load, const LoadResultReport& result) {
  const ReportedQuantile quantile = quantile_of_interest(load);
  LoadJson points = LoadJson::array();
  for (const LoadPointReport* point : by_rate(result)) {
    if (const LatencyReport* latency = shown_times(*point, &LoadPointReport::latency))
      points.push_back({shown_rate(*point), if_above_zero(latency->p50), if_above_zero(quantile.of(*latency))});
  }
  return points;
}

/// Batches of like size: from the one above the last to this one, without end in the last.
constexpr std::array<std::size_t, 7> largest_of_class = {1, 2, 4, 8, 16, 32, 64};

std::size_t class_of(std::string_view size) {
  std::size_t value = 0;
  std::from_chars(size.data(), size.data() + size.size(), value);
  return static_cast<std::size_t>(
      std::ranges::count_if(largest_of_class, [&](std::size_t largest) { return largest < value; }));
}

std::string name_of_class(std::size_t index) {
  if (index == largest_of_class.size()) return "above " + std::to_string(largest_of_class.back());
  const std::size_t last = largest_of_class[index];
  const std::size_t first = index == 0 ? 1 : largest_of_class[index - 1] + 1;
  return first == last ? std::to_string(last) : std::to_string(first) + " to " + std::to_string(last);
}

LoadJson shares_by_class(const LoadPointReport& point, std::size_t classes) {
  std::vector<double> samples(classes, 0);
  double all = 0;
  for (const auto& [size, count] : point.batch_sizes) {
    samples[std::min(class_of(size), classes - 1)] += static_cast<double>(count);
    all += static_cast<double>(count);
  }
  LoadJson shares = LoadJson::array();
  for (const double count : samples) shares.push_back(all > 0 ? 100 * count / all : 0);
  return shares;
}

LoadJson mean_or_null(const OrReason<LatencyReport>& times) { return times ? LoadJson(times->mean) : LoadJson(); }

}  // namespace

std::vector<LoadBar> load_bars(const LoadReport& load) {
  constexpr std::size_t most_bars = 24;  // higher than that no screen shows them
  const std::size_t of_each = std::max<std::size_t>(most_bars / std::max<std::size_t>(load.results.size(), 1), 1);
  std::vector<LoadBar> bars;
  for (const LoadResultReport& result : load.results) {
    std::vector<const LoadPointReport*> points;
    for (const LoadPointReport* point : by_rate(result)) {
      if (shown_times(*point, &LoadPointReport::queue_wait) != nullptr) points.push_back(point);
    }
    const std::size_t shown = std::min(of_each, points.size());
    // Evenly spaced, the highest rate among them.
    for (std::size_t i = 1; i <= shown; ++i) bars.push_back({result.approach, points[i * points.size() / shown - 1]});
  }
  return bars;
}

bool has_latencies(const LoadReport& load) {
  return std::ranges::any_of(load.results,
                             [&](const LoadResultReport& result) { return !latencies_of(load, result).empty(); });
}

LoadJson load_charts(const LoadReport& load) {
  LoadJson data;
  data["quantile"] = std::string(quantile_of_interest(load).name);
  data["bound"] = load.service_level ? LoadJson(load.service_level->bound_ms) : LoadJson();
  data["level"] = load.service_level ? service_level_text(*load.service_level) : std::string();
  const bool offered = std::ranges::any_of(load.results, [](const LoadResultReport& result) {
    return std::ranges::any_of(result.points, [](const LoadPointReport& point) { return bool(point.offered_rate); });
  });
  data["rate"] = offered ? "offered" : "achieved";
  data["approaches"] = LoadJson::array();
  for (const LoadResultReport& result : load.results) {
    const CapacityReport capacity = result.capacity.value_or(CapacityReport{});
    data["approaches"].push_back({{"name", result.approach},
                                  {"points", latencies_of(load, result)},
                                  {"capacity", {value_or_null(capacity.rate), value_or_null(capacity.upper)}}});
  }
  const std::size_t classes = class_of(std::to_string(load.settings.max_batch)) + 1;
  data["batch_sizes"] = LoadJson::array();
  for (std::size_t i = 0; i < classes; ++i) data["batch_sizes"].push_back(name_of_class(i));
  data["bars"] = LoadJson::array();
  for (const LoadBar& bar : load_bars(load)) {
    data["bars"].push_back({{"label", {bar.approach, "at " + three_digits(shown_rate(*bar.point)) + "/s"}},
                            {"wait", mean_or_null(bar.point->queue_wait)},
                            {"filling", mean_or_null(bar.point->batch_formation)},
                            {"service", mean_or_null(bar.point->service)},
                            {"shares", shares_by_class(*bar.point, classes)}});
  }
  return data;
}

}  // namespace stagemark
