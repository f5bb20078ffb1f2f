#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/core/metrics.hpp"
#include "stagemark/core/paired_proportions.hpp"
#include "stagemark/core/speed_comparison.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// The same inference in the columns of two approaches.
struct PairedRow {
  std::size_t baseline = 0;
  std::size_t candidate = 0;
};

/// All that two approaches of a run have in common: inferences of the same image in the same round, in order.
struct Pair {
  const ApproachReport& baseline;
  const ApproachReport& candidate;
  std::vector<PairedRow> rows;
};

/// Times of one round, of calls that both approaches have.
struct RoundTimes {
  std::vector<double> baseline, candidate;  ///< nanoseconds
  std::size_t generation = 0;
};

/// Images that failed with any approach that went on: left out of every comparison, so that all are about the same.
std::set<std::string_view> failed_images(const Report& report);

Pair pair_approaches(const ApproachReport& baseline, const ApproachReport& candidate,
                     const std::set<std::string_view>& failed);

/// Of different runs: the first inference of each image with each, whatever the round.
Pair pair_by_image(const ApproachReport& baseline, const ApproachReport& candidate);

/// By round, in order.
std::vector<RoundTimes> times_by_round(const Pair& pair, Stage stage);

/// Of the median of each round, or of what else sums up a round's times.
using RoundStatistic = double (*)(std::span<const double> times);
std::vector<PairedRound> paired_rounds(std::span<const RoundTimes> rounds, RoundStatistic statistic = median);

/// ln of a statistic of the stage's times in each process of a run; its unit where runs of different days are compared.
std::vector<double> log_times_by_process(const ApproachReport& result, Stage stage,
                                         const std::function<double(std::span<const double> sorted)>& statistic);

/// Each image that both classified once: its first inference with both.
std::vector<PairedRow> first_inferences(const Pair& pair);

/// Right and wrong decisions on these rows. Absent if there are none, or an image has no label.
std::optional<PairedOutcomes> paired_outcomes(const Pair& pair, std::span<const PairedRow> rows);

/// Why flips and accuracy tell nothing: one of the two decides otherwise where an image is repeated. Absent if none does.
std::optional<std::string> why_decisions_differ(const Pair& pair);

/// What both said of the same images, as the metrics of a binary task score it.
struct PairedScores {
  std::vector<ScoredImage> baseline, candidate;
};

/// Of the rows with a label. \pre the data set has two classes
PairedScores paired_scores(const Pair& pair, std::span<const PairedRow> rows, const DatasetReport& dataset);

/// The approach of that name, or the first. \throws InputError that lists the names there are
std::size_t approach_index(const Report& report, const std::optional<std::string>& name);

}  // namespace stagemark
