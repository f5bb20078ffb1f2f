#pragma once

#include <optional>
#include <string>

#include "stagemark/core/speed_comparison.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// What counts as different.
struct ComparisonCriteria {
  SpeedCriteria speed;
  double accuracy_margin = 0.005;  ///< the largest drop of accuracy that is `kept`, as a proportion below 1
};

/// Compares every approach with one of them, and ranks all by speed, from what the report holds of each inference: the
/// same for a report that was just made and for one that was read. Needs no approach to have worked; what cannot be said
/// is absent, with the reason.
/// Latency: paired by round; Holm's adjustment over the candidates, for each stage. Accuracy: paired by image.
/// \param baseline name of the approach to compare with; absent: the first
/// \throws UsageError a criterion that is out of its range
/// \throws InputError if there is no such approach, and for a report that cannot be, as `gate`
void compare_approaches(Report& report, const ComparisonCriteria& criteria = {},
                        const std::optional<std::string>& baseline = std::nullopt);

/// Adds the comparisons of another report's approaches with an approach of this one. They did not take turns, so that the
/// speed-up is a ratio of medians without an interval or a verdict ("not_interleaved"), unless both reports were made on
/// one machine and hold the process runs that a stored baseline needs: then the interval is Student's t over these runs.
/// \param name what the other report is called: stands behind the names of its approaches
void compare_with_report(Report& report, const Report& other, const std::string& name,
                         const ComparisonCriteria& criteria = {},
                         const std::optional<std::string>& baseline = std::nullopt);

}  // namespace stagemark
