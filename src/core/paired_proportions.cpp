#include "stagemark/core/paired_proportions.hpp"

#include <algorithm>
#include <cmath>

#include "require.hpp"
#include "solve.hpp"
#include "stagemark/core/metrics.hpp"

namespace stagemark {
namespace {

void require_margin(double margin) { require(margin >= 0 && margin < 1, "the margin must be in [0, 1)"); }

void require_level(double level) { require(level > 0 && level < 0.5, "the level must be between 0 and 0.5"); }

// A margin that is a whole number of images in decimal must not miss it in binary.
constexpr double decimal_slack = 1e-12;

double proportion(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::uint64_t images_within(double margin, std::uint64_t count) {
  require_margin(margin);
  return static_cast<std::uint64_t>(margin * static_cast<double>(count) * (1 + decimal_slack));
}

std::optional<AccuracyVerdict> accuracy_verdict(const PairedOutcomes& outcomes, double margin) {
  const std::uint64_t allowed = images_within(margin, outcomes.count());
  if (outcomes.count() == 0) return std::nullopt;
  return outcomes.harmful <= outcomes.helpful + allowed ? AccuracyVerdict::kept : AccuracyVerdict::lost;
}

std::optional<AccuracyVerdict> population_accuracy_verdict(const PairedOutcomes& outcomes, double margin,
                                                           double level) {
  require_margin(margin);
  require_level(level);
  if (outcomes.count() == 0) return std::nullopt;
  const double statistic = tango_statistic(outcomes, margin);
  const double limit = -normal_quantile(level);
  if (statistic <= -limit) return AccuracyVerdict::kept;
  return statistic >= limit ? AccuracyVerdict::lost : AccuracyVerdict::inconclusive;
}

std::optional<std::uint64_t> images_needed(const PairedOutcomes& outcomes, double margin, double level) {
  require_margin(margin);
  require_level(level);
  const double statistic = tango_statistic(outcomes, margin);
  if (statistic >= 0) return std::nullopt;
  // At constant rates the statistic grows with the root of the number of images.
  const double growth = normal_quantile(level) / statistic;
  const double images = std::ceil(static_cast<double>(outcomes.count()) * growth * growth * (1 - decimal_slack));
  // A drop of exactly the margin, rounded to the good side.
  if (images > 0x1p53) return std::nullopt;
  return static_cast<std::uint64_t>(images);
}

double mcnemar_exact(const PairedOutcomes& outcomes) {
  return std::min(
      1.0, 2 * binomial_cdf(std::min(outcomes.harmful, outcomes.helpful), outcomes.harmful + outcomes.helpful, 0.5));
}

double mcnemar_mid_p(const PairedOutcomes& outcomes) {
  const std::uint64_t fewer = std::min(outcomes.harmful, outcomes.helpful);
  const std::uint64_t discordant = outcomes.harmful + outcomes.helpful;
  if (discordant == 0) return 1;
  // Of what was seen half the probability counts; a tie lies in both tails but counts once.
  const double below = fewer == 0 ? 0 : binomial_cdf(fewer - 1, discordant, 0.5);
  const double up_to = binomial_cdf(fewer, discordant, 0.5);
  return outcomes.harmful == outcomes.helpful ? 1 - (up_to - below) / 2 : below + up_to;
}

double tango_statistic(const PairedOutcomes& outcomes, double drop) {
  require(drop > -1 && drop < 1, "the drop must be between -1 and 1");
  const auto n = static_cast<double>(outcomes.count());
  const auto b = static_cast<double>(outcomes.harmful);
  const auto c = static_cast<double>(outcomes.helpful);
  const double excess = b - c - n * drop;
  if (excess == 0) return 0;
  // The larger root of A q^2 + B q + C = 0: the rate of helpful flips that is most likely under this drop.
  const double quadratic = 2 * n;
  const double linear = -b - c + (2 * n - b + c) * drop;
  const double constant = -c * drop * (1 - drop);
  const double helpful_rate =
      (std::sqrt(std::max(0.0, linear * linear - 4 * quadratic * constant)) - linear) / (2 * quadratic);
  return excess / std::sqrt(n * (2 * helpful_rate + drop * (1 - drop)));
}

std::optional<Interval> tango_interval(const PairedOutcomes& outcomes, double confidence) {
  require(confidence > 0 && confidence < 1, "the confidence must be between 0 and 1");
  if (outcomes.count() == 0) return std::nullopt;
  const double delta = proportion(outcomes.helpful, outcomes.count()) - proportion(outcomes.harmful, outcomes.count());
  const double z = -normal_quantile((1 - confidence) / 2);
  // As a function of the delta, not of the drop, the statistic rises.
  const auto statistic = [&outcomes](double candidate_delta) { return tango_statistic(outcomes, -candidate_delta); };
  return Interval{.low = solve_increasing(statistic, -z, -1, delta), .high = solve_increasing(statistic, z, delta, 1)};
}

std::optional<Interval> newcombe_interval(const PairedOutcomes& outcomes, double confidence) {
  const std::uint64_t n = outcomes.count();
  const std::uint64_t baseline_right = outcomes.both_right + outcomes.harmful;
  const std::uint64_t candidate_right = outcomes.both_right + outcomes.helpful;
  const auto of_baseline = wilson_interval(baseline_right, n, confidence);
  const auto of_candidate = wilson_interval(candidate_right, n, confidence);
  if (!of_baseline || !of_candidate) return std::nullopt;

  const double margins = static_cast<double>(baseline_right) * static_cast<double>(n - baseline_right) *
                         static_cast<double>(candidate_right) * static_cast<double>(n - candidate_right);
  double correlation = 0;
  if (margins > 0) {
    const double determinant = static_cast<double>(outcomes.both_right) * static_cast<double>(outcomes.both_wrong) -
                               static_cast<double>(outcomes.harmful) * static_cast<double>(outcomes.helpful);
    // Corrected for continuity, but only where the two agree.
    const double corrected = determinant > 0 ? std::max(0.0, determinant - static_cast<double>(n) / 2) : determinant;
    correlation = corrected / std::sqrt(margins);
  }
  const double p_baseline = proportion(baseline_right, n);
  const double p_candidate = proportion(candidate_right, n);
  const auto distance = [correlation](double a, double b) {
    return std::sqrt(std::max(0.0, a * a - 2 * correlation * a * b + b * b));
  };
  const double delta = p_candidate - p_baseline;
  return Interval{.low = delta - distance(p_candidate - of_candidate->low, of_baseline->high - p_baseline),
                  .high = delta + distance(of_candidate->high - p_candidate, p_baseline - of_baseline->low)};
}

}  // namespace stagemark
