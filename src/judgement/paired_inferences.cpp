#include "paired_inferences.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

/// Inferences of the same image in the same round, in the baseline's order.
std::vector<PairedRow> pair_rows(const PerImage& baseline, const PerImage& candidate,
                                 const std::set<std::string_view>& failed) {
  std::map<std::uint32_t, std::unordered_map<std::string_view, std::size_t>> rows;
  for (std::size_t row = 0; row < candidate.path.size(); ++row) {
    if (const auto round = candidate.round[row]) rows[*round].emplace(candidate.path[row], row);
  }
  std::vector<PairedRow> pairs;
  for (std::size_t row = 0; row < baseline.path.size(); ++row) {
    const auto round = baseline.round[row];
    if (!round || failed.contains(baseline.path[row])) continue;
    const auto of_round = rows.find(*round);
    if (of_round == rows.end()) continue;
    const auto found = of_round->second.find(baseline.path[row]);
    if (found != of_round->second.end()) pairs.push_back({row, found->second});
  }
  return pairs;
}

}  // namespace

std::set<std::string_view> failed_images(const Report& report) {
  std::set<std::string_view> failed;
  for (const ApproachReport& result : report.results) {
    if (result.error) continue;
    for (const FileProblem& failure : result.failures) failed.insert(failure.path);
  }
  return failed;
}

Pair pair_approaches(const ApproachReport& baseline, const ApproachReport& candidate,
                     const std::set<std::string_view>& failed) {
  return {baseline, candidate, pair_rows(baseline.per_image, candidate.per_image, failed)};
}

std::vector<RoundTimes> times_by_round(const Pair& pair, Stage stage) {
  const PerImage& baseline = pair.baseline.per_image;
  const PerImage& candidate = pair.candidate.per_image;
  const auto baseline_times = baseline.stages_ns.find(stage);
  const auto candidate_times = candidate.stages_ns.find(stage);
  if (baseline_times == baseline.stages_ns.end() || candidate_times == candidate.stages_ns.end()) return {};
  std::map<std::uint32_t, RoundTimes> rounds;
  std::optional<std::uint32_t> last_call;
  for (const PairedRow& row : pair.rows) {
    const auto call = baseline.call[row.baseline];
    // Images of one call share its time, which counts once.
    if (call && std::exchange(last_call, call) == call) continue;
    const auto first = baseline_times->second[row.baseline];
    const auto second = candidate_times->second[row.candidate];
    if (!first || !second) continue;
    RoundTimes& times = rounds[*baseline.round[row.baseline]];
    times.baseline.push_back(static_cast<double>(*first));
    times.candidate.push_back(static_cast<double>(*second));
    times.generation = baseline.process[row.baseline].value_or(0);
  }
  std::vector<RoundTimes> result;
  result.reserve(rounds.size());
  for (auto& [index, times] : rounds) result.push_back(std::move(times));
  return result;
}

std::vector<PairedRound> paired_rounds(std::span<const RoundTimes> rounds, RoundStatistic statistic) {
  std::vector<PairedRound> paired;
  for (const RoundTimes& round : rounds) {
    const double baseline = statistic(round.baseline);
    const double candidate = statistic(round.candidate);
    // Shorter than the clock can tell: nothing can be said of a ratio.
    if (baseline > 0 && candidate > 0) paired.push_back({std::log(baseline) - std::log(candidate), round.generation});
  }
  return paired;
}

std::vector<double> log_times_by_process(const ApproachReport& result, Stage stage,
                                         const std::function<double(std::span<const double> sorted)>& statistic) {
  const PerImage& images = result.per_image;
  const auto column = images.stages_ns.find(stage);
  if (column == images.stages_ns.end()) return {};
  std::map<std::uint32_t, std::vector<double>> times;
  std::optional<std::uint32_t> last_call;
  for (std::size_t row = 0; row < images.path.size(); ++row) {
    const auto call = images.call[row];
    if (call && std::exchange(last_call, call) == call) continue;
    const auto time = column->second[row];
    if (time) times[images.process[row].value_or(0)].push_back(static_cast<double>(*time));
  }
  std::vector<double> values;
  values.reserve(times.size());
  for (auto& [process, of_process] : times) {
    std::ranges::sort(of_process);
    const double value = statistic(of_process);
    if (value > 0) values.push_back(std::log(value));
  }
  return values;
}

