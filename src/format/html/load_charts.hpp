#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// A point whose time and batches are shown as bars: not all of them, where there are many.
struct LoadBar {
  std::string approach;
  const LoadPointReport* point = nullptr;
};
std::vector<LoadBar> load_bars(const LoadReport& load);

/// Whether there is a latency to draw.
bool has_latencies(const LoadReport& load);

/// What the charts of the load draw.
nlohmann::ordered_json load_charts(const LoadReport& load);

}  // namespace stagemark
