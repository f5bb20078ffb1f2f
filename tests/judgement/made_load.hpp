#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "judgement/made_rounds.hpp"
#include "stagemark/report/load_report.hpp"
#include "stagemark/report/report.hpp"

// Load tests made by hand.

namespace stagemark::testing {

struct MadeLoad {
  std::string name;
  std::vector<double> capacities;       ///< of each generation; none: the capacity was not searched
  std::vector<std::size_t> wrong = {};  ///< of 150 images
};

/// The capacity as a search over those of the generations would report it.
inline CapacityReport made_capacity(const std::vector<double>& capacities) {
  CapacityReport capacity;
  for (const double of_generation : capacities) capacity.by_generation.push_back(of_generation);
  capacity.estimate = capacities.front();
  capacity.rate = 0.98 * capacities.front();
  capacity.upper = 1.02 * capacities.front();
  return capacity;
}

/// A load that found `verdict` at so many queries a second.
inline LoadPointReport made_point(double rate, LoadVerdict verdict, double p99) {
  LoadPointReport point;
  point.offered_rate = rate;
  LatencyReport latency;
  latency.p99 = p99;
  point.latency = latency;
  point.verdict = verdict;
  return point;
}

/// Measured for p99=50ms. As of a load, no call is timed and each image was inferred once, in round 0.
inline Report load_of(const std::vector<MadeLoad>& approaches) {
  std::vector<std::pair<std::string, Made>> made;
  for (const MadeLoad& one : approaches) made.emplace_back(one.name, Made{.wrong = one.wrong, .fails_on = {}});
  Report report = report_of(made);
  report.comparisons.clear();
  report.load.emplace();
  report.load->service_level = ServiceLevelReport{.quantile = 0.99, .bound_ms = 50};
  for (std::size_t i = 0; i < approaches.size(); ++i) {
    ApproachReport& result = report.results[i];
    result.stages.clear();
    result.rounds.clear();
    result.total_time_ms = OrReason<double>::absent("no call is timed under load");
    PerImage& images = result.per_image;
    images.stages_ns.clear();
    for (Column<std::uint32_t>* column : {&images.round, &images.process}) {
      const std::size_t rows = column->size();
      column->clear();
      for (std::size_t row = 0; row < rows; ++row) column->push_back(0);
    }
    LoadResultReport under_load;
    under_load.approach = approaches[i].name;
    if (!approaches[i].capacities.empty()) under_load.capacity = made_capacity(approaches[i].capacities);
    report.load->results.push_back(std::move(under_load));
  }
  return report;
}

}  // namespace stagemark::testing
