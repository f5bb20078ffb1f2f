#pragma once

#include <cstddef>
#include <string>

#include "stagemark/report/report.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

// Scores of the predictions of one approach.

namespace stagemark {

/// A prediction that can be scored: there is one, and its probability is in [0, 1]. Null otherwise.
const Prediction* usable_prediction(const InferenceRecord& inference);

/// Each image once: its first inference.
ClassificationMetrics accuracy_metrics(const ApproachResult& result, const Dataset& dataset, double threshold);

/// Whether AUROC is below 0.5 by more than chance, at 95 %: by its interval, or where it is 0 and has none, by how seldom
/// scores without meaning put every positive image below every negative one.
bool is_below_chance(const ClassificationMetrics& metrics);

/// Number of images with a prediction.
std::size_t classified_images(const ApproachResult& result, const Dataset& dataset);

/// The name of the positive class.
OrReason<std::string> positive_class(const Dataset& dataset);

}  // namespace stagemark
