#include "stagemark/judgement/machine_noise.hpp"

#include <array>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "paired_inferences.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/noise_estimate.hpp"

namespace stagemark {
namespace {

std::string percent(double ratio) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2g %%", 100 * ratio);
  return text.data();
}

}  // namespace

CalibrationReport calibrate(const Report& report) {
  if (report.results.size() < 2) throw InputError("a calibration takes an approach twice", "the calibration");
  const ApproachReport& one = report.results[0];
  const ApproachReport& other = report.results[1];
  for (const ApproachReport* side : {&one, &other}) {
    if (side->error) throw InputError("'" + side->approach + "' failed: " + *side->error, "the calibration");
  }
  const Pair pair = pair_approaches(one, other, failed_images(report));
  const std::vector<PairedRound> rounds = paired_rounds(times_by_round(pair, Stage::total));
  if (rounds.empty()) throw InputError("no round was measured", "the calibration", "measure more images");
  std::set<std::size_t> generations;
  for (const PairedRound& round : rounds) generations.insert(round.generation);
  const Calibration calibration =
      calibrate(rounds, {.rounds = rounds.size(), .generations = generations.size(), .confidence = 0.95});

  CalibrationReport result;
  result.approach = one.approach;
  result.rounds = rounds.size();
  result.generations = generations.size();
  result.between_round_sd =
      OrReason<double>::of(calibration.between_round_sd, "no generation of workers measured two rounds");
  const std::string too_few = "needs two generations of workers: --processes 2 or more";
  result.between_process_sd = OrReason<double>::of(calibration.between_process_sd, too_few);
  result.autocorrelation_time = calibration.autocorrelation_time;
  result.smallest_detectable_change = OrReason<double>::of(
      calibration.smallest_detectable_change, result.between_round_sd ? too_few : result.between_round_sd.reason);
  result.false_difference_rate = OrReason<double>::of(calibration.false_difference_rate, too_few);
  return result;
}

std::vector<std::string> calibration_warnings(const Report& calibration, const Report& report,
                                              const GateCriteria& criteria) {
  if (!calibration.calibration) {
    throw InputError("the report holds no calibration", "--calibration", "name one that 'stagemark calibrate' wrote");
  }
  const CalibrationReport& noise = *calibration.calibration;
  if (calibration.environment.fingerprint != report.environment.fingerprint) {
    return {"the calibration is of another machine and says nothing of this run"};
  }
  std::vector<std::string> warnings;
  if (noise.smallest_detectable_change && *noise.smallest_detectable_change > criteria.max_slowdown &&
      !criteria.latencies.empty()) {
    warnings.push_back("the margin of " + percent(criteria.max_slowdown) + " is below the noise of this machine: " +
                       std::to_string(noise.rounds) + " rounds in " + std::to_string(noise.generations) +
                       " generations tell " + percent(*noise.smallest_detectable_change) +
                       " apart; allow more with --max-slowdown or measure longer");
  }
  if (noise.false_difference_rate && *noise.false_difference_rate > 0.1) {
    warnings.push_back("on this machine " + percent(*noise.false_difference_rate) +
                       " of comparisons of an approach with itself find a difference, 5 % are promised");
  }
  return warnings;
}

}  // namespace stagemark
