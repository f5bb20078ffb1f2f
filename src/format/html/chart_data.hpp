#pragma once

#include <string>
#include <vector>

#include "stagemark/core/stage.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// Whether there are times to show.
bool has_times(const ApproachReport& result);

/// The stages that a bar of `total` is cut into.
std::vector<Stage> parts_of(const ApproachReport& result);

/// What page.js draws, as JSON that may stand in a script element.
std::string chart_data(const Report& report);

}  // namespace stagemark
