#pragma once

#include <string>
#include <vector>

#include "pending_check.hpp"
#include "stagemark/judgement/gate.hpp"
#include "stagemark/load/service_level.hpp"
#include "stagemark/report/load_report.hpp"

// What a gate asks of a load test beside decisions.

namespace stagemark {

/// \throws InputError unless the load was measured for that service level
void expect_measured_for(const LoadReport& load, const ServiceLevel& level);

/// The candidate's capacity against the baseline's, over generations that met the same arrivals. Where it has none that
/// could be compared, but was seen to fail at a rate below what is allowed, it fails.
/// \throws InputError if one of them was not measured, or its capacity was not searched
PendingCheck check_capacity_drop(const LoadReport& load, const std::string& baseline, const std::string& candidate,
                                 double drop);

/// What is asked of an approach whatever the others do: `min_capacity` and, where rates were given, `service_level`.
/// \throws InputError as `check_capacity_drop`
void add_checks_of_one(const LoadReport& load, const std::string& approach, const GateCriteria& criteria,
                       std::vector<PendingCheck>& pending);

}  // namespace stagemark
