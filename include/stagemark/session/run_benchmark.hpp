#pragma once

#include "stagemark/backend/toolkit.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/session/report_observer.hpp"
#include "stagemark/session/run_request.hpp"
#include "stagemark/suite/run_observer.hpp"

namespace stagemark {

/// Told what a session does, and what its run does.
class SessionObserver : public RunObserver, public ReportObserver {};

/// Prepares the models, measures every approach in workers of its own (or in this process), watches the machine meanwhile,
/// compares, and writes the report where the request says so. An approach that fails is in the report with its reason and
/// the others go on; `expect_complete` turns that into an error. Where the observer ends the run, the report holds what
/// was measured and says that it was interrupted.
/// \throws UsageError   an approach, a model or an option that does not fit, before anything else
/// \throws BackendError, ModelError what cannot be had here, before images are listed; or that no approach worked
/// \throws InputError   images that cannot be read; OutputError
Report run_benchmark(const RunRequest& request, SessionObserver& observer, const Toolkit& toolkit = built_in_toolkit());
Report run_benchmark(const RunRequest& request);

/// Measures the request's one approach against itself: the report also holds what that tells of the machine
/// (`Report::noise`), unless the run was interrupted or failed. Ten generations of workers, if the request names no
/// other number.
/// \throws as `run_benchmark`; UsageError if there is more than one approach
Report measure_machine_noise(RunRequest request, SessionObserver& observer,
                             const Toolkit& toolkit = built_in_toolkit());

/// \throws BackendError if an approach of the report failed
/// \throws InputError   if more of the files found were skipped than that
void expect_complete(const Report& report, const CountOrShare& max_skipped = 0.1);

}  // namespace stagemark
