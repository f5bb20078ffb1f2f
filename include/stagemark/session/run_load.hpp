#pragma once

#include <filesystem>
#include <optional>

#include "stagemark/backend/toolkit.hpp"
#include "stagemark/load/load_test.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/session/report_observer.hpp"
#include "stagemark/session/run_request.hpp"

namespace stagemark {

/// What to load and how: all that `stagemark load` can be told.
struct LoadRequest {
  /// Images, approaches, models and where the report goes. What says how single calls are measured is not looked at:
  /// `isolation`, `processes`, `options`, `go_on`; threads are those of `load.serving`.
  RunRequest run = {};
  LoadOptions load = {};
  std::optional<std::filesystem::path> trace = {};      ///< read into `load.trace`
  std::optional<std::filesystem::path> per_query = {};  ///< a CSV file with a line for each query
};

/// Told what a load session does, and what its test does.
class LoadSessionObserver : public LoadObserver, public ReportObserver {};

/// Prepares the models, loads every approach in workers of its own (`run_worker_if_asked` first in `main`), watches the
/// machine meanwhile, compares, and writes the report where the request says so. Errors, failed approaches and
/// interruptions as `run_benchmark`.
/// \throws UsageError also as `expect_usable(LoadOptions)`; BackendError also if an engine shares its threads among all
///         instances of a process and several are asked for; InputError also as `parse_trace`
Report run_load(const LoadRequest& request, LoadSessionObserver& observer, const Toolkit& toolkit = built_in_toolkit());

}  // namespace stagemark
