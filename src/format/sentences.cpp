#include "sentences.hpp"

#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

std::string margin_of(const Comparison& comparison) {
  return decimal(comparison.accuracy_margin_points, 2) + " points";
}

}  // namespace

std::string ratio_text(double ratio) { return decimal(ratio, ratio < 100 ? 3 : 0); }

std::string ratio_interval_text(const OrReason<Interval>& interval) {
  return interval ? " [" + ratio_text(interval->low) + ", " + ratio_text(interval->high) + "]" : std::string();
}

std::string with_interval(const OrReason<double>& value, const OrReason<Interval>& interval, double factor, int digits,
                          const std::string& unit) {
  if (!value) return "n/a";
  std::string text = decimal(factor * *value, digits) + unit;
  if (interval) {
    text += " [" + decimal(factor * interval->low, digits) + ", " + decimal(factor * interval->high, digits) + "]";
  }
  return text;
}

std::string p_text(double p) { return p < 0.001 ? "<0.001" : decimal(p, 3); }

std::string speed_sentence(const Comparison& comparison) {
  if (!comparison.speedup.ratio) return "not compared in speed: " + comparison.speedup.ratio.reason;
  const std::string times = ratio_text(*comparison.speedup.ratio) + "×" + ratio_interval_text(comparison.speedup.ci95);
  std::string of_baseline = times + " the speed of " + comparison.baseline;
  switch (comparison.speed_verdict) {
    case SpeedVerdict::faster:
      return "faster: " + of_baseline;
    case SpeedVerdict::slower:
      return "slower: " + of_baseline;
    case SpeedVerdict::no_difference:
      return "as fast as " + comparison.baseline + ": " + times;
    case SpeedVerdict::inconclusive:
      return "not told apart in speed: " + of_baseline;
  }
  return of_baseline;
}

std::string accuracy_in_full(const Comparison& comparison) {
  const LabelFlips& flips = comparison.label_flips;
  if (comparison.images == 0) return "There is no image that both classified.";
  std::string text =
      std::to_string(flips.files.size()) + " of " + std::to_string(comparison.images) + " decisions flipped";
  if (!comparison.accuracy_delta_points) return text + "; " + comparison.accuracy_delta_points.reason + ".";
  if (!flips.files.empty()) {
    text += ", " + std::to_string(flips.harmful) + " for the worse and " + std::to_string(flips.helpful) +
            " for the better";
  }
  if (comparison.accuracy_verdict == AccuracyVerdict::decisions_differ) {
    return text + ". Whether accuracy is kept they cannot tell: decisions differ between repeats of the same image.";
  }
  text += ". On these images accuracy is " + std::string(to_string(comparison.accuracy_verdict)) + " (" +
          signed_decimal(*comparison.accuracy_delta_points, 2) + " points";
  if (comparison.accuracy_delta_ci95) {
    text += ", 95 % interval for the population " + decimal(comparison.accuracy_delta_ci95->low, 2) + " to " +
            decimal(comparison.accuracy_delta_ci95->high, 2);
  }
  text += "). ";
  const std::string margin = margin_of(comparison);
  switch (comparison.accuracy_population_verdict) {
    case AccuracyVerdict::kept:
      return text + "For images like these, too, a drop of " + margin + " is ruled out (one-sided 95 % test).";
    case AccuracyVerdict::lost:
      return text + "For images like these, too, it drops by more than " + margin + ".";
    case AccuracyVerdict::inconclusive:
    case AccuracyVerdict::decisions_differ:
      return text + "Whether it drops by " + margin + " for images like these they cannot decide" +
             (comparison.images_needed ? ": that takes about " + std::to_string(*comparison.images_needed) + " images."
                                       : ".");
  }
  return text;
}

std::string accuracy_in_brief(const Comparison& comparison) {
  const LabelFlips& flips = comparison.label_flips;
  std::string text = std::to_string(flips.files.size()) + " of " + thousands(comparison.images) + " decisions flipped";
  if (!comparison.accuracy_delta_points) return text + " (" + comparison.accuracy_delta_points.reason + ")";
  if (!flips.files.empty()) {
    text += " (" + std::to_string(flips.harmful) + " harmful, " + std::to_string(flips.helpful) + " helpful)";
  }
  if (comparison.accuracy_verdict == AccuracyVerdict::decisions_differ) {
    return text +
           ":\n    whether accuracy is kept they cannot tell: decisions differ between repeats of the same image";
  }
  text += ":\n    accuracy " + std::string(to_string(comparison.accuracy_verdict)) + " on these images, " +
          signed_decimal(*comparison.accuracy_delta_points, 2) + " points";
  if (comparison.accuracy_delta_ci95) {
    text += " [" + decimal(comparison.accuracy_delta_ci95->low, 2) + ", " +
            decimal(comparison.accuracy_delta_ci95->high, 2) + "]";
  }
  const std::string margin = margin_of(comparison);
  switch (comparison.accuracy_population_verdict) {
    case AccuracyVerdict::kept:
      return text + ";\n    of the population too, no drop of " + margin;
    case AccuracyVerdict::lost:
      return text + ";\n    of the population too, a drop of more than " + margin;
    case AccuracyVerdict::inconclusive:
    case AccuracyVerdict::decisions_differ:
      return text + ";\n    whether the population's drops by " + margin + " they cannot decide" +
             (comparison.images_needed ? ": that takes about " + thousands(*comparison.images_needed) + " images" : "");
  }
  return text;
}

}  // namespace stagemark
