#pragma once

#include <algorithm>
#include <span>
#include <stdexcept>

#include "stagemark/core/metrics.hpp"

namespace stagemark {

inline void require_probabilities(std::span<const ScoredImage> images) {
  const bool valid = std::all_of(images.begin(), images.end(), [](const ScoredImage& image) {
    return image.probability >= 0 && image.probability <= 1;  // false for NaN
  });
  if (!valid) throw std::invalid_argument("a probability must be a number in [0, 1]");
}

}  // namespace stagemark
