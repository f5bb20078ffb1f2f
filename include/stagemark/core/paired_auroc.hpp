#pragma once

#include <optional>
#include <span>

#include "stagemark/core/metrics.hpp"

namespace stagemark {

/// Two areas under the ROC curve on the same images: DeLong, DeLong & Clarke-Pearson (1988), in the fast form of
/// Sun & Xu (2014).
struct PairedAuroc {
  double baseline = 0, candidate = 0;  ///< the areas
  double delta = 0;                    ///< candidate - baseline
  std::optional<double> standard_error =
      std::nullopt;  ///< of the delta; absent where a class has fewer than two images
  /// Of equal areas, two-sided, normal. 1 where the two rank every pair of images alike; absent without a standard
  /// error, or where that is 0 and the areas differ.
  std::optional<double> p_value = std::nullopt;
  std::optional<Interval> interval = std::nullopt;  ///< Wald's, clipped to [-1, 1]; absent where the p-value is
};

/// Compares two approaches' scores of the same images in the same order. Absent unless both classes occur.
/// \throws std::invalid_argument if the lengths or the truths differ, a probability is not in [0, 1], or the
/// confidence is not in (0, 1).
std::optional<PairedAuroc> compare_auroc(std::span<const ScoredImage> baseline, std::span<const ScoredImage> candidate,
                                         double confidence = 0.95);

}  // namespace stagemark
