#include "stagemark/suite/results_collector.hpp"

#include <algorithm>
#include <cmath>

#include "stagemark/backend/decision.hpp"

namespace stagemark {
namespace {

/// Share of a score, or of 1 where it is below, that another order of sums and other kernels for other addresses may
/// change in a network of a hundred layers.
double rounding(Precision precision) { return precision == Precision::fp32 ? 1e-3 : 5e-2; }

}  // namespace

void Repeats::compare(const Prediction& one, const Prediction& other, const DecisionRule& rule, Precision precision) {
  const bool logits = one.logit && other.logit;
  const double first = logits ? *one.logit : one.probability;
  const double second = logits ? *other.logit : other.probability;
  const double difference = std::abs(second - first);
  ++compared;
  // A call that gave no number is counted as failed, not here.
  if (!std::isfinite(difference)) return;
  largest_difference = std::max(largest_difference, difference);
  // Another winner among several is another result, however close its score is to the first one's.
  const bool other_winner = one.class_index != other.class_index;
  if (!other_winner && difference <= rounding(precision) * std::max(1.0, std::abs(first))) return;
  ++other_scores;
  if (decide(one, rule) != decide(other, rule)) ++other_decisions;
}

void Repeats::add(const Repeats& more) {
  compared += more.compared;
  other_scores += more.other_scores;
  other_decisions += more.other_decisions;
  largest_difference = std::max(largest_difference, more.largest_difference);
}

void fail_without_answers(ApproachResult& result) {
  const bool answered = std::ranges::any_of(result.inferences, [](const auto& r) { return r.prediction.has_value(); });
  if (result.error || answered || result.inferences.empty()) return;
  result.error = "every image failed";
  if (!result.failures.empty()) *result.error += ", the first with: " + result.failures.front().reason;
}

}  // namespace stagemark
