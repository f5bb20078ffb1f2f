#pragma once

#include <optional>
#include <string>

#include "stagemark/judgement/gate.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// What the first two approaches of a run tell of its machine, which must be one and the same approach.
/// \throws InputError if they are not, if one of them failed, or if they share no round
[[nodiscard]] NoiseReport noise_of(const Report& report);

/// Why the noise of a machine speaks against these criteria: a margin that is smaller than what the machine can tell
/// apart, more false alarms than promised; or why it says nothing of this report.
/// \param calibration a report that holds the noise
/// \throws InputError if it holds none
[[nodiscard]] std::vector<std::string> noise_warnings(const Report& calibration, const Report& report,
                                                      const GateCriteria& criteria);

}  // namespace stagemark
