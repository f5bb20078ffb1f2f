#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// Two one-sided tests of a slowdown against a margin. A small `p_beyond` says that the slowdown is above the margin,
/// a small `p_within` that it is not; exactly at the margin is within it.
struct MarginTest {
  double p_beyond = 1;
  double p_within = 1;
};

enum class GateOutcome : std::uint8_t { pass, fail, inconclusive };

template <>
inline constexpr EnumNames<GateOutcome, 3> enum_names<GateOutcome> = {
    {{GateOutcome::pass, "pass"}, {GateOutcome::fail, "fail"}, {GateOutcome::inconclusive, "inconclusive"}}};

/// One-sided level of a gate over approaches that took turns in one run: that of a 95 % interval.
inline constexpr double interleaved_gate_level = 0.025;
/// One-sided level of a gate against a stored baseline.
inline constexpr double stored_gate_level = 0.01;
/// One-sided level of each look where an inconclusive result may be measured on, once: Pocock (1977), two looks,
/// .0294 two-sided, so that both together err no more often than one look at `interleaved_gate_level`.
inline constexpr double retry_gate_level = 0.0294 / 2;

/// p-values adjusted for their number (Holm 1979), in the order given: comparing each with a level keeps the chance of
/// any false rejection in the family below it. \throws std::invalid_argument unless all are in [0, 1].
std::vector<double> holm_adjusted(std::span<const double> p_values);

/// The outcome of each test of a family: `fail` where it is beyond the margin, `pass` where it is within it, each after
/// Holm's adjustment over the family at the one-sided `level`; else `inconclusive`.
std::vector<GateOutcome> gate_outcomes(std::span<const MarginTest> family, double level);

/// `fail` if any has failed, else `inconclusive` if any is, else `pass`.
/// \throws std::invalid_argument if there is none: what was not measured has not passed.
GateOutcome overall_outcome(std::span<const GateOutcome> outcomes);

}  // namespace stagemark
