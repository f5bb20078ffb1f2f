#include "stagemark/backend/read_out.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

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
    if (outputs == 1) {
      out[i] = {double{row[0]}, std::nullopt, std::nullopt};
    } else if (outputs == 2) {
      // Of a softmax they add up to 1 already; of two sigmoids the greater one has to win.
      const double sum = double{row[0]} + double{row[1]};
      out[i] = {sum == 0 ? 0.5 : double{row[1]} / sum, std::nullopt, std::nullopt};
    } else {
      out[i] = {double{*most}, std::nullopt, static_cast<std::size_t>(most - row.begin())};
    }
  }
}

void LogitRows::see(std::span<const float> scores, std::size_t rows, bool unknown) {
  if (scores.empty() || scores.size() % rows != 0) return;
  const std::size_t width = scores.size() / rows;
  for (; !scores.empty(); scores = scores.subspan(width)) {
    const auto row = scores.first(width);
    const auto [least, most] = std::ranges::minmax(row);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    if (!std::isfinite(sum)) continue;
    ++count;
    if (least < 0) continue;
    const auto adds_up = [&](double total, double rounding) { return width > 1 && std::abs(sum - total) < rounding; };
    // Half precision keeps three digits of each.
    if (most <= 1 && adds_up(1, 5e-3)) ++probabilities;
    if (!unknown) continue;
    // Whole numbers may be rounded, each by up to a half, but seldom all to the same side.
    constexpr double half = 0.5 + 1e-6;
    if (most <= 1) ++fractions;
    if (adds_up(100, half)) ++percentages;
    if (adds_up(255, half)) ++bytes;
  }
}

void LogitRows::add(const LogitRows& more) noexcept {
  count += more.count;
  probabilities += more.probabilities;
  fractions += more.fractions;
  percentages += more.percentages;
  bytes += more.bytes;
}

std::optional<std::string> doubt(const LogitRows& rows, std::size_t images) {
  if (rows.count == 0) return std::nullopt;
  const std::string remedy =
      ": does the network end in a sigmoid or a softmax that its file does not show? Then save it without";
  if (rows.probabilities == rows.count) {
    return "what was read as logits looks like probabilities, of every image" + remedy;
  }
  if (rows.percentages == rows.count) {
    return "what was read as logits adds up to 100 for every image, and may be percentages" + remedy;
  }
  if (rows.bytes == rows.count) {
    return "what was read as logits adds up to 255 for every image, and may be probabilities in the range of a byte" +
           remedy;
  }
  if (rows.fractions == rows.count) {
    // The logits of a few images may lie there as well.
    constexpr std::size_t enough = 20;
    const std::string seen = "what was read as logits lies between 0 and 1 for every image, ";
    if (images >= enough) return seen + "and may be probabilities" + remedy;
    return seen + "of which there are too few to tell whether these are probabilities" + remedy;
  }
  return std::nullopt;
}

}  // namespace stagemark
