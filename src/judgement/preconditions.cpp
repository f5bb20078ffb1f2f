#include "preconditions.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <variant>

#include "report/column_check.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

/// A drop, as a proportion. Below 1, because a drop by everything is no limit.
void expect_share(double value, const std::string& parameter) { expect_within(value, 0, 1, false, parameter); }

/// A slowdown or a difference of speed, as a ratio less one. A hundredfold is more than anybody means.
void expect_ratio(double value, const std::string& parameter) { expect_within(value, 0, 100, true, parameter); }

bool is_rate(double rate) { return rate > 0 && std::isfinite(rate); }

void expect_usable(const ApproachReport& result, const DatasetReport& dataset, const std::string& what) {
  const auto refuse = [&](const std::string& problem, const std::string& column) {
    throw InputError(problem, what + ", " + column + " of approach '" + result.approach + "'");
  };
  if (const auto bad = find_bad_column(result.per_image)) refuse(bad->problem, bad->column);
  if (dataset.classes.empty()) return;
  const Column<std::uint32_t>& labels = result.per_image.label;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] && *labels[row] >= dataset.classes.size()) {
      refuse("class " + std::to_string(*labels[row]) + " of " + std::to_string(dataset.classes.size()),
             "label/" + std::to_string(row));
    }
  }
}

/// \param what the report is called
void expect_usable(const LoadReport& load, const std::string& what) {
  std::set<std::string_view> names;
  for (const LoadResultReport& result : load.results) {
    if (!names.insert(result.approach).second) {
      throw InputError("two approaches under load are called '" + result.approach + "'", what);
    }
    if (!result.capacity) continue;
    const Column<double>& capacities = result.capacity->by_generation;
    for (std::size_t i = 0; i < capacities.size(); ++i) {
      if (const auto rate = capacities[i]; rate && !is_rate(*rate)) {
        throw InputError(significant(*rate, 4) + " is no capacity",
                         what + ", by_generation/" + std::to_string(i) + " of approach '" + result.approach + "'");
      }
    }
  }
}

}  // namespace

void expect_within(double value, double low, double high, bool closed, const std::string& parameter) {
  const bool within = value >= low && (closed ? value <= high : value < high);  // false for NaN
  if (within) return;
  throw UsageError({.problem = significant(value, 4) + " is not a number from " + significant(low, 4) +
                               (closed ? " to " : " to below ") + significant(high, 4),
                    .where = "`" + parameter + "`",
                    .remedy = "0.05 is 5 %"});
}

void expect_usable(const GateCriteria& criteria) {
  expect_ratio(criteria.max_slowdown, "max_slowdown");
  for (const GatedLatency& latency : criteria.latencies) {
    if (to_string(latency.stage).empty() || to_string(latency.statistic).empty()) {
      throw UsageError("there is no such stage or statistic", "`latencies`");
    }
  }
  if (criteria.max_capacity_drop) expect_share(*criteria.max_capacity_drop, "max_capacity_drop");
  if (criteria.min_capacity && !is_rate(*criteria.min_capacity)) {
    throw UsageError(significant(*criteria.min_capacity, 4) + " is not a number above 0", "`min_capacity`",
                     "give queries a second");
  }
  if (criteria.service_level) expect_usable(*criteria.service_level);
  if (criteria.max_accuracy_drop) expect_share(*criteria.max_accuracy_drop, "max_accuracy_drop");
  for (const GatedDrop& drop : criteria.max_drops) {
    if (to_string(drop.metric).empty()) throw UsageError("there is no such metric", "`max_drops`");
    if (!entry_of(drop.metric).better_when_larger) {
      throw UsageError({.problem = "'" + std::string(to_string(drop.metric)) + "' is better when smaller",
                        .where = "`max_drops`",
                        .remedy = "give a metric that may drop"});
    }
    expect_share(drop.most, "max_drops");
  }
  if (criteria.max_flips) {
    if (const auto* share = std::get_if<double>(&*criteria.max_flips)) expect_within(*share, 0, 1, true, "max_flips");
  }
  const bool is_level = criteria.level > 0 && criteria.level < 0.5;  // false for NaN
  if (!is_level) throw UsageError(significant(criteria.level, 4) + " is not between 0 and 0.5", "`level`");
}

void expect_usable(const ComparisonCriteria& criteria) {
  const double confidence = criteria.speed.confidence;
  const bool is_confidence = confidence > 0 && confidence < 1;  // false for NaN
  if (!is_confidence) throw UsageError(significant(confidence, 4) + " is not between 0 and 1", "`confidence`");
  expect_ratio(criteria.speed.practical, "practical");
  expect_share(criteria.accuracy_margin, "accuracy_margin");
}

void expect_usable(const Report& report, const std::string& what) {
  std::set<std::string_view> names;
  for (const ApproachReport& result : report.results) {
    if (!names.insert(result.approach).second) {
      throw InputError({.problem = "two approaches are called '" + result.approach + "'",
                        .where = what,
                        .remedy = "give each a name of its own"});
    }
    expect_usable(result, report.dataset, what);
  }
  if (report.load) expect_usable(*report.load, what);
  const DatasetReport& dataset = report.dataset;
  if (!dataset.classes.empty() && dataset.positive &&
      std::ranges::find(dataset.classes, *dataset.positive) == dataset.classes.end()) {
    throw InputError("the positive class '" + *dataset.positive + "' is none of the classes", what);
  }
}

void expect_applicable(const GateCriteria& criteria, const Report& report) {
  const GateCriteria usual;
  const auto refuse_if = [&](bool asked_for, const std::string& criterion) {
    if (!asked_for) return;
    if (report.load) {
      throw InputError("a load test times no single calls", "`" + criterion + "`",
                       "judge it by `max_capacity_drop`, `min_capacity` or `service_level`");
    }
    throw InputError("the report is of single calls and not of a load test", "`" + criterion + "`",
                     "measure it with `load`, or judge `latencies`");
  };
  if (report.load) {
    refuse_if(!criteria.latencies.empty() && criteria.latencies != usual.latencies, "latencies");
    refuse_if(criteria.max_slowdown != usual.max_slowdown, "max_slowdown");
  } else {
    refuse_if(criteria.max_capacity_drop && criteria.max_capacity_drop != usual.max_capacity_drop, "max_capacity_drop");
    refuse_if(criteria.min_capacity.has_value(), "min_capacity");
    refuse_if(criteria.service_level.has_value(), "service_level");
  }
}

}  // namespace stagemark
