#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/margin.hpp"
#include "stagemark/core/metrics.hpp"
#include "stagemark/core/stage.hpp"
#include "stagemark/load/service_level.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// A figure of latency that a gate looks at, e.g. `total:median`.
struct GatedLatency {
  enum class Statistic : std::uint8_t { median, mean, p90, p95, p99 };

  Stage stage = Stage::total;
  Statistic statistic = Statistic::median;

  bool operator==(const GatedLatency&) const = default;
};
template <>
inline constexpr EnumNames<GatedLatency::Statistic, 5> enum_names<GatedLatency::Statistic> = {
    {{GatedLatency::Statistic::median, "median"},
     {GatedLatency::Statistic::mean, "mean"},
     {GatedLatency::Statistic::p90, "p90"},
     {GatedLatency::Statistic::p95, "p95"},
     {GatedLatency::Statistic::p99, "p99"}}};

std::string to_string(const GatedLatency& latency);
/// `STAGE:STATISTIC`, or `STAGE` for its median. \throws UsageError that lists what there is
GatedLatency parse_gated_latency(std::string_view text);

/// What a drop of accuracy is a drop of.
enum class Estimand : std::uint8_t {
  dataset,    ///< accuracy on these very images, which is exact and always decides
  population  ///< accuracy on images like these, which takes many of them
};
template <>
inline constexpr EnumNames<Estimand, 2> enum_names<Estimand> = {
    {{Estimand::dataset, "dataset"}, {Estimand::population, "population"}}};

/// How far a metric may fall on these very images.
struct GatedDrop {
  Metric metric = Metric::accuracy;  ///< one that is better when larger
  double most = 0;                   ///< as a proportion: 0.005 is half a point

  bool operator==(const GatedDrop&) const = default;
};
/// The metric of that name. \throws UsageError that lists those that may drop
Metric parse_dropping_metric(std::string_view name);

/// What a candidate may cost. Ratios and proportions: 0.05 is 5 %, 0.005 half a point. Exactly at a limit is within it.
/// Slowdowns go up to 100 (a hundredfold), drops to below 1, a share of flips to 1.
///
/// Latencies are judged of runs, capacities and service levels of load tests. What the report cannot have is passed over
/// where it is as it stands here, and refused where it was asked for.
struct GateCriteria {
  double max_slowdown = 0.05;
  std::vector<GatedLatency> latencies = {GatedLatency{}};
  std::optional<double> max_capacity_drop = 0.05;  ///< absent: capacities are not compared
  std::optional<double> min_capacity;              ///< of every approach, the baseline too; queries a second
  /// The level that the load was measured for. Where rates were given, each of them must hold it, with every approach;
  /// where the capacity was searched, it says which.
  std::optional<ServiceLevel> service_level;
  std::optional<double> max_accuracy_drop = 0.005;  ///< absent: accuracy is not gated, and no labels are needed
  Estimand estimand = Estimand::dataset;
  std::vector<GatedDrop> max_drops;  ///< beside accuracy; of two classes
  /// Decisions that may differ from the baseline's, right or wrong: a count, or a share of the images.
  std::optional<std::variant<std::size_t, double>> max_flips;
  double level = interleaved_gate_level;  ///< one-sided, over the family of all statistical checks
};

/// One thing that was checked.
struct GateCheck {
  std::string candidate;
  /// `total:median`, `accuracy`, `auroc`, `flips`; `failures`, where the candidate has some; of a load `capacity:drop`,
  /// `capacity:min`, `service_level:10/s` or, where no rate was offered, `service_level`.
  std::string metric;
  GateOutcome outcome = GateOutcome::inconclusive;
  std::string finding;  ///< what was seen and what was allowed, in one sentence
};

struct GateResult {
  std::string baseline;  ///< what the candidates were judged against
  std::vector<GateCheck> checks;
  GateOutcome outcome = GateOutcome::inconclusive;  ///< of all together
  std::vector<std::string> warnings;
  std::vector<std::string> changes;  ///< since a stored baseline: what the difference may come from
};

/// Judges all approaches of a run or a load test against one of them, which took turns with them. An approach alone can
/// be judged by what is asked of it whatever others do: `min_capacity` and `service_level`.
/// \param baseline its name; absent: the first
/// \throws UsageError a criterion that is out of its range
/// \throws InputError where a pass would say nothing: no candidate, an approach that failed or is absent, a stage that
///         was not measured, a capacity that was not searched, another service level, no labels; and a report that cannot be: two approaches of one name, columns of unequal
///         length, a label that is none of the classes
[[nodiscard]] GateResult gate(const Report& report, const GateCriteria& criteria = {},
                              const std::optional<std::string>& baseline = std::nullopt);

/// Judges the approaches of a run against those of the same names in a stored one. The unit of latency is the process;
/// on another machine latency is inconclusive, and accuracy is judged all the same. `criteria.level` is not used: the
/// level is `stored_gate_level`.
/// \param baseline_approach the only one to judge; absent: all that the stored report has
/// \throws UsageError, InputError as `gate`, and if the data sets differ or one is a load test
[[nodiscard]] GateResult gate_against_stored(const Report& stored, const Report& report,
                                             const GateCriteria& criteria = {},
                                             const std::optional<std::string>& baseline_approach = std::nullopt);

}  // namespace stagemark
