#pragma once

#include <optional>
#include <string>

#include "stagemark/judgement/gate.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// What the first two approaches of a run tell of its machine, which must be one and the same approach.
/// \throws InputError if one of them failed, or if they share no round
CalibrationReport calibrate(const Report& report);

/// Why a calibration speaks against these criteria: a margin that is smaller than what the machine can tell apart, more
/// false alarms than promised; or why it says nothing of this report.
std::vector<std::string> calibration_warnings(const Report& calibration, const Report& report,
                                              const GateCriteria& criteria);

}  // namespace stagemark
