#pragma once

#include <cstddef>
#include <string>

namespace stagemark {

/// Where a run stands.
struct RunProgress {
  std::string approach;
  std::size_t round = 0;  ///< from 1
  std::size_t rounds = 0;
  std::size_t images_done = 0;  ///< over all approaches
  std::size_t images_total = 0;
};

/// Told what a run does; called between turns and calls, never inside a measurement.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void opening(const std::string& /*approach*/) {}
  virtual void warming_up(const std::string& /*approach*/) {}
  virtual void progressed(const RunProgress& /*progress*/) {}
  /// Asked before each call of a network, warm-up included, which also shows that the run is alive: true ends the run,
  /// which then returns what it has.
  [[nodiscard]] virtual bool interrupted() { return false; }
};

}  // namespace stagemark
