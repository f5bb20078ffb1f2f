#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// What the numbers are that a network gives.
enum class OutputMeaning : std::uint8_t {
  logits,
  probabilities,
  log_probabilities,     ///< of several classes as good as logits
  class_numbers,         ///< decisions: indices, comparisons, rounded numbers
  scaled_probabilities,  ///< times a constant, or sums of some
  other_class,           ///< the probability of the class that is not asked for
  winner,                ///< the probability of the class that has most, whichever that is
  across_images,         ///< a softmax over the images of a batch
  unknown,               ///< what made them is not known, or leaves open what they are
};

template <>
inline constexpr EnumNames<OutputMeaning, 9> enum_names<OutputMeaning> = {
    {{OutputMeaning::logits, "logits"},
     {OutputMeaning::probabilities, "probabilities"},
     {OutputMeaning::log_probabilities, "log-probabilities"},
     {OutputMeaning::class_numbers, "class numbers"},
     {OutputMeaning::scaled_probabilities, "scaled probabilities"},
     {OutputMeaning::other_class, "probabilities of the other class"},
     {OutputMeaning::winner, "probabilities of the winner"},
     {OutputMeaning::across_images, "shares of a batch"},
     {OutputMeaning::unknown, "unknown"}}};

/// What the numbers within a network are.
enum class ValueKind : std::uint8_t {
  constant,           ///< the same for every image
  logits,             ///< what weights make, or a normalisation; the image too
  squashed,           ///< what a sigmoid, tanh or exponential makes, or what is computed from such alone
  shares,             ///< what a softmax makes: the sum of some of them is at most 1
  odds,               ///< a probability divided by one
  log_probabilities,  ///< also with a factor
  class_numbers,
  unknown,
};

/// Whose the numbers within a network are.
enum class Whose : std::uint8_t {
  own,     ///< of the class that they stand for, as far as is known
  other,   ///< they fall where that class's rise: 1 - p, or the first column of a softmax
  winner,  ///< of the class that has most
  batch,   ///< of an image among those of a batch
};

/// What is known of a value within a network.
struct NetworkValue {
  ValueKind kind = ValueKind::unknown;
  /// Between which all of its numbers lie.
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  /// Another number for each value of a network, from whoever asks; 0: none.
  std::size_t self = 0;
  /// The value whose numbers were added up to this one; 0: none.
  std::size_t sum_of = 0;
  Whose whose = Whose::own;
};

/// What an operation makes of its inputs. One table for all formats that tell a network's operations.
/// \param operation its name in ONNX or ATen in lower case, without a trailing underscore: "softmax", "argmax"
NetworkValue value_after(std::string_view operation, std::span<const NetworkValue> inputs);

/// What is left of a softmax's shares, or their logarithms, where the first column alone is taken (`other`), the greatest
/// share of each image (`winner`), or where the softmax was over the images (`batch`). Other values stay what they are.
NetworkValue taken_of(NetworkValue shares, Whose whose);

/// What a value is that may be another for each path: unknown where the paths differ.
NetworkValue either_of(std::span<const NetworkValue> paths);

/// What a value means that a network gives.
OutputMeaning meaning_of(const NetworkValue& value);

/// \param outputs how many numbers there are for an image; absent where that is not known yet
/// \param made_by the operation that made them, if it is to be named
/// \throws ModelError if they are class numbers, the logarithm of one probability, or probabilities of something else than
///         the classes
void expect_readable(OutputMeaning meaning, std::optional<std::size_t> outputs, std::string_view made_by = {});

}  // namespace stagemark
