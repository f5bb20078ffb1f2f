#include "accuracy_report.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stagemark/core/metrics.hpp"

namespace stagemark {
namespace {

/// A scored image: truth and what was predicted of it.
struct Scored {
  std::size_t label = 0;
  const Prediction* prediction = nullptr;
};

/// A single score is that of class index 1; naming class 0 positive turns it round.
bool class_zero_is_positive(const Dataset& dataset) {
  return dataset.classes.size() == 2 && dataset.positive == std::size_t{0};
}

double positive_probability(const Prediction& prediction, const Dataset& dataset) {
  return class_zero_is_positive(dataset) ? 1 - prediction.probability : prediction.probability;
}

std::vector<Scored> scored_images(const ApproachResult& result, const Dataset& dataset) {
  std::vector<Scored> scored;
  std::vector<bool> seen(dataset.entries.size());
  for (const InferenceRecord& inference : result.inferences) {
    if (seen[inference.image]) continue;
    seen[inference.image] = true;
    const auto& label = dataset.entries[inference.image].label;
    const Prediction* prediction = usable_prediction(inference);
    if (label && prediction != nullptr) scored.push_back({*label, prediction});
  }
  return scored;
}

OrReason<double> or_reason(const Metric& metric) { return OrReason<double>::of(metric.value, metric.reason); }

void leave_out(AccuracyMetrics& metrics, const std::string& reason) {
  const auto absent = OrReason<double>::absent(reason);
  for (auto* metric : {&metrics.accuracy, &metrics.precision, &metrics.recall, &metrics.sensitivity,
                       &metrics.specificity, &metrics.f1, &metrics.auroc, &metrics.balanced_accuracy, &metrics.mcc,
                       &metrics.average_precision, &metrics.brier, &metrics.ece}) {
    *metric = absent;
  }
  metrics.confusion_matrix = OrReason<ConfusionMatrix>::absent(reason);
  for (auto* interval :
       {&metrics.ci95.accuracy, &metrics.ci95.sensitivity, &metrics.ci95.specificity, &metrics.ci95.auroc}) {
    *interval = OrReason<Interval>::absent(reason);
  }
}

AccuracyMetrics binary_metrics(const std::vector<Scored>& scored, const Dataset& dataset, double threshold) {
  const std::size_t positive = class_zero_is_positive(dataset) ? 0 : 1;
  std::vector<ScoredImage> images;
  images.reserve(scored.size());
  for (const Scored& image : scored) {
    const double probability = positive_probability(*image.prediction, dataset);
    images.push_back({.positive = image.label == positive,
                      .probability = probability,
                      .predicted_positive = probability >= threshold});
  }
  const ClassificationMetrics scores = classification_metrics(images);
  const auto interval = [](const std::optional<Interval>& value, const Metric& of) {
    return OrReason<Interval>::of(value, of.reason.empty() ? "no interval exists" : of.reason);
  };

  AccuracyMetrics metrics;
  metrics.count = scores.count;
  metrics.accuracy = or_reason(scores.accuracy);
  metrics.precision = or_reason(scores.precision);
  metrics.recall = or_reason(scores.recall);
  metrics.sensitivity = or_reason(scores.sensitivity);
  metrics.specificity = or_reason(scores.specificity);
  metrics.f1 = or_reason(scores.f1);
  metrics.auroc = or_reason(scores.auroc);
  metrics.balanced_accuracy = or_reason(scores.balanced_accuracy);
  metrics.mcc = or_reason(scores.mcc);
  metrics.average_precision = or_reason(scores.average_precision);
  metrics.brier = or_reason(scores.brier);
  metrics.ece = or_reason(scores.ece);
  metrics.confusion_matrix = scores.count > 0 ? OrReason(scores.confusion_matrix)
                                              : OrReason<ConfusionMatrix>::absent("no image was classified");
  metrics.ci95.accuracy = interval(scores.accuracy_ci95, scores.accuracy);
  metrics.ci95.sensitivity = interval(scores.sensitivity_ci95, scores.sensitivity);
  metrics.ci95.specificity = interval(scores.specificity_ci95, scores.specificity);
  metrics.ci95.auroc = OrReason<Interval>::of(scores.auroc_ci95, scores.auroc_ci95_reason);
  return metrics;
}

AccuracyMetrics multiclass_metrics(const std::vector<Scored>& scored, const Dataset& dataset, double threshold,
                                   const std::string& why_not_binary) {
  std::vector<std::size_t> truth;
  std::vector<std::size_t> predicted;
  for (const Scored& image : scored) {
    truth.push_back(image.label);
    predicted.push_back(decided_class(*image.prediction, dataset, threshold));
  }
  const MulticlassAccuracy scores = multiclass_accuracy(truth, predicted);
  AccuracyMetrics metrics;
  leave_out(metrics, why_not_binary);
  metrics.count = scores.count;
  metrics.accuracy = or_reason(scores.accuracy);
  metrics.ci95.accuracy = OrReason<Interval>::of(scores.ci95, scores.accuracy.reason);
  return metrics;
}

}  // namespace

const Prediction* usable_prediction(const InferenceRecord& inference) {
  if (!inference.prediction) return nullptr;
  const double probability = inference.prediction->probability;
  return probability >= 0 && probability <= 1 ? &*inference.prediction : nullptr;
}

std::size_t decided_class(const Prediction& prediction, const Dataset& dataset, double threshold) {
  if (prediction.class_index) return *prediction.class_index;
  const bool positive = positive_probability(prediction, dataset) >= threshold;
  return positive != class_zero_is_positive(dataset) ? 1 : 0;
}

AccuracyMetrics accuracy_metrics(const ApproachResult& result, const Dataset& dataset, double threshold) {
  if (dataset.classes.empty()) {
    AccuracyMetrics metrics;
    leave_out(metrics, "the images have no labels");
    return metrics;
  }
  if (dataset.classes.size() == 1) {
    // Which of the network's classes the only directory is, nothing tells: a guess could turn every answer round.
    AccuracyMetrics metrics;
    leave_out(metrics, "there is one class only, and nothing tells which of the network's it is");
    return metrics;
  }
  const std::vector<Scored> scored = scored_images(result, dataset);
  const auto has_winner = [](const Scored& image) { return image.prediction->class_index.has_value(); };
  if (dataset.classes.size() > 2 && !scored.empty() && std::ranges::none_of(scored, has_winner)) {
    AccuracyMetrics metrics;
    leave_out(metrics,
              "the network tells two classes apart, the data set has " + std::to_string(dataset.classes.size()));
    return metrics;
  }
  if (dataset.classes.size() > 2) {
    return multiclass_metrics(scored, dataset, threshold,
                              "defined for two classes, there are " + std::to_string(dataset.classes.size()));
  }
  if (std::ranges::any_of(scored, has_winner)) {
    return multiclass_metrics(scored, dataset, threshold, "the network has more than two classes");
  }
  return binary_metrics(scored, dataset, threshold);
}

std::size_t classified_images(const ApproachResult& result, const Dataset& dataset) {
  std::vector<bool> classified(dataset.entries.size());
  for (const InferenceRecord& inference : result.inferences) {
    if (usable_prediction(inference) != nullptr) classified[inference.image] = true;
  }
  return static_cast<std::size_t>(std::ranges::count(classified, true));
}

OrReason<std::string> positive_class(const Dataset& dataset) {
  if (dataset.classes.empty()) return OrReason<std::string>::absent("the images have no labels");
  if (dataset.positive && *dataset.positive < dataset.classes.size()) return dataset.classes[*dataset.positive];
  if (dataset.classes.size() == 1) return OrReason<std::string>::absent("there is one class only");
  if (dataset.classes.size() > 2) return OrReason<std::string>::absent("there are more than two classes");
  return OrReason<std::string>::absent("none was named");
}

}  // namespace stagemark
