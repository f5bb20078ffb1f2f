#include "option_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace stagemark {
namespace {

/// The library's parameters and what the command calls them: nothing else in backticks is ours to translate, least of all
/// what a file is called or what another library says.
constexpr std::array<std::pair<std::string_view, std::string_view>, 58> options = {{
    {"accuracy_margin", "--max-accuracy-drop"},
    {"approach", "--approach"},
    {"approaches", "--approach"},
    {"balanced", "--balanced"},
    {"baseline", "--baseline"},
    {"baseline_approach", "--baseline-approach"},
    {"batch", "--batch"},
    {"calibration", "--calibration"},
    {"classes", "--classes"},
    {"concurrency", "--concurrency"},
    {"deadline", "--deadline"},
    {"device", "--device"},
    {"duration", "--duration"},
    {"estimand", "--estimand"},
    {"generations", "--processes"},
    {"half_width", "--target-ci"},
    {"hang_limit", "--hang-limit"},
    {"instances", "--instances"},
    {"isolation", "--isolation"},
    {"latencies", "--metric"},
    {"load", "'stagemark load'"},
    {"max_accuracy_drop", "--max-accuracy-drop"},
    {"max_batch", "--max-batch"},
    {"max_batch_delay", "--max-batch-delay"},
    {"max_capacity_drop", "--max-capacity-drop"},
    {"max_drops", "--max-drop"},
    {"max_duration", "--max-duration"},
    {"max_flips", "--max-flips"},
    {"max_skipped", "--max-skipped"},
    {"max_slowdown", "--max-slowdown"},
    {"min_capacity", "--min-capacity"},
    {"model", "--model"},
    {"models", "--model"},
    {"output", "--output"},
    {"overwrite", "--force"},
    {"passes", "--passes"},
    {"positive", "--positive"},
    {"preprocessing", "--resize"},
    {"processes", "--processes"},
    {"quantisation_images", "--calibration"},
    {"queue_limit", "--queue-limit"},
    {"rate", "--rate"},
    {"rates", "--rate"},
    {"resize", "--resize"},
    {"round_memory", "--round-memory"},
    {"round_memory_bytes", "--round-memory"},
    {"rounds", "--rounds"},
    {"run", "'stagemark run'"},
    {"samples_per_query", "--samples-per-query"},
    {"service_level", "--service-level"},
    {"sixteen_bit_grey", "--sixteen-bit"},
    {"stored", "--baseline"},
    {"threads", "--threads"},
    {"threshold", "--threshold"},
    {"trace", "--arrivals trace"},
    {"warmup", "--warmup"},
    {"worker", "--worker"},
    {"workers", "--worker"},
}};

std::string_view option_of(std::string_view parameter) {
  const auto* const known = std::ranges::find(options, parameter, [](const auto& entry) { return entry.first; });
  return known == options.end() ? std::string_view{} : known->second;
}

}  // namespace

std::string with_option_names(std::string_view text) {
  std::string result;
  for (;;) {
    const std::size_t open = text.find('`');
    const std::size_t close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) return result.append(text);
    const std::string_view option = option_of(text.substr(open + 1, close - open - 1));
    // What closes nothing of ours may open the next.
    const std::size_t taken = option.empty() ? close : close + 1;
    result.append(text.substr(0, open)).append(option.empty() ? text.substr(open, taken - open) : option);
    text.remove_prefix(taken);
  }
}

GateResult with_option_names(GateResult result) {
  for (GateCheck& check : result.checks) check.finding = with_option_names(check.finding);
  for (std::string& warning : result.warnings) warning = with_option_names(warning);
  return result;
}

}  // namespace stagemark
