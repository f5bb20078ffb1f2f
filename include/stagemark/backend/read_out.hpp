#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// Turns logits into predictions. One logit per image: of class index 1. Two: softmax. More: the winner, with its
/// probability and logit.
/// \param logits  one row per image: out.size() * outputs numbers
/// \param outputs logits per image, at least one
void read_out(std::span<const float> logits, std::size_t outputs, std::span<Prediction> out);

/// The same of a network that ends in a sigmoid or a softmax: there are no logits then. One or two numbers per image: the
/// last is the probability of class index 1.
void read_probabilities(std::span<const float> probabilities, std::size_t outputs, std::span<Prediction> out);

/// What to say where that is so of all rows that were read as logits.
inline constexpr std::string_view doubtful_logits_warning =
    "what was read as logits looks like probabilities, of every image: does the network end in a sigmoid or a softmax "
    "that "
    "its file does not show? Then save it without";

/// How many of so many rows that were read as logits look like probabilities: each number is in [0, 1], and they add up to
/// 1, give or take what half precision loses. 0 where the numbers do not divide by the rows.
/// \param unknown whether nothing tells what the numbers are: one alone is doubted only then
std::size_t rows_of_probabilities(std::span<const float> scores, std::size_t rows, bool unknown);

}  // namespace stagemark
