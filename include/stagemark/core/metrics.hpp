#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/core/statistics.hpp"

namespace stagemark {

/// Counts of a binary decision: rows truth, columns prediction.
struct ConfusionMatrix {
  std::uint64_t tn = 0, fp = 0, fn = 0, tp = 0;
  bool operator==(const ConfusionMatrix&) const = default;
};

/// A value, or why there is none. Never NaN.
struct Metric {
  std::optional<double> value;
  std::string reason;  ///< why `value` is absent; empty where it is present
};

/// One scored image of a binary task.
struct ScoredImage {
  bool positive = false;            ///< the truth
  double probability = 0;           ///< of the positive class, in [0, 1]
  bool predicted_positive = false;  ///< the decision (probability >= threshold)
};

/// What scikit-learn's metrics of the same names give for binary labels (average = "binary"), except that a
/// metric whose denominator is zero, or that needs both classes and has one, is absent with the reason.
struct ClassificationMetrics {
  std::size_t count = 0;
  ConfusionMatrix confusion_matrix;
  Metric accuracy, precision, recall, sensitivity, specificity, f1, auroc, balanced_accuracy, mcc, average_precision,
      brier;
  /// Expected calibration error, l1, of P(positive) in 15 equal bins [lo, hi), the last one closed.
  Metric ece;
  std::optional<Interval> accuracy_ci95;     ///< Wilson
  std::optional<Interval> sensitivity_ci95;  ///< Wilson
  std::optional<Interval> specificity_ci95;  ///< Wilson
  std::optional<Interval> auroc_ci95;        ///< DeLong, logit scale; absent where the variance is 0 or undefined
  std::string auroc_ci95_reason;             ///< why it is absent
};

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
  Metric accuracy;
  std::optional<Interval> ci95;
};
/// \throws std::invalid_argument if the lengths differ.
MulticlassAccuracy multiclass_accuracy(std::span<const std::size_t> truth, std::span<const std::size_t> predicted);

/// Wilson score interval of a proportion (Newcombe 1998a, method 3). Absent for n = 0.
/// \throws std::invalid_argument if successes > n or the confidence is not in (0, 1).
std::optional<Interval> wilson_interval(std::size_t successes, std::size_t n, double confidence = 0.95);

/// Clopper-Pearson exact interval. Absent for n = 0. \throws std::invalid_argument as wilson_interval does.
std::optional<Interval> clopper_pearson_interval(std::size_t successes, std::size_t n, double confidence = 0.95);

}  // namespace stagemark
