#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// What the numbers are that a network gives.
enum class OutputMeaning : std::uint8_t {
  constant,           ///< the same for every image
  logits,             ///< what weights make, or a normalisation
  probabilities,      ///< what a sigmoid or softmax makes, or what is computed from such alone
  log_probabilities,  ///< their logarithms: of several classes as good as logits
  class_numbers,      ///< decisions: indices, comparisons, rounded numbers
  unknown,            ///< an operation made them that is not known
};

template <>
inline constexpr EnumNames<OutputMeaning, 6> enum_names<OutputMeaning> = {
    {{OutputMeaning::constant, "constant"},
     {OutputMeaning::logits, "logits"},
     {OutputMeaning::probabilities, "probabilities"},
     {OutputMeaning::log_probabilities, "log-probabilities"},
     {OutputMeaning::class_numbers, "class numbers"},
     {OutputMeaning::unknown, "unknown"}}};

/// What an operation makes of its inputs. One table for all formats that tell a network's operations.
/// \param operation its name in ONNX or ATen in lower case, without a trailing underscore: "softmax", "argmax"
/// \param inputs    how many it has
/// \param input     what one of them is, by its index; asked only where the result depends on it
OutputMeaning meaning_after(std::string_view operation, std::size_t inputs,
                            const std::function<OutputMeaning(std::size_t)>& input);

}  // namespace stagemark
