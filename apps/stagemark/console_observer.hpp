#pragma once

#include <filesystem>
#include <string>

#include "interrupt.hpp"
#include "progress_line.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {

/// The progress on standard error. \param progress on, off, or auto: if it is a terminal
ProgressLine progress_on_stderr(const std::string& progress);

/// Prints the tables, with what could be measured here but is not there.
void print_measured(const Report& report);
void print_places(const std::filesystem::path& json, const std::filesystem::path& html);

/// What the commands that measure have in common: a progress line, Ctrl-C, and what is printed in the end.
template <class Observer>
class OnConsole : public Observer {
 public:
  explicit OnConsole(const std::string& progress) : line_(progress_on_stderr(progress)) {}

  void beginning() override { catch_interrupt(); }
  void opening(const std::string& approach) override { line_.opening(approach); }
  [[nodiscard]] bool interrupted() override { return interrupt_caught(); }
  void measured(const Report& report) override {
    line_.clear();
    print_measured(report);
  }
  void written(const std::filesystem::path& json, const std::filesystem::path& html) override {
    print_places(json, html);
  }

 protected:
  [[nodiscard]] ProgressLine& line() { return line_; }

 private:
  ProgressLine line_;
};

}  // namespace stagemark
