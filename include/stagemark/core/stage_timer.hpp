#pragma once

#include <chrono>
#include <type_traits>
#include <utility>

#include "stagemark/core/duration.hpp"
#include "stagemark/core/stage.hpp"

namespace stagemark {

/// What one pass measures besides `total`. On an asynchronous device waiting for a stage costs time, so a pass that
/// times stages cannot time `total`; on the host one pass of `stages` serves for everything.
enum class TimingMode : std::uint8_t {
  total_only,     ///< no reading of the clock inside `total`
  whole_network,  ///< `inference` only
  stages,         ///< every stage
};

/// The steady clock, or any other source of monotonic time: tests inject a manual one.
class MonotonicClock {
 public:
  using Reading = Nanoseconds (*)();

  MonotonicClock() noexcept : reading_(&steady) {}
  explicit MonotonicClock(Reading reading) noexcept : reading_(reading) {}

  /// Time since an arbitrary but fixed point.
  [[nodiscard]] Nanoseconds now() const { return reading_(); }

 private:
  static Nanoseconds steady() {
    return std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
  }

  Reading reading_;
};

/// Times the stages of one call. The only way in is a callable, so that no stage can be left open; a stage whose work
/// throws leaves no sample. Allocates nothing. Not thread-safe: one timer serves one call at a time.
class StageTimer {
 public:
  explicit StageTimer(TimingMode mode = TimingMode::stages, MonotonicClock clock = {}) noexcept
      : clock_(clock), mode_(mode) {}

  /// Runs `work` and, if this pass measures `stage`, adds its duration. Returns what `work` returns.
  template <class Work>
  decltype(auto) time(Stage stage, Work&& work) {
    if (!measures(stage)) return std::forward<Work>(work)();
    const Nanoseconds start = clock_.now();
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      times_.add(stage, clock_.now() - start);
    } else {
      decltype(auto) result = std::forward<Work>(work)();
      times_.add(stage, clock_.now() - start);
      // A prvalue result must be moved out, a reference passed on as it is.
      return static_cast<std::invoke_result_t<Work>>(std::forward<decltype(result)>(result));
    }
  }

  /// Whether this pass reads the clock for `stage`.
  [[nodiscard]] bool measures(Stage stage) const noexcept {
    switch (stage) {
      case Stage::total:
        return true;
      case Stage::inference:
        return mode_ != TimingMode::total_only;
      default:
        return mode_ == TimingMode::stages;
    }
  }

  [[nodiscard]] TimingMode mode() const noexcept { return mode_; }
  void set_mode(TimingMode mode) noexcept { mode_ = mode; }

  /// Hands over the times and starts clean.
  StageTimes take() noexcept { return std::exchange(times_, {}); }

 private:
  MonotonicClock clock_;
  StageTimes times_;
  TimingMode mode_;
};

}  // namespace stagemark