std::vector<PairedRow> first_inferences(const Pair& pair) {
  std::vector<PairedRow> rows;
  std::set<std::string_view> seen;
  for (const PairedRow& row : pair.rows) {
    const PerImage& baseline = pair.baseline.per_image;
    if (!baseline.predicted[row.baseline] || !pair.candidate.per_image.predicted[row.candidate]) continue;
    if (seen.insert(baseline.path[row.baseline]).second) rows.push_back(row);
  }
  return rows;
}

Pair pair_by_image(const ApproachReport& baseline, const ApproachReport& candidate) {
  std::unordered_map<std::string_view, std::size_t> rows;
  const PerImage& images = candidate.per_image;
  for (std::size_t row = 0; row < images.path.size(); ++row) rows.emplace(images.path[row], row);
  Pair pair{baseline, candidate, {}};
  for (std::size_t row = 0; row < baseline.per_image.path.size(); ++row) {
    const auto found = rows.find(baseline.per_image.path[row]);
    if (found != rows.end()) pair.rows.push_back({row, found->second});
  }
  return pair;
}

std::optional<std::string> why_decisions_differ(const Pair& pair) {
  for (const ApproachReport* approach : {&pair.baseline, &pair.candidate}) {
    const RepeatsReport repeats = approach->repeats.value_or(RepeatsReport{});
    if (repeats.other_decisions == 0) continue;
    return "decisions of '" + approach->approach + "' differ between repeats of the same image, in " +
           std::to_string(repeats.other_decisions) + " of " + std::to_string(repeats.compared);
  }
  return std::nullopt;
}

std::optional<PairedOutcomes> paired_outcomes(const Pair& pair, std::span<const PairedRow> rows) {
  PairedOutcomes outcomes;
  for (const PairedRow& row : rows) {
    const auto label = pair.baseline.per_image.label[row.baseline];
    if (!label) return std::nullopt;
    const bool was_right = pair.baseline.per_image.predicted[row.baseline] == label;
    const bool is_right = pair.candidate.per_image.predicted[row.candidate] == label;
    (was_right ? (is_right ? outcomes.both_right : outcomes.harmful)
               : (is_right ? outcomes.helpful : outcomes.both_wrong)) += 1;
  }
  return rows.empty() ? std::nullopt : std::optional(outcomes);
}

PairedScores paired_scores(const Pair& pair, std::span<const PairedRow> rows, const DatasetReport& dataset) {
  const auto positive = std::ranges::find(dataset.classes, dataset.positive ? *dataset.positive : std::string());
  const auto positive_index = static_cast<std::uint32_t>(positive - dataset.classes.begin());
  PairedScores scores;
  for (const PairedRow& row : rows) {
    const auto label = pair.baseline.per_image.label[row.baseline];
    const auto p = pair.baseline.per_image.probability[row.baseline];
    const auto q = pair.candidate.per_image.probability[row.candidate];
    if (!label || !p || !q) continue;
    // Stored is the probability of class index 1.
    const auto scored = [&](double probability, std::optional<std::uint32_t> predicted) {
      return ScoredImage{*label == positive_index, positive_index == 0 ? 1 - probability : probability,
                         predicted == positive_index};
    };
    scores.baseline.push_back(scored(*p, pair.baseline.per_image.predicted[row.baseline]));
    scores.candidate.push_back(scored(*q, pair.candidate.per_image.predicted[row.candidate]));
  }
  return scores;
}

std::size_t approach_index(const Report& report, const std::optional<std::string>& name) {
  if (!name) return 0;
  const auto found = std::ranges::find(report.results, *name, &ApproachReport::approach);
  if (found != report.results.end()) return static_cast<std::size_t>(found - report.results.begin());
  std::string known;
  for (const ApproachReport& result : report.results) known += (known.empty() ? "" : ", ") + result.approach;
  throw InputError({.problem = "there is no approach '" + *name + "' in the report", .remedy = "it has " + known});
}

}  // namespace stagemark
