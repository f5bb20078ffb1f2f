#include "session/report_directory.hpp"

#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <system_error>

#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/session/html_file.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

constexpr const char* elsewhere = "choose another with `output`";

/// Colons are not for file names everywhere.
std::string file_name_of(std::string timestamp) {
  std::replace(timestamp.begin(), timestamp.end(), ':', '-');
  return timestamp;
}

}  // namespace

ReportDirectory::ReportDirectory(const ReportOutput& output) : by_time_(output.by_time), directory_(output.directory) {
  if (by_time_) directory_ /= file_name_of(utc_timestamp());
  const fs::path first = directory_;
  std::error_code error;
  there_before_ = first;
  while (!there_before_.empty() && !fs::exists(there_before_, error)) there_before_ = there_before_.parent_path();
  bool made = fs::create_directories(directory_, error);
  // Another run may have begun in the same second.
  for (int copy = 2; by_time_ && !made && !error; ++copy) {
    directory_ = first.string() + "-" + std::to_string(copy);
    made = fs::create_directory(directory_, error);
  }
  if (error) throw OutputError("cannot be made: " + error.message(), directory_.string(), elsewhere);
  if (!output.overwrite && fs::exists(json())) {
    throw OutputError("there is a report already", json().string(),
                      "choose another `output`, or overwrite it with `overwrite`");
  }
  if (access(directory_.c_str(), W_OK | X_OK) != 0)
    throw OutputError("cannot be written", directory_.string(), elsewhere);
}

ReportDirectory::~ReportDirectory() {
  // Those that are empty: a run that came to nothing leaves nothing.
  for (fs::path made = directory_; made != there_before_ && rmdir(made.c_str()) == 0;) made = made.parent_path();
}

void ReportDirectory::write(const Report& report) const {
  write_files_atomically({{json(), [&](std::ostream& out) { write_json(out, report); }},
                          {html(), [&](std::ostream& out) { write_illustrated_html(out, report); }}});
  if (by_time_) link_latest();
}

/// Points `latest` at the newest of the directories that were named by the time.
void ReportDirectory::link_latest() const {
  const fs::path link = directory_.parent_path() / "latest";
  const fs::path fresh = directory_.parent_path() / (".latest." + std::to_string(getpid()) + ".tmp");
  std::error_code error;  // a convenience: where links cannot be made, the report is there all the same
  fs::remove(fresh, error);
  fs::create_directory_symlink(directory_.filename(), fresh, error);
  if (!error) fs::rename(fresh, link, error);
  if (error) fs::remove(fresh, error);
}

}  // namespace stagemark
