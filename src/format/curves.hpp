#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "stagemark/core/metrics.hpp"

// What charts show of measurements and scores.

namespace stagemark {

struct CurvePoint {
  double x = 0;
  double y = 0;

  bool operator==(const CurvePoint&) const = default;
};

/// Share of the values at or below x, at no more than `most` points, the smallest and the largest value among them.
/// \pre sorted
std::vector<CurvePoint> empirical_distribution(std::span<const double> sorted, std::size_t most);

/// False positive rate and true positive rate at each distinct probability, from (0, 0) to (1, 1). Empty unless both
/// classes occur.
std::vector<CurvePoint> roc_curve(std::span<const ScoredImage> images);

/// Recall and precision at each distinct probability, from the most certain image on. Empty where no image is positive.
std::vector<CurvePoint> precision_recall_curve(std::span<const ScoredImage> images);

/// Of ten equal bins of the probability those that hold an image.
struct ReliabilityBin {
  double mean_probability = 0;
  double share_positive = 0;
  std::size_t count = 0;
};
std::vector<ReliabilityBin> reliability_curve(std::span<const ScoredImage> images, std::size_t bins = 10);

/// No more than `most` of the points, evenly spaced, the first and the last among them.
std::vector<CurvePoint> thinned(std::vector<CurvePoint> points, std::size_t most);

}  // namespace stagemark
