#include "accuracy_report.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stagemark/backend/decision.hpp"
#include "stagemark/core/metrics.hpp"

namespace stagemark {
namespace {

/// A scored image: truth and what was predicted of it.
struct Scored {
  std::size_t label = 0;
  const Prediction* prediction = nullptr;
};

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

ClassificationMetrics binary_metrics(const std::vector<Scored>& scored, const DecisionRule& rule) {
  const std::size_t positive = rule.positive == std::size_t{0} ? 0 : 1;
  std::vector<ScoredImage> images;
  images.reserve(scored.size());
  for (const Scored& image : scored) {
    images.push_back({.positive = image.label == positive,
                      .probability = positive_probability(*image.prediction, rule),
                      .predicted_positive = decide(*image.prediction, rule) == positive});
  }
  return classification_metrics(images);
}

ClassificationMetrics multiclass_metrics(const std::vector<Scored>& scored, const DecisionRule& rule,
                                         const std::string& why_not_binary) {
  std::vector<std::size_t> truth;
  std::vector<std::size_t> predicted;
  for (const Scored& image : scored) {
    truth.push_back(image.label);
    predicted.push_back(decide(*image.prediction, rule));
  }
  const MulticlassAccuracy scores = multiclass_accuracy(truth, predicted);
  ClassificationMetrics metrics = ClassificationMetrics::absent(why_not_binary);
  metrics.count = scores.count;
  metrics.accuracy = scores.accuracy;
  metrics.ci95.accuracy = scores.ci95;
  return metrics;
}

}  // namespace

const Prediction* usable_prediction(const InferenceRecord& inference) {
  if (!inference.prediction) return nullptr;
  const double probability = inference.prediction->probability;
  return probability >= 0 && probability <= 1 ? &*inference.prediction : nullptr;
}

ClassificationMetrics accuracy_metrics(const ApproachResult& result, const Dataset& dataset, double threshold) {
  if (dataset.classes.empty()) return ClassificationMetrics::absent("the images have no labels");
  if (dataset.classes.size() == 1) {
    // Nothing tells which of the network's classes the only directory is, and a wrong guess would turn every answer
    // round.
    return ClassificationMetrics::absent("there is one class only, and nothing tells which of the network's it is");
  }
  const std::vector<Scored> scored = scored_images(result, dataset);
  const DecisionRule rule = decision_rule(dataset, threshold);
  const auto has_winner = [](const Scored& image) { return image.prediction->class_index.has_value(); };
  if (dataset.classes.size() > 2 && !scored.empty() && std::ranges::none_of(scored, has_winner)) {
    return ClassificationMetrics::absent("the network tells two classes apart, the data set has " +
                                         std::to_string(dataset.classes.size()));
  }
  if (dataset.classes.size() > 2) {
    return multiclass_metrics(scored, rule,
                              "defined for two classes, there are " + std::to_string(dataset.classes.size()));
  }
  if (std::ranges::any_of(scored, has_winner)) {
    return multiclass_metrics(scored, rule, "the network has more than two classes");
  }
  return binary_metrics(scored, rule);
}

bool is_below_chance(const ClassificationMetrics& metrics) {
  if (!metrics.auroc) return false;
  if (metrics.ci95.auroc) return metrics.ci95.auroc->high < 0.5;
  if (*metrics.auroc > 0 || !metrics.confusion_matrix) return false;
  const ConfusionMatrix& counts = *metrics.confusion_matrix;
  const std::size_t positives = counts.tp + counts.fn;
  const std::size_t negatives = counts.tn + counts.fp;
  // One of the ways to choose the positives' ranks.
  double probability = 1;
  for (std::size_t i = 1; i <= std::min(positives, negatives); ++i) {
    probability *= static_cast<double>(i) / static_cast<double>(std::max(positives, negatives) + i);
  }
  return probability < 0.025;
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
