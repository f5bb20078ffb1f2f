#include "stagemark/load/capacity.hpp"

#include <algorithm>
#include <cmath>

#include "core/log_margin.hpp"
#include "core/require.hpp"
#include "core/t_estimate.hpp"
#include "stagemark/core/margin.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/speed_comparison.hpp"

namespace stagemark {
namespace {

bool is_rate(double rate) { return rate > 0 && std::isfinite(rate); }

/// Neighbours of an isotonic regression that have one share.
struct Pool {
  double share = 0;
  double weight = 0;
  std::size_t points = 0;
};

/// Replaces the shares by their isotonic regression.
void make_isotonic(std::span<ShareOver> points) {
  std::vector<Pool> pools;
  for (const ShareOver& point : points) {
    pools.push_back({.share = point.share, .weight = static_cast<double>(point.queries), .points = 1});
    while (pools.size() > 1 && pools[pools.size() - 2].share > pools.back().share) {
      const Pool last = pools.back();
      pools.pop_back();
      Pool& pool = pools.back();
      pool.share = (pool.share * pool.weight + last.share * last.weight) / (pool.weight + last.weight);
      pool.weight += last.weight;
      pool.points += last.points;
    }
  }
  auto point = points.begin();
  for (const Pool& pool : pools) {
    for (std::size_t i = 0; i < pool.points; ++i) (point++)->share = pool.share;
  }
}

/// ln(candidate / baseline) over the generations, two or more.
OrReason<TEstimate> mean_log_ratio(std::span<const OrReason<double>> baseline,
                                   std::span<const OrReason<double>> candidate) {
  require(baseline.size() == candidate.size(), "both approaches need the same generations");
  std::vector<double> log_ratios;
  for (std::size_t i = 0; i < baseline.size(); ++i) {
    for (const OrReason<double>* capacity : {&baseline[i], &candidate[i]}) {
      if (!*capacity) {
        return OrReason<TEstimate>::absent("generation " + std::to_string(i + 1) + " of the " +
                                           (capacity == &baseline[i] ? "baseline" : "candidate") +
                                           " has no capacity: " + capacity->reason);
      }
      require(is_rate(**capacity), "a capacity must be above 0 and finite");
    }
    log_ratios.push_back(std::log(*candidate[i] / *baseline[i]));
  }
  if (log_ratios.size() < 2) return OrReason<TEstimate>::absent("needs 2 generations");
  return t_estimate_of_mean(log_ratios);
}

bool has_failed(LoadVerdict verdict) { return verdict == LoadVerdict::beyond || verdict == LoadVerdict::unstable; }

}  // namespace

OrReason<double> interpolated_capacity(std::vector<ShareOver> points, double share) {
  for (const ShareOver& point : points) {
    require(is_rate(point.rate), "a rate must be above 0 and finite");
    require(point.share >= 0 && point.share <= 1, "a share must be in [0, 1]");
    require(point.queries > 0, "at least one query is needed");
  }
  std::ranges::sort(points, {}, &ShareOver::rate);
  make_isotonic(points);
  const auto above = std::ranges::find_if(points, [share](const ShareOver& point) { return point.share > share; });
  if (above == points.begin()) {
    return OrReason<double>::absent(points.empty() ? "no rate was probed"
                                                   : "more than " + significant_percent(share, 3) +
                                                         " were over the bound at every rate probed");
  }
  if (above == points.end()) {
    return OrReason<double>::absent("no more than " + significant_percent(share, 3) +
                                    " were over the bound at any rate probed");
  }
  const ShareOver& below = *std::prev(above);
  const double part = (share - below.share) / (above->share - below.share);
  return below.rate * std::pow(above->rate / below.rate, part);
}

OrReason<CapacityRatio> compare_capacities(std::span<const OrReason<double>> baseline,
                                           std::span<const OrReason<double>> candidate,
                                           const CapacityCriteria& criteria) {
  require(criteria.confidence > 0 && criteria.confidence < 1, "the confidence must be between 0 and 1");
  require(criteria.practical >= 0, "a practical difference is 0 or more");
  const OrReason<TEstimate> measured = mean_log_ratio(baseline, candidate);
  if (!measured) return OrReason<CapacityRatio>::absent(measured.reason);
  const TEstimate& estimate = *measured;
  const Interval interval = estimate.interval(criteria.confidence);
  const double practical = std::log1p(criteria.practical);
  return CapacityRatio{
      .ratio = std::exp(estimate.value),
      .interval = {.low = std::exp(interval.low), .high = std::exp(interval.high)},
      .p_value = two_sided(estimate.test(0)),
      .p_practical_difference = std::max(estimate.test(practical).p_within, estimate.test(-practical).p_beyond)};
}

OrReason<MarginTest> test_capacity_drop(std::span<const OrReason<double>> baseline,
                                        std::span<const OrReason<double>> candidate, double drop) {
  require(drop >= 0 && drop < 1, "a drop must be in [0, 1)");
  const OrReason<TEstimate> log_ratio = mean_log_ratio(baseline, candidate);
  if (!log_ratio) return OrReason<MarginTest>::absent(log_ratio.reason);
  const MarginTest of_ratio = log_ratio->test(-log_margin(1 / (1 - drop) - 1));
  // A ratio that is too small is a drop that is too large.
  return MarginTest{.p_beyond = of_ratio.p_within, .p_within = of_ratio.p_beyond};
}

std::vector<CapacityDecision> decide_capacities(std::span<const OrReason<CapacityRatio>> family,
                                                const CapacityCriteria& criteria) {
  std::vector<SpeedComparison> as_speeds(family.size());
  for (std::size_t i = 0; i < family.size(); ++i) {
    if (!family[i]) continue;
    as_speeds[i].log_speedup = std::log(family[i]->ratio);
    as_speeds[i].p_value = family[i]->p_value;
    as_speeds[i].p_practical_difference = family[i]->p_practical_difference;
  }
  std::vector<CapacityDecision> decisions;
  for (const SpeedDecision& decision :
       decide_speed(as_speeds, {.confidence = criteria.confidence, .practical = criteria.practical})) {
    // The same four, in the same order.
    decisions.push_back({.p_adjusted = decision.p_adjusted, .verdict = static_cast<CapacityVerdict>(decision.verdict)});
  }
  return decisions;
}

CapacitySearch::CapacitySearch(const SearchPlan& plan) : plan_(plan) {
  require(plan.share > 0 && plan.share < 1, "the share must be between 0 and 1");
  require(
      is_rate(plan.lowest) && is_rate(plan.highest) && plan.lowest <= plan.predicted && plan.predicted <= plan.highest,
      "a search needs 0 < lowest <= predicted <= highest");
  require(plan.resolution > 1 && std::isfinite(plan.resolution), "the resolution must be above 1");
  require(plan.most_rates > 0, "a search needs at least one rate");
}

void CapacitySearch::add(double rate, LoadVerdict verdict, std::span<const ShareOver> generations) {
  require(is_rate(rate), "a rate must be above 0 and finite");
  require(std::ranges::all_of(generations, [rate](const ShareOver& point) { return point.rate == rate; }),
          "a share must be of the rate");
  require(probes_.empty() || probes_.begin()->second.generations.size() == generations.size(),
          "each rate needs the same generations");
  probes_[rate] = {.verdict = verdict, .generations = {generations.begin(), generations.end()}};
}

std::optional<double> CapacitySearch::failed() const {
  const auto first = std::ranges::find_if(probes_, [](const auto& probe) { return has_failed(probe.second.verdict); });
  return first == probes_.end() ? std::nullopt : std::optional(first->first);
}

std::optional<double> CapacitySearch::passed() const {
  std::optional<double> highest;
  for (const auto& [rate, probe] : probes_) {
    if (has_failed(probe.verdict)) break;
    if (probe.verdict == LoadVerdict::within) highest = rate;
  }
  return highest;
}

/// The next rate downwards, if there is one.
std::optional<double> CapacitySearch::below(double step) const {
  const double lowest_probed = probes_.begin()->first;
  if (lowest_probed <= plan_.lowest) return std::nullopt;
  return std::max(plan_.lowest, lowest_probed / step);
}

std::optional<double> CapacitySearch::above(double step) const {
  const double highest_probed = probes_.rbegin()->first;
  if (highest_probed >= plan_.highest) return std::nullopt;
  return std::min(plan_.highest, highest_probed * step);
}

std::optional<double> CapacitySearch::wanted() const {
  constexpr double first_step = 1.15;  // to either side of the prediction
  constexpr double further = 1.5;
  if (probes_.empty()) return std::max(plan_.lowest, plan_.predicted / first_step);
  const std::optional<double> low = passed();
  const std::optional<double> high = failed();
  // Downwards by longer steps each time: 1.5, 2.25, 5, ...
  if (!low) return below(std::max(further, plan_.predicted / probes_.begin()->first));
  if (!high) return above(probes_.rbegin()->first < plan_.predicted ? first_step * first_step : further);
  // Between the two are rates of which one could not tell.
  const double lower_gap = probes_.upper_bound(*low)->first / *low;
  const double upper_gap = *high / std::prev(probes_.find(*high))->first;
  if (std::max(lower_gap, upper_gap) <= plan_.resolution) return wanted_of_generations();
  return lower_gap >= upper_gap ? *low * std::sqrt(lower_gap) : *high / std::sqrt(upper_gap);
}

std::optional<double> CapacitySearch::wanted_of_generations() const {
  constexpr double step = 1.1;
  bool all_above_somewhere = false;
  bool all_below_somewhere = false;
  for (const auto& [rate, probe] : probes_) {
    const auto is_above = [this](const ShareOver& point) { return point.share > plan_.share; };
    all_above_somewhere |= std::ranges::all_of(probe.generations, is_above);
    all_below_somewhere |= std::ranges::none_of(probe.generations, is_above);
  }
  std::optional<double> rate;
  if (!all_below_somewhere) rate = below(step);
  if (!rate && !all_above_somewhere) rate = above(step);
  return rate;
}

std::optional<double> CapacitySearch::next() const {
  return probes_.size() >= plan_.most_rates ? std::nullopt : wanted();
}

CapacityRange CapacitySearch::range() const {
  CapacityRange range{.passed = passed(), .failed = failed(), .reason = {}};
  if (probes_.empty()) {
    range.reason = "no rate was probed";
  } else if (wanted()) {
    range.reason = "the search ended after " + std::to_string(probes_.size()) + " rates";
  } else if (!range.passed) {
    range.reason =
        "the service level was not seen to hold even at " + significant(plan_.lowest, 3) + " queries a second";
  } else if (!range.failed) {
    range.reason =
        "the service level was not seen to fail even at " + significant(plan_.highest, 3) + " queries a second";
  }
  return range;
}

std::vector<OrReason<double>> CapacitySearch::of_generations() const {
  std::vector<OrReason<double>> capacities;
  const std::size_t generations = probes_.empty() ? 0 : probes_.begin()->second.generations.size();
  for (std::size_t i = 0; i < generations; ++i) {
    std::vector<ShareOver> points;
    points.reserve(probes_.size());
    for (const auto& [rate, probe] : probes_) points.push_back(probe.generations[i]);
    capacities.push_back(interpolated_capacity(std::move(points), plan_.share));
  }
  return capacities;
}

}  // namespace stagemark
