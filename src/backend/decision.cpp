#include "stagemark/backend/decision.hpp"

namespace stagemark {
namespace {

bool class_zero_is_positive(const DecisionRule& rule) noexcept {
  return rule.classes == 2 && rule.positive == std::size_t{0};
}

}  // namespace

double positive_probability(const Prediction& prediction, const DecisionRule& rule) noexcept {
  return class_zero_is_positive(rule) ? 1 - prediction.probability : prediction.probability;
}

std::size_t decide(const Prediction& prediction, const DecisionRule& rule) noexcept {
  if (prediction.class_index) return *prediction.class_index;
  const bool positive = positive_probability(prediction, rule) >= rule.threshold;
  return positive != class_zero_is_positive(rule) ? 1 : 0;
}

std::optional<std::string> foreign_class(const Prediction& prediction, const DecisionRule& rule) {
  if (rule.classes < 2 || !prediction.class_index || *prediction.class_index < rule.classes) return std::nullopt;
  return "the network decides for class index " + std::to_string(*prediction.class_index) + ", and the data set has " +
         std::to_string(rule.classes) + " classes: it was trained for others";
}

std::optional<std::string> foreign_outputs(std::size_t outputs, const DecisionRule& rule) {
  if (outputs == 0 || rule.classes < 2 || outputs == rule.classes || (outputs == 1 && rule.classes == 2))
    return std::nullopt;
  return "the network gives " + std::to_string(outputs) + (outputs == 1 ? " number" : " numbers") +
         " for each image, and the data set has " + std::to_string(rule.classes) +
         " classes: it was trained for others, or class directories are missing (an empty one keeps its number)";
}

}  // namespace stagemark
