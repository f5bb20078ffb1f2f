#include "stagemark/judgement/machine_noise.hpp"

#include <set>
#include <string>
#include <vector>

#include "paired_inferences.hpp"
#include "preconditions.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/noise_estimate.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

[[noreturn]] void refuse_calibration(const std::string& problem, const std::string& remedy = {}) {
  throw InputError(problem, "the calibration", remedy);
}

/// Whether two results are of the same thing, under whatever names.
bool same_approach(const ApproachReport& one, const ApproachReport& other) {
  const auto sha256 = [](const ApproachReport& result) { return result.model ? result.model->sha256 : std::string(); };
  return one.engine == other.engine && one.precision == other.precision && one.device == other.device &&
         one.options == other.options && one.execution == other.execution && sha256(one) == sha256(other);
}

}  // namespace

NoiseReport noise_of(const Report& report) {
  expect_usable(report, "the report");
  if (report.results.size() < 2) refuse_calibration("a calibration takes an approach twice");
  const ApproachReport& one = report.results[0];
  const ApproachReport& other = report.results[1];
  for (const ApproachReport* side : {&one, &other}) {
    if (side->error) refuse_calibration("'" + side->approach + "' failed: " + *side->error);
  }
  if (!same_approach(one, other)) {
    refuse_calibration("'" + one.approach + "' and '" + other.approach + "' are not the same approach",
                       "measure one approach against itself");
  }
  const Pair pair = pair_approaches(one, other, failed_images(report));
  const std::vector<PairedRound> rounds = paired_rounds(times_by_round(pair, Stage::total));
  if (rounds.empty()) refuse_calibration("no round was measured", "measure more images");
  std::set<std::size_t> generations;
  for (const PairedRound& round : rounds) generations.insert(round.generation);
  const NoiseEstimate estimate =
      estimate_noise(rounds, {.rounds = rounds.size(), .generations = generations.size(), .confidence = 0.95});

  NoiseReport result;
  result.approach = one.approach;
  result.rounds = rounds.size();
  result.generations = generations.size();
  result.between_round_sd =
      OrReason<double>::of(estimate.between_round_sd, "no generation of workers measured two rounds");
  const std::string too_few = "needs two generations of workers: `processes` 2 or more";
  result.between_process_sd = OrReason<double>::of(estimate.between_process_sd, too_few);
  result.autocorrelation_time = estimate.autocorrelation_time;
  result.smallest_detectable_change = OrReason<double>::of(
      estimate.smallest_detectable_change, result.between_round_sd ? too_few : result.between_round_sd.reason);
  result.false_difference_rate = OrReason<double>::of(estimate.false_difference_rate, too_few);
  return result;
}

std::vector<std::string> noise_warnings(const Report& calibration, const Report& report, const GateCriteria& criteria) {
  expect_usable(criteria);
  if (!calibration.noise) {
    throw InputError("the report holds no calibration", "`calibration`",
                     "name one of an approach that was measured against itself");
  }
  const NoiseReport& noise = *calibration.noise;
  if (calibration.environment.fingerprint != report.environment.fingerprint) {
    return {"the calibration is of another machine and says nothing of this run"};
  }
  if (report.load) return {"the calibration is of single calls and says nothing of a load test"};
  std::vector<std::string> warnings;
  if (noise.smallest_detectable_change && *noise.smallest_detectable_change > criteria.max_slowdown &&
      !criteria.latencies.empty()) {
    warnings.push_back("the margin of " + significant_percent(criteria.max_slowdown, 2) +
                       " is below the noise of this machine: " + std::to_string(noise.rounds) + " rounds in " +
                       std::to_string(noise.generations) + " generations tell " +
                       significant_percent(*noise.smallest_detectable_change, 2) +
                       " apart; allow more with `max_slowdown` or measure longer");
  }
  if (noise.false_difference_rate && *noise.false_difference_rate > 0.1) {
    warnings.push_back("on this machine " + significant_percent(*noise.false_difference_rate, 2) +
                       " of comparisons of an approach with itself find a difference, 5 % are promised");
  }
  return warnings;
}

}  // namespace stagemark
