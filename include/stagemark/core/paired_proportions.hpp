#pragma once

#include <cstdint>
#include <optional>

#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/statistics.hpp"

// Accuracy of two approaches on the same images. Deltas are candidate - baseline: below 0 is worse. Margins are the
// largest drop allowed, as a proportion (0.005 is half a point), in [0, 1); exactly at the margin is within it.
// Confidences are in (0, 1). Anything else is std::invalid_argument.

namespace stagemark {

/// How many images each of two approaches has right.
struct PairedOutcomes {
  std::uint64_t both_right = 0;
  std::uint64_t harmful = 0;  ///< right with the baseline, wrong with the candidate
  std::uint64_t helpful = 0;  ///< the reverse
  std::uint64_t both_wrong = 0;

  [[nodiscard]] std::uint64_t count() const { return both_right + harmful + helpful + both_wrong; }
};

/// `decisions_differ`: one of the approaches decides otherwise when an image is repeated, so that flips tell nothing.
enum class AccuracyVerdict : std::uint8_t { kept, lost, inconclusive, decisions_differ };
template <>
inline constexpr EnumNames<AccuracyVerdict, 4> enum_names<AccuracyVerdict> = {
    {{AccuracyVerdict::kept, "kept"},
     {AccuracyVerdict::lost, "lost"},
     {AccuracyVerdict::inconclusive, "inconclusive"},
     {AccuracyVerdict::decisions_differ, "decisions_differ"}}};

/// The most images that may be lost within the margin: 3 of 624 at half a point.
std::uint64_t images_within(double margin, std::uint64_t count);

/// On these very images, where nothing is left to chance: `kept` or `lost`. Absent without images.
std::optional<AccuracyVerdict> accuracy_verdict(const PairedOutcomes& outcomes, double margin);

/// On the population that the images were drawn from: `kept` where Tango's one-sided test rejects a drop of the margin
/// or more at `level`, `lost` where it rejects one of the margin or less, else `inconclusive`. Absent without images.
std::optional<AccuracyVerdict> population_accuracy_verdict(const PairedOutcomes& outcomes, double margin,
                                                           double level = 0.05);

/// The smallest number of images with which the population's accuracy would be `kept`, if both rates of discordance held
/// at what they are here. Absent where no number would do, because the drop seen is the margin or more, or there are no
/// images.
std::optional<std::uint64_t> images_needed(const PairedOutcomes& outcomes, double margin, double level = 0.05);

/// McNemar's exact two-sided p-value of equal accuracy; 1 without a discordant image.
double mcnemar_exact(const PairedOutcomes& outcomes);

/// McNemar's mid-p-value, less conservative (Fagerland, Lydersen & Laake 2013).
double mcnemar_mid_p(const PairedOutcomes& outcomes);

/// Tango's (1998) score statistic of a drop of exactly `drop`, in (-1, 1): normal where that is the truth, and falling
/// as `drop` rises. 0 without images, and where drop and discordance are all 0.
double tango_statistic(const PairedOutcomes& outcomes, double drop);

/// Tango's score interval of the accuracy delta. Absent without images.
std::optional<Interval> tango_interval(const PairedOutcomes& outcomes, double confidence = 0.95);

/// Newcombe's (1998b) method 10 interval of the accuracy delta, square-and-add of Wilson's. Absent without images.
std::optional<Interval> newcombe_interval(const PairedOutcomes& outcomes, double confidence = 0.95);

}  // namespace stagemark
