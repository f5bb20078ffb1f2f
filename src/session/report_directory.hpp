#pragma once

#include <filesystem>

#include "stagemark/report/report.hpp"
#include "stagemark/session/run_request.hpp"

namespace stagemark {

/// Where a run's report goes. Made before the run: an hour of measuring must not end at a directory that cannot be written.
class ReportDirectory {
 public:
  /// \throws OutputError if it cannot be written, or holds a report that is not to be overwritten
  explicit ReportDirectory(const ReportOutput& output);
  ReportDirectory(const ReportDirectory&) = delete;
  ReportDirectory& operator=(const ReportDirectory&) = delete;
  ~ReportDirectory();

  [[nodiscard]] std::filesystem::path json() const { return directory_ / "report.json"; }
  [[nodiscard]] std::filesystem::path html() const { return directory_ / "report.html"; }

  /// Both files or neither: where one cannot be written, an old report stays as it was.
  /// \throws OutputError
  void write(const Report& report) const;

 private:
  void link_latest() const;

  bool by_time_;
  std::filesystem::path there_before_;  ///< the innermost of the directories that was
  std::filesystem::path directory_;
};

}  // namespace stagemark
