#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "stagemark/suite/run_observer.hpp"

namespace stagemark {

/// Shows on stderr where a run stands, and passes Ctrl-C on to it.
class ProgressLine final : public RunObserver {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() override { clear(); }

  void warming_up(const std::string& approach) override;
  void progressed(const RunProgress& progress) override;
  [[nodiscard]] bool interrupted() override;

  /// Takes the line off the screen.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  void show(const std::string& text);

  bool shown_;
  bool on_screen_ = false;
  Clock::time_point started_{};
  Clock::time_point last_shown_{};
  std::size_t first_images_ = 0;  ///< done when `started_` was set
};

}  // namespace stagemark
