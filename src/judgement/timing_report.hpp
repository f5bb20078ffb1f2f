#pragma once

#include <string>
#include <vector>

#include "stagemark/report/report.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

// Statistics of the times of one approach. A sample is one timed call.

namespace stagemark {

ByStage<StageStatistics> stage_statistics(const ApproachResult& result);

/// Mean over the timed calls of `total` (asynchronous: `total_with_waits`) less the stages that it consists
/// of.
OrReason<double> unattributed_mean(const ApproachResult& result);

/// Images of the timed calls over their time in `total`.
OrReason<double> images_per_second(const ApproachResult& result);

Drift drift_of(const ApproachResult& result);

/// One sentence for each sign that `total` did not stay the same.
std::vector<std::string> drift_warnings(const Drift& drift, std::size_t count);

std::vector<RoundReport> round_reports(const ApproachResult& result);

HarnessCost harness_cost(const ApproachResult& result, std::chrono::duration<double, std::nano> clock_reading);

/// Why an approach has no times.
std::string why_no_times(const ApproachResult& result);

}  // namespace stagemark
