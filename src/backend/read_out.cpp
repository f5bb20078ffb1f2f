#include "stagemark/backend/read_out.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace stagemark {

void read_out(std::span<const float> logits, std::size_t outputs, std::span<Prediction> out) {
  for (Prediction& prediction : out) {
    const std::span<const float> row = logits.first(outputs);
    logits = logits.subspan(outputs);
    if (outputs <= 2) {
      const double logit = outputs == 1 ? double{row[0]} : double{row[1]} - double{row[0]};
      prediction = {1 / (1 + std::exp(-logit)), logit, std::nullopt};
      continue;
    }
    const auto best = std::max_element(row.begin(), row.end());
    double sum = 0;
    for (const float value : row) sum += std::exp(double{value} - double{*best});
    prediction = {1 / sum, double{*best}, static_cast<std::size_t>(best - row.begin())};
  }
}

void read_probabilities(std::span<const float> probabilities, std::size_t outputs, std::span<Prediction> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::span<const float> row = probabilities.subspan(i * outputs, outputs);
    const auto most = std::max_element(row.begin(), row.end());
    if (outputs <= 2) {
      out[i] = {double{row.back()}, std::nullopt, std::nullopt};
    } else {
      out[i] = {double{*most}, std::nullopt, static_cast<std::size_t>(most - row.begin())};
    }
  }
}

}  // namespace stagemark
