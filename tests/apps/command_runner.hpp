#pragma once

#include <filesystem>
#include <string>

namespace stagemark {

struct CommandResult {
  int exit_code = -1;
  std::string out;
  std::string error;
};

/// Runs the stagemark binary with the arguments, given as a shell would take them. `before` goes in front of the
/// command, e.g. an assignment or a limit.
CommandResult run_stagemark(const std::string& arguments, const std::string& before = "");

/// A directory of its own for one test, gone afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::string str() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace stagemark
