#include "stagemark/core/margin.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <stdexcept>

namespace stagemark {

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  // False for NaN.
  if (!std::all_of(p_values.begin(), p_values.end(), [](double p) { return p >= 0 && p <= 1; })) {
    throw std::invalid_argument("a p-value must be a number in [0, 1]");
  }
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [p_values](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double at_least = 0;  // a larger p-value is never adjusted below a smaller one
  auto hypotheses_left = static_cast<double>(p_values.size());
  for (const std::size_t index : order) {
    at_least = std::max(at_least, std::min(1.0, hypotheses_left * p_values[index]));
    adjusted[index] = at_least;
    --hypotheses_left;
  }
  return adjusted;
}

std::vector<GateOutcome> gate_outcomes(std::span<const MarginTest> family, double level) {
  const bool is_level = level > 0 && level < 0.5;  // false for NaN; from a half on a test could pass and fail
  if (!is_level) throw std::invalid_argument("the level must be between 0 and 0.5");
  std::vector<double> p_beyond;
  std::vector<double> p_within;
  for (const MarginTest& test : family) {
    p_beyond.push_back(test.p_beyond);
    p_within.push_back(test.p_within);
  }
  p_beyond = holm_adjusted(p_beyond);
  p_within = holm_adjusted(p_within);
  std::vector<GateOutcome> outcomes(family.size(), GateOutcome::inconclusive);
  for (std::size_t i = 0; i < family.size(); ++i) {
    if (p_beyond[i] <= level) {
      outcomes[i] = GateOutcome::fail;
    } else if (p_within[i] <= level) {
      outcomes[i] = GateOutcome::pass;
    }
  }
  return outcomes;
}

GateOutcome overall_outcome(std::span<const GateOutcome> outcomes) {
  if (outcomes.empty()) throw std::invalid_argument("a gate needs at least one outcome");
  const auto has = [outcomes](GateOutcome outcome) {
    return std::find(outcomes.begin(), outcomes.end(), outcome) != outcomes.end();
  };
  if (has(GateOutcome::fail)) return GateOutcome::fail;
  return has(GateOutcome::inconclusive) ? GateOutcome::inconclusive : GateOutcome::pass;
}

}  // namespace stagemark
