#pragma once

#include <cstddef>
#include <span>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// Turns logits into predictions. One logit per image: of class index 1. Two: softmax. More: the winner, with its
/// probability and logit.
/// \param logits  one row per image: out.size() * outputs numbers
/// \param outputs logits per image, at least one
void read_out(std::span<const float> logits, std::size_t outputs, std::span<Prediction> out);

/// The same for probabilities: taken as they are, of class index 1 where there are one or two; there is no logit.
void read_out_probabilities(std::span<const float> probabilities, std::size_t outputs, std::span<Prediction> out);

}  // namespace stagemark
