#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stagemark/report/report.hpp"

namespace stagemark {

struct SuiteResult;

/// What a run's result does not hold.
struct ReportContext {
  ToolInfo tool;
  std::string timestamp;  ///< start of the run, ISO 8601, UTC
  std::vector<std::string> argv;
  Environment environment;
  std::optional<Device> default_device;  ///< absent: chosen per approach
  std::optional<PreprocessingReport> preprocessing;
};

/// Computes all statistics and metrics of a run. A sample of a time is one call; untimed calls count for
/// accuracy only.
Report make_report(const SuiteResult& result, const ReportContext& context);

}  // namespace stagemark
