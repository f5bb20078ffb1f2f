#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "stagemark/judgement/gate.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

// When a run has measured enough.

namespace stagemark {

/// Rounds before the first look at the intervals, and between looks.
inline constexpr std::size_t rounds_before_first_look = 30;
inline constexpr std::size_t rounds_between_looks = 10;

/// Goes on until the 95 % interval of every candidate's speed-up reaches at most this far from its middle (0.01: 1 %
/// either way, on the logarithmic scale), or until the deadline. Looks at the width alone, never at the verdict, so that
/// verdicts keep their level. Where workers are renewed, each look has seen one generation more.
/// \throws UsageError unless the half width is above 0
[[nodiscard]] Continuation until_precise(double half_width, std::chrono::steady_clock::time_point deadline);

/// Measures as much again, once, if the gate cannot tell. Both looks are at `retry_gate_level`, and so must be the
/// gate that judges the result. \throws UsageError as `gate`
[[nodiscard]] Continuation retry_if_inconclusive(GateCriteria criteria,
                                                 std::optional<std::string> baseline = std::nullopt);

}  // namespace stagemark
