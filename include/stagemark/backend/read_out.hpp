#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// Turns logits into predictions. One logit per image: of class index 1. Two: softmax. More: the winner, with its
/// probability and logit.
/// \param logits  one row per image: out.size() * outputs numbers
/// \param outputs logits per image, at least one
void read_out(std::span<const float> logits, std::size_t outputs, std::span<Prediction> out);

/// The same of a network that ends in sigmoids or a softmax: there are no logits then. One number per image: the
/// probability of class index 1. Two: the second one's share of both, so that the greater one wins; 0.5 where both are 0.
void read_probabilities(std::span<const float> probabilities, std::size_t outputs, std::span<Prediction> out);

/// How many rows of numbers that were read as logits look like something else.
struct LogitRows {
  std::size_t count = 0;          ///< all of them, but for those with a NaN or an infinity
  std::size_t probabilities = 0;  ///< in [0, 1], and several add up to 1, give or take what half precision loses
  // Of a network of which nothing tells what its numbers are:
  std::size_t fractions = 0;    ///< in [0, 1]
  std::size_t percentages = 0;  ///< none negative, and several add up to 100
  std::size_t bytes = 0;        ///< the same of 255

  /// \param scores  of one call; what does not divide by the rows is left out
  /// \param unknown whether nothing tells what the numbers are
  void see(std::span<const float> scores, std::size_t rows, bool unknown);
  void add(const LogitRows& more) noexcept;
  bool operator==(const LogitRows&) const = default;
};

/// Why what was read as logits may be none, and what to do; absent where nothing tells. What holds of every row counts,
/// and what a logit may be as well says more of many images than of a few.
/// \param images different ones among the rows
std::optional<std::string> doubt(const LogitRows& rows, std::size_t images);

}  // namespace stagemark
