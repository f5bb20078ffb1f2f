#include "stagemark/core/speed_comparison.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "log_margin.hpp"
#include "require.hpp"
#include "t_estimate.hpp"

namespace stagemark {
namespace {

// Of rounds of which `beyond` of `n` are beyond a limit. The two overlap in the tie that the limit itself is.
MarginTest sign_test(std::size_t beyond, std::size_t n) {
  return {.p_beyond = binomial_cdf(n - beyond, n, 0.5), .p_within = binomial_cdf(beyond, n, 0.5)};
}

std::vector<double> log_speedups(std::span<const PairedRound> rounds) {
  std::vector<double> values(rounds.size());
  std::transform(rounds.begin(), rounds.end(), values.begin(),
                 [](const PairedRound& round) { return round.log_speedup; });
  return values;
}

// The median log slowdown of each generation.
std::vector<double> generation_medians(std::span<const PairedRound> rounds) {
  std::map<std::size_t, std::vector<double>> by_generation;
  for (const PairedRound& round : rounds) by_generation[round.generation].push_back(-round.log_speedup);
  std::vector<double> medians;
  medians.reserve(by_generation.size());
  for (const auto& [generation, values] : by_generation) medians.push_back(median(values));
  return medians;
}

// The tests of one pair, at any limit of its log slowdown.
class SlowdownTests {
 public:
  explicit SlowdownTests(std::span<const PairedRound> rounds)
      : rounds_(rounds), generation_medians_(generation_medians(rounds)) {
    require(!rounds.empty(), "a comparison needs at least one round");
    if (speaks_for_any_process()) over_generations_ = t_estimate_of_mean(generation_medians_);
  }

  [[nodiscard]] std::size_t generations() const { return generation_medians_.size(); }
  [[nodiscard]] bool speaks_for_any_process() const { return generations() >= generations_for_any_process; }
  [[nodiscard]] const std::optional<TEstimate>& over_generations() const { return over_generations_; }

  // Beyond: above the limit. Within: at most the limit.
  [[nodiscard]] MarginTest at(double limit) const {
    const auto beyond = std::count_if(rounds_.begin(), rounds_.end(),
                                      [limit](const PairedRound& round) { return -round.log_speedup > limit; });
    return confirmed(sign_test(static_cast<std::size_t>(beyond), rounds_.size()), limit);
  }

  // Beyond: slower. Within: faster. Rounds without a difference speak for neither.
  [[nodiscard]] MarginTest at_zero_without_ties(std::size_t ties) const {
    const auto slower =
        std::count_if(rounds_.begin(), rounds_.end(), [](const PairedRound& round) { return round.log_speedup < 0; });
    return confirmed(sign_test(static_cast<std::size_t>(slower), rounds_.size() - ties), 0);
  }

 private:
  [[nodiscard]] MarginTest confirmed(const MarginTest& over_rounds, double limit) const {
    if (!over_generations_) return over_rounds;
    return weaker_of(over_rounds, over_generations_->test(limit));
  }

