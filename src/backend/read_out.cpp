#include "stagemark/backend/read_out.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
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

std::size_t rows_of_probabilities(std::span<const float> scores, std::size_t rows, bool unknown) {
  if (scores.empty() || scores.size() % rows != 0) return 0;
  const std::size_t width = scores.size() / rows;
  std::size_t count = 0;
  for (; !scores.empty(); scores = scores.subspan(width)) {
    const auto row = scores.first(width);
    const bool within = std::ranges::all_of(row, [](float value) { return value >= 0 && value <= 1; });
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    // Half precision keeps three digits of each.
    constexpr double rounding = 5e-3;
    if (within && (width == 1 ? unknown : std::abs(sum - 1) < rounding)) ++count;
  }
  return count;
}

}  // namespace stagemark
