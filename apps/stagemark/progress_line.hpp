#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>

#include "stagemark/suite/run_observer.hpp"

namespace stagemark {

/// "round 3/30  19.2 images/s  0:42 left  libtorch-fp32@cpu"
std::string progress_text(const RunProgress& progress, double images_per_second);

/// Shows where a run stands.
class ProgressLine {
 public:
  /// \param columns of the terminal, where the line is written over and over; absent: a line of its own every second
  ProgressLine(std::ostream& out, bool shown, std::optional<std::size_t> columns)
      : out_(out), shown_(shown), columns_(columns) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void opening(const std::string& approach);
  void warming_up(const std::string& approach);
  void progressed(const RunProgress& progress);

  /// Takes the line off the screen.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  void show(const std::string& text);

  std::ostream& out_;
  bool shown_;
  std::optional<std::size_t> columns_;
  bool on_screen_ = false;
  Clock::time_point started_{};
  Clock::time_point last_shown_{};
  std::size_t first_images_ = 0;  ///< done when `started_` was set
};

}  // namespace stagemark
