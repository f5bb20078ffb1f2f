#include "curves.hpp"

#include <algorithm>
#include <functional>

namespace stagemark {
namespace {

/// Walks through the images from the most probable on, and calls `at(tp, fp)` behind each group of equal probability.
template <class At>
void walk_by_probability(std::span<const ScoredImage> images, At&& at) {
  std::vector<ScoredImage> sorted(images.begin(), images.end());
  std::ranges::sort(sorted, std::greater<>(), &ScoredImage::probability);
  std::size_t tp = 0;
  std::size_t fp = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    (sorted[i].positive ? tp : fp) += 1;
    if (i + 1 == sorted.size() || sorted[i + 1].probability != sorted[i].probability) at(tp, fp);
  }
}

std::size_t positives_in(std::span<const ScoredImage> images) {
  return static_cast<std::size_t>(std::ranges::count(images, true, &ScoredImage::positive));
}

}  // namespace

std::vector<CurvePoint> thinned(std::vector<CurvePoint> points, std::size_t most) {
  if (points.size() <= most || most < 2) return points;
  std::vector<CurvePoint> kept;
  kept.reserve(most);
  for (std::size_t i = 0; i < most; ++i) kept.push_back(points[i * (points.size() - 1) / (most - 1)]);
  return kept;
}

std::vector<CurvePoint> empirical_distribution(std::span<const double> sorted, std::size_t most) {
  std::vector<CurvePoint> points;
  points.reserve(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    points.push_back({sorted[i], static_cast<double>(i + 1) / static_cast<double>(sorted.size())});
  }
  return thinned(std::move(points), most);
}

std::vector<CurvePoint> roc_curve(std::span<const ScoredImage> images) {
  const std::size_t positives = positives_in(images);
  const std::size_t negatives = images.size() - positives;
  if (positives == 0 || negatives == 0) return {};
  std::vector<CurvePoint> points = {{0, 0}};
  walk_by_probability(images, [&](std::size_t tp, std::size_t fp) {
    points.push_back({static_cast<double>(fp) / static_cast<double>(negatives),
                      static_cast<double>(tp) / static_cast<double>(positives)});
  });
  return points;
}

std::vector<CurvePoint> precision_recall_curve(std::span<const ScoredImage> images) {
  const std::size_t positives = positives_in(images);
  if (positives == 0) return {};
  std::vector<CurvePoint> points;
  walk_by_probability(images, [&](std::size_t tp, std::size_t fp) {
    points.push_back({static_cast<double>(tp) / static_cast<double>(positives),
                      static_cast<double>(tp) / static_cast<double>(tp + fp)});
  });
  return points;
}

std::vector<ReliabilityBin> reliability_curve(std::span<const ScoredImage> images, std::size_t bins) {
  std::vector<ReliabilityBin> all(bins);
  for (const ScoredImage& image : images) {
    const auto index = std::min(static_cast<std::size_t>(image.probability * static_cast<double>(bins)), bins - 1);
    ReliabilityBin& bin = all[index];
    ++bin.count;
    bin.mean_probability += image.probability;
    bin.share_positive += image.positive ? 1 : 0;
  }
  std::vector<ReliabilityBin> filled;
  for (ReliabilityBin bin : all) {
    if (bin.count == 0) continue;
    bin.mean_probability /= static_cast<double>(bin.count);
    bin.share_positive /= static_cast<double>(bin.count);
    filled.push_back(bin);
  }
  return filled;
}

}  // namespace stagemark
