#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/or_reason.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {

/// Counts of a binary decision: rows truth, columns prediction.
struct ConfusionMatrix {
  std::uint64_t tn = 0, fp = 0, fn = 0, tp = 0;
  bool operator==(const ConfusionMatrix&) const = default;
};

/// One scored image of a binary task.
struct ScoredImage {
  bool positive = false;            ///< the truth
  double probability = 0;           ///< of the positive class, in [0, 1]
  bool predicted_positive = false;  ///< the decision (probability >= threshold)
};

/// 95 % intervals for the population that the images are drawn from.
struct AccuracyIntervals {
  OrReason<Interval> accuracy;     ///< Wilson
  OrReason<Interval> sensitivity;  ///< Wilson
  OrReason<Interval> specificity;  ///< Wilson
  OrReason<Interval> auroc;        ///< DeLong, logit scale; absent where the variance is 0 or undefined

  bool operator==(const AccuracyIntervals&) const = default;
};

/// What scikit-learn's metrics of the same names give for binary labels (average = "binary"), except that a
/// metric whose denominator is zero, or that needs both classes and has one, is absent with the reason. Never NaN.
struct ClassificationMetrics {
  std::size_t count = 0;  ///< scored images
  OrReason<double> accuracy, precision, recall, sensitivity, specificity, f1, auroc, balanced_accuracy, mcc,
      average_precision, brier;
  /// Expected calibration error, l1, of P(positive) in 15 equal bins [lo, hi), the last one closed.
  OrReason<double> ece;
  OrReason<ConfusionMatrix> confusion_matrix;
  AccuracyIntervals ci95;

  /// All absent, for one reason.
  static ClassificationMetrics absent(const std::string& reason);

  bool operator==(const ClassificationMetrics&) const = default;
};

enum class Metric : std::uint8_t {
  accuracy,
  precision,
  recall,
  sensitivity,
  specificity,
  f1,
  auroc,
  balanced_accuracy,
  mcc,
  average_precision,
  brier,
  ece
};

/// What is known of a metric.
struct MetricEntry {
  Metric metric = Metric::accuracy;
  std::string_view name;
  OrReason<double> ClassificationMetrics::*member = nullptr;
  bool better_when_larger = true;
  const char* unit = "";  ///< "ratio" of what is a share, else empty
  const char* definition = "";
};

/// All metrics of ClassificationMetrics, in the order of a report.
inline constexpr std::array<MetricEntry, 12> metric_table = {{
    {Metric::accuracy, "accuracy", &ClassificationMetrics::accuracy, true, "ratio", "Right decisions"},
    {Metric::precision, "precision", &ClassificationMetrics::precision, true, "ratio", "tp / (tp + fp)"},
    {Metric::recall, "recall", &ClassificationMetrics::recall, true, "ratio", "tp / (tp + fn)"},
    {Metric::sensitivity, "sensitivity", &ClassificationMetrics::sensitivity, true, "ratio", "The same as recall"},
    {Metric::specificity, "specificity", &ClassificationMetrics::specificity, true, "ratio", "tn / (tn + fp)"},
    {Metric::f1, "f1", &ClassificationMetrics::f1, true, "ratio", "Harmonic mean of precision and recall"},
    {Metric::auroc, "auroc", &ClassificationMetrics::auroc, true, "ratio", "Area under the ROC curve"},
    {Metric::balanced_accuracy, "balanced_accuracy", &ClassificationMetrics::balanced_accuracy, true, "ratio",
     "Mean of sensitivity and specificity"},
    {Metric::mcc, "mcc", &ClassificationMetrics::mcc, true, "", "Matthews correlation coefficient"},
    {Metric::average_precision, "average_precision", &ClassificationMetrics::average_precision, true, "ratio",
     "Average precision"},
    {Metric::brier, "brier", &ClassificationMetrics::brier, false, "", "Mean squared error of the probability"},
    {Metric::ece, "ece", &ClassificationMetrics::ece, false, "", "Expected calibration error, l1, 15 equal bins"},
}};

template <>
inline constexpr auto enum_names<Metric> = names_from(metric_table, &MetricEntry::metric, &MetricEntry::name);

/// Its line of the table. \throws std::invalid_argument if the value is no enumerator
const MetricEntry& entry_of(Metric metric);

/// Scores a binary task. An empty span gives every metric absent, with the reason.
/// \throws std::invalid_argument on a probability that is NaN or outside [0, 1].
ClassificationMetrics classification_metrics(std::span<const ScoredImage> images);

/// Expected calibration error of binary probabilities, norm l1, bins as in ClassificationMetrics::ece.
/// \throws std::invalid_argument if `images` is empty, `bins` is 0, or a probability is not in [0, 1].
double expected_calibration_error(std::span<const ScoredImage> images, std::size_t bins);

/// Area under the ROC curve by midranks, with DeLong's variance (Sun & Xu 2014).
/// `variance` is absent where a class has fewer than two images.
struct Auroc {
  double area = 0;
  std::optional<double> variance;
};
/// Absent unless both classes occur. \throws std::invalid_argument if a probability is not in [0, 1].
std::optional<Auroc> auroc(std::span<const ScoredImage> images);

/// Accuracy of a task with any number of classes, Wilson interval at 95 %.
struct MulticlassAccuracy {
  std::size_t count = 0, correct = 0;
  OrReason<double> accuracy;
  OrReason<Interval> ci95;
};
/// \throws std::invalid_argument if the lengths differ.
MulticlassAccuracy multiclass_accuracy(std::span<const std::size_t> truth, std::span<const std::size_t> predicted);

/// Wilson score interval of a proportion (Newcombe 1998a, method 3). Absent for n = 0.
/// \throws std::invalid_argument if successes > n or the confidence is not in (0, 1).
std::optional<Interval> wilson_interval(std::size_t successes, std::size_t n, double confidence = 0.95);

/// Clopper-Pearson exact interval. Absent for n = 0. \throws std::invalid_argument as wilson_interval does.
std::optional<Interval> clopper_pearson_interval(std::size_t successes, std::size_t n, double confidence = 0.95);

}  // namespace stagemark
