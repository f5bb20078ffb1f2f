#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "session/report_directory.hpp"
#include "stagemark/backend/approach_request.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/session/report_observer.hpp"
#include "stagemark/session/run_request.hpp"
#include "stagemark/suite/dataset.hpp"

namespace stagemark {

/// Files by the approach or engine that they are for.
class BoundFiles {
 public:
  /// \throws UsageError naming the parameter
  BoundFiles(const char* parameter, const std::vector<BoundFile>& files, const std::vector<Approach>& approaches);

  [[nodiscard]] std::optional<std::filesystem::path> of(const Approach& approach) const;

 private:
  std::map<std::string, std::filesystem::path> files_;
};

/// All that is found out and made before anything is measured.
struct PreparedRun {
  std::vector<ApproachRequest> requests;                      ///< resolved, with the files that their engines open
  std::vector<std::optional<std::filesystem::path>> workers;  ///< other builds to host them
  std::vector<std::vector<std::string>> left_out;             ///< of each one's model: `left_out_of`
  Dataset dataset;
  ReportContext context;                       ///< without the environment
  std::unique_ptr<ReportDirectory> directory;  ///< empty: nothing is written
};

/// Refuses what does not fit, lists the images, makes the files that engines open, and the place for the report. What can
/// be told without listing images is told before.
/// \param prepared is given each approach as soon as it can be opened
/// \throws as `run_benchmark`
PreparedRun prepare_run(const RunRequest& request, const BackendRegistry& registry, std::size_t threads,
                        std::size_t max_batch, const std::function<void(const ApproachRequest&)>& prepared);

/// Where no approach got as far as an image there is nothing to report. \throws BackendError with what the first says
void expect_something_measured(const SuiteResult& result);

/// What was taken for granted of the models, and what of them is not used, stands with their results.
void add_assumptions(const PreparedRun& run, Report& report);

/// Shows the report, and writes it where it is to be. \throws OutputError
void hand_over(const PreparedRun& run, const Report& report, ReportObserver& observer);

}  // namespace stagemark
