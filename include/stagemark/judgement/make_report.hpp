#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stagemark/report/report.hpp"

namespace stagemark {

struct SuiteResult;

/// What a run's result does not hold. Left empty, it is filled with what is so where the report is made.
struct ReportContext {
  std::optional<ToolInfo> tool;          ///< absent: this library
  std::optional<std::string> timestamp;  ///< start of the run, ISO 8601, UTC; absent: now
  std::vector<std::string> argv;
  std::optional<Environment> environment;  ///< absent: this machine as it is now
  std::optional<Device> default_device;    ///< absent: chosen per approach
  std::optional<PreprocessingReport> preprocessing;
};

/// Computes all statistics and metrics of a run. A sample of a time is one call; untimed calls count for
/// accuracy only.
[[nodiscard]] Report make_report(const SuiteResult& result, const ReportContext& context = {});

}  // namespace stagemark
