#include "stagemark/core/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "probabilities.hpp"
#include "solve.hpp"

namespace stagemark {
namespace {

constexpr std::string_view no_images = "no images";
constexpr std::string_view no_positive_images = "no positive images";
constexpr std::string_view no_negative_images = "no negative images";
constexpr std::string_view no_positive_predictions = "no positive predictions";
constexpr std::string_view needs_both_classes = "needs both classes";

constexpr std::size_t ece_bins = 15;

OrReason<double> absent(std::string_view reason) { return OrReason<double>::absent(std::string(reason)); }

OrReason<double> ratio(std::uint64_t part, std::uint64_t whole, std::string_view reason_if_nothing) {
  if (whole == 0) return absent(reason_if_nothing);
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// Wilson's interval of a ratio; absent where the ratio is, for its reason.
OrReason<Interval> interval_of(const OrReason<double>& ratio, std::uint64_t part, std::uint64_t whole) {
  return OrReason<Interval>::of(wilson_interval(part, whole), ratio.reason);
}

void require_proportion(std::size_t successes, std::size_t n, double confidence) {
  if (successes > n) throw std::invalid_argument("more successes than trials");
  const bool is_confidence = confidence > 0 && confidence < 1;  // false for NaN
  if (!is_confidence) {
    throw std::invalid_argument("the confidence must be between 0 and 1");
  }
}

ConfusionMatrix confusion_matrix(std::span<const ScoredImage> images) {
  ConfusionMatrix counts;
  for (const ScoredImage& image : images) {
    if (image.positive) {
      ++(image.predicted_positive ? counts.tp : counts.fn);
    } else {
      ++(image.predicted_positive ? counts.fp : counts.tn);
    }
  }
  return counts;
}

OrReason<double> matthews_correlation(const ConfusionMatrix& counts) {
  const auto tn = static_cast<double>(counts.tn);
  const auto fp = static_cast<double>(counts.fp);
  const auto fn = static_cast<double>(counts.fn);
  const auto tp = static_cast<double>(counts.tp);
  if (counts.tp + counts.fn == 0 || counts.tn + counts.fp == 0) return absent(needs_both_classes);
  if (counts.tp + counts.fp == 0 || counts.tn + counts.fn == 0) {
    return absent("needs predictions of both classes");
  }
  return (tp * tn - fp * fn) / std::sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
}

// Sum over distinct thresholds of the step in recall times the precision, without interpolation.
OrReason<double> average_precision(std::span<const ScoredImage> images, std::uint64_t positives) {
  if (positives == 0) return absent(no_positive_images);
  std::vector<std::pair<double, bool>> ranked;
  ranked.reserve(images.size());
  for (const ScoredImage& image : images) ranked.emplace_back(image.probability, image.positive);
  std::sort(ranked.begin(), ranked.end(), std::greater<>());

  double sum = 0;
  std::uint64_t found = 0;
  for (std::size_t first = 0; first < ranked.size();) {
    std::uint64_t found_here = 0;
    std::size_t end = first;
    for (; end < ranked.size() && ranked[end].first == ranked[first].first; ++end) {
      if (ranked[end].second) ++found_here;
    }
    found += found_here;
    sum += static_cast<double>(found_here) * static_cast<double>(found) / static_cast<double>(end);
    first = end;
  }
  return sum / static_cast<double>(positives);
}

double brier_score(std::span<const ScoredImage> images) {
  const double sum = std::accumulate(images.begin(), images.end(), 0.0, [](double total, const ScoredImage& image) {
    const double error = image.probability - (image.positive ? 1.0 : 0.0);
    return total + error * error;
  });
  return sum / static_cast<double>(images.size());
}

// The bin [i/bins, (i+1)/bins) that holds `probability`; 1 belongs to the last.
std::size_t reliability_bin(double probability, std::size_t bins) {
  const auto count = static_cast<double>(bins);
  const double guess = std::min(std::floor(probability * count), count - 1);
  // The product is rounded: beside an edge it can name the neighbour.
  double bin = guess;
  if (probability < guess / count) bin = guess - 1;
  if (guess + 1 < count && probability >= (guess + 1) / count) bin = guess + 1;
  return static_cast<std::size_t>(bin);
}

/// On the logit scale. \pre both classes occur
OrReason<Interval> auroc_interval(const Auroc& auroc) {
  const auto absent = [](const char* reason) { return OrReason<Interval>::absent(reason); };
  if (!auroc.variance) return absent("needs two images of each class");
  if (auroc.area <= 0 || auroc.area >= 1) return absent("not defined for an area of 0 or 1");
  if (*auroc.variance <= 0) return absent("the variance is 0");
  const double center = std::log(auroc.area / (1 - auroc.area));
  const double half_width = normal_quantile(0.975) * std::sqrt(*auroc.variance) / (auroc.area * (1 - auroc.area));
  const auto expit = [](double logit) { return 1 / (1 + std::exp(-logit)); };
  return Interval{.low = expit(center - half_width), .high = expit(center + half_width)};
}

}  // namespace

ClassificationMetrics ClassificationMetrics::absent(const std::string& reason) {
  ClassificationMetrics metrics;
  for (const MetricEntry& entry : metric_table) metrics.*entry.member = OrReason<double>::absent(reason);
  metrics.confusion_matrix = OrReason<ConfusionMatrix>::absent(reason);
  const auto no_interval = OrReason<Interval>::absent(reason);
  metrics.ci95 = {no_interval, no_interval, no_interval, no_interval};
  return metrics;
}

const MetricEntry& entry_of(Metric metric) {
  const auto* const found = std::ranges::find(metric_table, metric, &MetricEntry::metric);
  if (found == metric_table.end()) throw std::invalid_argument("there is no such metric");
  return *found;
}

ClassificationMetrics classification_metrics(std::span<const ScoredImage> images) {
  require_probabilities(images);
  if (images.empty()) return ClassificationMetrics::absent(std::string(no_images));

  ClassificationMetrics metrics;
  metrics.count = images.size();
  const ConfusionMatrix counts = confusion_matrix(images);
  const std::uint64_t positives = counts.tp + counts.fn;
  const std::uint64_t negatives = counts.tn + counts.fp;
  metrics.confusion_matrix = counts;
  metrics.accuracy = ratio(counts.tp + counts.tn, images.size(), no_images);
  metrics.precision = ratio(counts.tp, counts.tp + counts.fp, no_positive_predictions);
  metrics.sensitivity = ratio(counts.tp, positives, no_positive_images);
  metrics.recall = metrics.sensitivity;
  metrics.specificity = ratio(counts.tn, negatives, no_negative_images);
  metrics.f1 =
      ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, "no positive images and no positive predictions");
  metrics.balanced_accuracy =
      positives == 0 || negatives == 0 ? absent(needs_both_classes) : (*metrics.sensitivity + *metrics.specificity) / 2;
  metrics.mcc = matthews_correlation(counts);
  metrics.average_precision = average_precision(images, positives);
  metrics.brier = brier_score(images);
  metrics.ece = expected_calibration_error(images, ece_bins);
  metrics.ci95.accuracy = interval_of(metrics.accuracy, counts.tp + counts.tn, images.size());
  metrics.ci95.sensitivity = interval_of(metrics.sensitivity, counts.tp, positives);
  metrics.ci95.specificity = interval_of(metrics.specificity, counts.tn, negatives);
  const auto area = auroc(images);
  metrics.auroc = area ? OrReason(area->area) : absent(needs_both_classes);
  metrics.ci95.auroc = area ? auroc_interval(*area) : OrReason<Interval>::absent(std::string(needs_both_classes));
  return metrics;
}

double expected_calibration_error(std::span<const ScoredImage> images, std::size_t bins) {
  if (images.empty()) throw std::invalid_argument("at least one image is needed");
  if (bins == 0) throw std::invalid_argument("at least one bin is needed");
  require_probabilities(images);
  // |sum of p - number of positives| is the gap of a bin times its count: the l1 norm needs no division by
  // counts.
  std::vector<double> excess(bins);
  for (const ScoredImage& image : images) {
    excess[reliability_bin(image.probability, bins)] += image.probability - (image.positive ? 1.0 : 0.0);
  }
  const double sum = std::accumulate(excess.begin(), excess.end(), 0.0,
                                     [](double total, double gap) { return total + std::abs(gap); });
  return sum / static_cast<double>(images.size());
}

MulticlassAccuracy multiclass_accuracy(std::span<const std::size_t> truth, std::span<const std::size_t> predicted) {
  if (truth.size() != predicted.size()) {
    throw std::invalid_argument("truth and predictions must have the same length");
  }
  MulticlassAccuracy result;
  result.count = truth.size();
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] == predicted[i]) ++result.correct;
  }
  result.accuracy = ratio(result.correct, result.count, no_images);
  result.ci95 = interval_of(result.accuracy, result.correct, result.count);
  return result;
}

