#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/decision.hpp"
#include "stagemark/suite/results_collector.hpp"

namespace stagemark {

/// The first inference of each image; later ones are compared with it.
class FirstInferences {
 public:
  /// Takes its memory at once.
  explicit FirstInferences(std::size_t images) : first_of_image_(images, 0) { inferences_.reserve(images); }

  [[nodiscard]] bool knows(std::size_t image) const { return first_of_image_[image] != 0; }

  /// \returns whether it is the image's first
  bool add(const InferenceRecord& inference, const DecisionRule& rule, Precision precision, Repeats& repeats) {
    std::uint32_t& first = first_of_image_[inference.image];
    if (first == 0) {
      inferences_.push_back(inference);
      first = static_cast<std::uint32_t>(inferences_.size());
      return true;
    }
    const auto& before = inferences_[first - 1].prediction;
    if (before && inference.prediction) repeats.compare(*before, *inference.prediction, rule, precision);
    return false;
  }

  /// In the order in which they came.
  [[nodiscard]] std::span<const InferenceRecord> all() const noexcept { return inferences_; }

 private:
  std::vector<std::uint32_t> first_of_image_;  // 1 + index into `inferences_`; 0: none yet
  std::vector<InferenceRecord> inferences_;
};

}  // namespace stagemark
