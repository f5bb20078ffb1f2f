#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// What turns a probability into a class.
struct DecisionRule {
  double threshold = 0.5;               ///< positive if the probability of the positive class is at least this
  std::size_t classes = 2;              ///< that the task has; 0 where it names none
  std::optional<std::size_t> positive;  ///< index of the positive class; absent: 1 of two
};

/// The probability of the positive class. A network with two classes gives that of class index 1; where class 0 is the
/// positive one of two, it is turned round.
double positive_probability(const Prediction& prediction, const DecisionRule& rule) noexcept;

/// The index of the class that a prediction decides for: the network's own winner where it names one, else the positive
/// class where its probability reaches the threshold, else the other.
std::size_t decide(const Prediction& prediction, const DecisionRule& rule) noexcept;

/// Why a prediction is none of the task's: it decides for a class that the task does not have. Absent if it is one, and
/// where the task names fewer than two.
std::optional<std::string> foreign_class(const Prediction& prediction, const DecisionRule& rule);

/// Why a network is not for the task: it gives another number of outputs than the task has classes. Two classes may have
/// one output. Absent if it is, where the task names fewer than two classes, and where nothing is known.
/// \param outputs numbers per image; 0 where they are not known
std::optional<std::string> foreign_outputs(std::size_t outputs, const DecisionRule& rule);

}  // namespace stagemark
