#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>

#include "stagemark/load/load_test.hpp"
#include "stagemark/suite/run_observer.hpp"

namespace stagemark {

/// "round 3/30  19.2 images/s  0:42 left  libtorch-fp32@cpu"
std::string progress_text(const RunProgress& progress, double images_per_second);

/// "libtorch-fp32@cpu: 12.5 queries/s, process 2/5, 3:05 left"
std::string progress_text(const LoadProgress& progress, Nanoseconds left);

/// "0:07", "59:59", "1:00:00"
std::string duration_text(double seconds);

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
  void loading(const LoadProgress& progress);

  /// Takes the line off the screen.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  void show(const std::string& text);
  /// Not again within a tenth of a second, or a second where each is a line of its own.
  [[nodiscard]] bool too_soon(Clock::time_point now) const;

  std::ostream& out_;
  bool shown_;
  std::optional<std::size_t> columns_;
  bool on_screen_ = false;
  Clock::time_point started_{};
  Clock::time_point last_shown_{};
  std::size_t first_images_ = 0;  ///< done when `started_` was set
};

}  // namespace stagemark
