// Any bytes as a report: a report that writes and reads back the same, and that can be compared and judged, or an
// InputError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/judgement/compare.hpp"
#include "stagemark/judgement/gate.hpp"
#include "stagemark/judgement/machine_noise.hpp"

namespace {

using namespace stagemark;

template <class Use>
void use(const Use& what) {
  try {
    what();
  } catch (const InputError&) {
    // a report that cannot be judged
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Report report;
  try {
    std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
    report = read_json(in, "fuzz.json");
  } catch (const InputError&) {
    return 0;
  }
  std::stringstream json;
  write_json(json, report);
  if (read_json(json, "again.json") != report) std::abort();

  GateCriteria criteria;
  criteria.latencies = {GatedLatency{}, {Stage::inference, GatedLatency::Statistic::p90}};
  criteria.max_flips.emplace(std::size_t{3});
  use([&] { (void)gate(report, criteria); });
  criteria.max_drops = {{.metric = Metric::auroc, .most = 0.01}};
  criteria.estimand = Estimand::population;
  use([&] { (void)gate_against_stored(report, report, criteria); });
  use([&] { (void)noise_of(report); });
  use([&] { (void)noise_warnings(report, report, criteria); });
  const Report other = report;
  use([&] { compare_with_report(report, other, "other"); });
  use([&] { compare_approaches(report); });
  return 0;
}
