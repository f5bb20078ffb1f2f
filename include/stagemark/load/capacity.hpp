#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/margin.hpp"
#include "stagemark/core/or_reason.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/load/load_point.hpp"

// The highest offered rate at which a service level holds: where it was seen to hold and to fail, what it was in each
// generation, and how two approaches' compare. Rates are queries a second.

namespace stagemark {

/// The share of queries over the bound at one rate, in one generation.
struct ShareOver {
  double rate = 0;
  double share = 0;
  std::size_t queries = 0;
};

/// The rate at which the share over the bound reaches `share`: linear in the logarithm of the rate between neighbours
/// of the isotonic regression of the shares (pool adjacent violators, weighted by queries; Barlow et al. 1972).
/// \param points in any order
/// \return absent with the reason where all shares are on one side
/// \throws std::invalid_argument if a rate is not above 0 and finite, a share not in [0, 1], or no query was sent
OrReason<double> interpolated_capacity(std::vector<ShareOver> points, double share);

/// A candidate's capacity against its baseline's.
struct CapacityRatio {
  double ratio = 1;  ///< above 1: the candidate serves more
  Interval interval;
  double p_value = 1;  ///< of equal capacities, two-sided
  /// Of a difference of `CapacityCriteria::practical` or more, either way: the larger of two one-sided tests.
  double p_practical_difference = 1;
};

struct CapacityCriteria {
  double confidence = 0.95;
  double practical = 0.01;  ///< relative difference below which nobody cares, either way
};

/// Student's t over the generations, on the logarithms of their ratios: generation i of both met the same arrivals.
/// \return absent with the reason below two generations, or where one of them has no capacity
/// \throws std::invalid_argument if the numbers differ, a capacity is not above 0, or a criterion is out of range
OrReason<CapacityRatio> compare_capacities(std::span<const OrReason<double>> baseline,
                                           std::span<const OrReason<double>> candidate,
                                           const CapacityCriteria& criteria = {});

/// Tests whether the candidate's capacity is below (1 - drop) x the baseline's: `p_beyond` is small where it is. By
/// Student's t as `compare_capacities`, and as absent as that. \throws std::invalid_argument as that, and if the drop is
/// not in [0, 1)
OrReason<MarginTest> test_capacity_drop(std::span<const OrReason<double>> baseline,
                                        std::span<const OrReason<double>> candidate, double drop);

enum class CapacityVerdict : std::uint8_t { higher, lower, no_difference, inconclusive };
template <>
inline constexpr EnumNames<CapacityVerdict, 4> enum_names<CapacityVerdict> = {
    {{CapacityVerdict::higher, "higher"},
     {CapacityVerdict::lower, "lower"},
     {CapacityVerdict::no_difference, "no_difference"},
     {CapacityVerdict::inconclusive, "inconclusive"}}};

struct CapacityDecision {
  double p_adjusted = 1;  ///< `p_value` by Holm over the family; 1 where there is no ratio
  CapacityVerdict verdict = CapacityVerdict::inconclusive;
};

/// Verdicts on a family of comparisons, by the rules of `decide_speed`: `higher` and `lower` are different after Holm's
/// adjustment and by at least `practical`, `no_difference` is less than that after Holm's adjustment. Where there is no
/// ratio it is `inconclusive`, and counts in the family.
std::vector<CapacityDecision> decide_capacities(std::span<const OrReason<CapacityRatio>> family,
                                                const CapacityCriteria& criteria = {});

/// How a capacity is searched.
struct SearchPlan {
  double share = 0.01;          ///< of queries that may be over the bound: 1 - quantile of the service level
  double predicted = 0;         ///< rate to begin at: the capacity in a replay of measured batch times
  double lowest = 0;            ///< a level that does not hold there holds nowhere
  double highest = 0;           ///< no rate above it is probed: somewhat more than the offline rate
  double resolution = 1.05;     ///< ratio of neighbouring rates that is near enough
  std::size_t most_rates = 16;  ///< probed at most
};

/// What a search has found: an interval whose ends were both observed.
struct CapacityRange {
  std::optional<double> passed;  ///< highest rate that was `within`
  std::optional<double> failed;  ///< lowest that was `beyond` or `unstable`
  std::string reason;            ///< why an end is absent, or the search ended early; else empty
};

/// Which rates to probe, one after the other: a state machine. It brackets the capacity around the prediction, halves the
/// larger gap, on a logarithmic scale, between rates that passed, could not be told, and failed, and at last goes
/// outwards until each generation has a capacity of its own. A rate of which one could not tell is on neither side.
///
/// With verdicts of `test_service_level` on five generations the range held the capacity that theory gives in 96 % of
/// 2,000 searches (tests/performance/load_proofs.cpp).
class CapacitySearch {
 public:
  /// \throws std::invalid_argument unless 0 < lowest <= predicted <= highest, all finite, the share is in (0, 1), the
  ///         resolution is above 1, and there is at least one rate
  explicit CapacitySearch(const SearchPlan& plan);

  /// The rate to probe next; absent when the search has ended.
  [[nodiscard]] std::optional<double> next() const;

  /// What a rate gave; it need not be one that was asked for: approaches may share their rates. The last verdict on a
  /// rate stands; `invalid` is as `undecided`.
  /// \param generations a share of each at this rate, always in one order; or none
  /// \throws std::invalid_argument if the rate is not above 0 and finite, or a share is of another rate, or their number
  ///         is not that of other rates
  void add(double rate, LoadVerdict verdict, std::span<const ShareOver> generations = {});

  /// What is known so far. Where verdicts contradict one another, the lowest rate that failed stands.
  [[nodiscard]] CapacityRange range() const;

  /// `interpolated_capacity` of each generation, from all rates.
  [[nodiscard]] std::vector<OrReason<double>> of_generations() const;

 private:
  struct Probe {
    LoadVerdict verdict = LoadVerdict::undecided;
    std::vector<ShareOver> generations;
  };

  [[nodiscard]] std::optional<double> passed() const;
  [[nodiscard]] std::optional<double> failed() const;
  [[nodiscard]] std::optional<double> below(double step) const;
  [[nodiscard]] std::optional<double> above(double step) const;
  [[nodiscard]] std::optional<double> wanted() const;
  [[nodiscard]] std::optional<double> wanted_of_generations() const;

  SearchPlan plan_;
  std::map<double, Probe> probes_;
};

}  // namespace stagemark