std::optional<Interval> wilson_interval(std::size_t successes, std::size_t n, double confidence) {
  require_proportion(successes, n, confidence);
  if (n == 0) return std::nullopt;
  const auto count = static_cast<double>(n);
  const double proportion = static_cast<double>(successes) / count;
  const double z = -normal_quantile((1 - confidence) / 2);
  const double z_squared = z * z;
  const double center = proportion + z_squared / (2 * count);
  const double half_width = z * std::sqrt(proportion * (1 - proportion) / count + z_squared / (4 * count * count));
  const double scale = 1 + z_squared / count;
  // At the ends the formula gives 0 and 1 but for rounding.
  return Interval{.low = successes == 0 ? 0 : (center - half_width) / scale,
                  .high = successes == n ? 1 : (center + half_width) / scale};
}

std::optional<Interval> clopper_pearson_interval(std::size_t successes, std::size_t n, double confidence) {
  require_proportion(successes, n, confidence);
  if (n == 0) return std::nullopt;
  const double tail = (1 - confidence) / 2;
  const auto x = static_cast<double>(successes);
  const double failures = static_cast<double>(n) - x;
  Interval interval{.low = 0, .high = 1};
  if (successes > 0) {
    interval.low = solve_increasing([=](double p) { return incomplete_beta(p, x, failures + 1); }, tail);
  }
  if (successes < n) {
    // 1 - p, so that the small tail is computed, not one minus it.
    interval.high = 1 - solve_increasing([=](double q) { return incomplete_beta(q, failures, x + 1); }, tail);
  }
  return interval;
}

}  // namespace stagemark