  std::span<const PairedRound> rounds_;
  std::vector<double> generation_medians_;
  std::optional<TEstimate> over_generations_;
};

std::vector<PairedRound> turned_over(std::span<const PairedRound> rounds) {
  std::vector<PairedRound> result(rounds.begin(), rounds.end());
  for (PairedRound& round : result) round.log_speedup = -round.log_speedup;
  return result;
}

// The interval of the log speed-up.
std::optional<Interval> wider_interval(std::vector<double> values, const std::optional<TEstimate>& slowdown,
                                       double confidence) {
  const auto ranks = quantile_interval_ranks(values.size(), 0.5, confidence);
  if (!ranks) return std::nullopt;
  std::sort(values.begin(), values.end());
  const Interval over_rounds{.low = values[ranks->lower - 1], .high = values[ranks->upper - 1]};
  if (!slowdown) return over_rounds;
  const Interval over_generations = slowdown->interval(confidence);
  if (over_generations.high - over_generations.low < over_rounds.high - over_rounds.low) return over_rounds;
  return Interval{.low = -over_generations.high, .high = -over_generations.low};
}

void require_criteria(const SpeedCriteria& criteria) {
  require(criteria.confidence > 0 && criteria.confidence < 1, "the confidence must be between 0 and 1");
  require(criteria.practical >= 0, "the practical difference must not be negative");
}

}  // namespace

SpeedComparison compare_speed(std::span<const PairedRound> rounds, const SpeedCriteria& criteria) {
  require_criteria(criteria);
  const SlowdownTests tests(rounds);
  const std::vector<double> values = log_speedups(rounds);
  SpeedComparison result;
  result.rounds = rounds.size();
  result.generations = tests.generations();
  result.ties = static_cast<std::size_t>(std::count(values.begin(), values.end(), 0.0));
  result.log_speedup = median(values);
  result.speedup = std::exp(result.log_speedup);
  result.scope = tests.speaks_for_any_process() ? Scope::any_processes : Scope::these_processes;
  result.interval = wider_interval(values, tests.over_generations(), criteria.confidence);
  if (result.interval) {
    result.interval = Interval{.low = std::exp(result.interval->low), .high = std::exp(result.interval->high)};
  }
  result.p_value = two_sided(tests.at_zero_without_ties(result.ties));
  const double practical = log_margin(criteria.practical);
  result.p_practical_difference =
      std::max(tests.at(practical).p_within, SlowdownTests(turned_over(rounds)).at(practical).p_within);
  return result;
}

MarginTest test_slowdown(std::span<const PairedRound> rounds, double margin) {
  return SlowdownTests(rounds).at(log_margin(margin));
}

std::size_t rounds_needed(double one_sided_level, std::size_t family) {
  require(family > 0, "a family has at least one member");
  return quantile_upper_bound_count(0.5, 1 - one_sided_level / static_cast<double>(family));
}

std::vector<SpeedDecision> decide_speed(std::span<const SpeedComparison> family, const SpeedCriteria& criteria) {
  require_criteria(criteria);
  std::vector<double> p_values;
  std::vector<double> p_practical_differences;
  for (const SpeedComparison& comparison : family) {
    p_values.push_back(comparison.p_value);
    p_practical_differences.push_back(comparison.p_practical_difference);
  }
  p_values = holm_adjusted(p_values);
  p_practical_differences = holm_adjusted(p_practical_differences);
  const double level = 1 - criteria.confidence;
  const double practical = std::log1p(criteria.practical) - logarithm_slack;
  std::vector<SpeedDecision> decisions(family.size());
  for (std::size_t i = 0; i < family.size(); ++i) {
    decisions[i].p_adjusted = p_values[i];
    if (p_values[i] <= level && std::abs(family[i].log_speedup) >= practical) {
      decisions[i].verdict = family[i].log_speedup > 0 ? SpeedVerdict::faster : SpeedVerdict::slower;
    } else if (p_practical_differences[i] <= level / 2) {
      decisions[i].verdict = SpeedVerdict::no_difference;
    }
  }
  return decisions;
}

std::vector<std::size_t> speed_ranks(std::span<const double> log_speedups, std::span<const double> p_adjusted,
                                     double level) {
  const std::size_t n = log_speedups.size();
  require(p_adjusted.size() == n * (n - (n > 0 ? 1 : 0)) / 2, "there must be one p-value for each pair");
  const auto differ = [&](std::size_t a, std::size_t b) {
    const auto [first, second] = std::minmax(a, b);
    const std::size_t pairs_before = first * (2 * n - first - 1) / 2;
    return p_adjusted[pairs_before + second - first - 1] <= level;
  };
  std::vector<std::size_t> fastest_first(n);
  std::iota(fastest_first.begin(), fastest_first.end(), std::size_t{0});
  std::stable_sort(fastest_first.begin(), fastest_first.end(),
                   [log_speedups](std::size_t a, std::size_t b) { return log_speedups[a] > log_speedups[b]; });
  std::vector<std::size_t> ranks(n);
  std::optional<std::size_t> leader;
  std::size_t rank = 0;
  for (const std::size_t approach : fastest_first) {
    if (!leader || differ(*leader, approach)) {
      leader = approach;
      ++rank;
    }
    ranks[approach] = rank;
  }
  return ranks;
}

}  // namespace stagemark
