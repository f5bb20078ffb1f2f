#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "probabilities.hpp"
#include "stagemark/core/metrics.hpp"
#include "stagemark/core/paired_auroc.hpp"

namespace stagemark {
namespace {

/// The area, and what each image adds to it: for a positive one the share of negatives below it, for a negative one
/// the share of positives above it, a tie counting half.
struct Placements {
  double area = 0;
  std::vector<double> of_positives, of_negatives;
};

// Sun & Xu (2014): ranks among all, less the rank in one's own class, count the members of the other class below.
// Absent unless both classes occur.
std::optional<Placements> placements(std::span<const ScoredImage> images) {
  require_probabilities(images);
  std::vector<double> pooled;
  pooled.reserve(images.size());
  for (const ScoredImage& image : images) {
    if (image.positive) pooled.push_back(image.probability);
  }
  const std::size_t positives = pooled.size();
  const std::size_t negatives = images.size() - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  for (const ScoredImage& image : images) {
    if (!image.positive) pooled.push_back(image.probability);
  }

  const auto m = static_cast<double>(positives);
  const auto n = static_cast<double>(negatives);
  const std::vector<double> ranks = midranks(pooled);
  const std::vector<double> positive_ranks = midranks(std::span(pooled).first(positives));
  const std::vector<double> negative_ranks = midranks(std::span(pooled).subspan(positives));
  const double rank_sum = std::accumulate(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(positives), 0.0);
  Placements result{.area = (rank_sum - m * (m + 1) / 2) / (m * n),
                    .of_positives = std::vector<double>(positives),
                    .of_negatives = std::vector<double>(negatives)};
  for (std::size_t i = 0; i < positives; ++i) result.of_positives[i] = (ranks[i] - positive_ranks[i]) / n;
  for (std::size_t j = 0; j < negatives; ++j) {
    result.of_negatives[j] = 1 - (ranks[positives + j] - negative_ranks[j]) / m;
  }
  return result;
}

// DeLong's variance of the mean placement, which is the area, or of a difference of two. Absent below two of a class.
std::optional<double> delong_variance(std::span<const double> of_positives, std::span<const double> of_negatives) {
  const auto positive_deviation = standard_deviation(of_positives);
  const auto negative_deviation = standard_deviation(of_negatives);
  if (!positive_deviation || !negative_deviation) return std::nullopt;
  return *positive_deviation * *positive_deviation / static_cast<double>(of_positives.size()) +
         *negative_deviation * *negative_deviation / static_cast<double>(of_negatives.size());
}

std::vector<double> differences(std::span<const double> minuends, std::span<const double> subtrahends) {
  std::vector<double> result(minuends.size());
  std::transform(minuends.begin(), minuends.end(), subtrahends.begin(), result.begin(), std::minus<>());
  return result;
}

}  // namespace

std::optional<Auroc> auroc(std::span<const ScoredImage> images) {
  const auto placed = placements(images);
  if (!placed) return std::nullopt;
  return Auroc{.area = placed->area, .variance = delong_variance(placed->of_positives, placed->of_negatives)};
}

std::optional<PairedAuroc> compare_auroc(std::span<const ScoredImage> baseline, std::span<const ScoredImage> candidate,
                                         double confidence) {
  const bool same_truth =
      std::equal(baseline.begin(), baseline.end(), candidate.begin(), candidate.end(),
                 [](const ScoredImage& a, const ScoredImage& b) { return a.positive == b.positive; });
  if (!same_truth) throw std::invalid_argument("both approaches must have scored the same images in the same order");
  const bool is_confidence = confidence > 0 && confidence < 1;  // false for NaN
  if (!is_confidence) throw std::invalid_argument("the confidence must be between 0 and 1");
  const auto of_baseline = placements(baseline);
  const auto of_candidate = placements(candidate);
  if (!of_baseline || !of_candidate) return std::nullopt;

  PairedAuroc result{
      .baseline = of_baseline->area, .candidate = of_candidate->area, .delta = of_candidate->area - of_baseline->area};
  // The variance of the differences of placements is C11 + C22 - 2 C12 without its cancellation.
  const auto variance = delong_variance(differences(of_candidate->of_positives, of_baseline->of_positives),
                                        differences(of_candidate->of_negatives, of_baseline->of_negatives));
  if (!variance) return result;
  result.standard_error = std::sqrt(*variance);
  if (*variance > 0) {
    result.p_value = 2 * normal_cdf(-std::abs(result.delta) / *result.standard_error);
  } else if (result.delta == 0) {
    result.p_value = 1;
  }
  if (result.p_value) {
    const double half_width = -normal_quantile((1 - confidence) / 2) * *result.standard_error;
    result.interval =
        Interval{.low = std::max(-1.0, result.delta - half_width), .high = std::min(1.0, result.delta + half_width)};
  }
  return result;
}

}  // namespace stagemark
