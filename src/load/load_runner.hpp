#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "load/load_messages.hpp"
#include "load/replay.hpp"
#include "stagemark/load/load_test.hpp"

namespace stagemark {

/// What a load test loads: its approaches, by index. Tests put engines in virtual time in its place.
class LoadedApproaches {
 public:
  virtual ~LoadedApproaches() = default;

  /// Opens these in fresh processes. \returns those of them that can be loaded
  virtual std::vector<std::size_t> begin_generation(std::span<const std::size_t> approaches) = 0;
  virtual void end_generation() = 0;

  /// Absent where the approach has failed.
  virtual std::optional<LiveLoadResult> serve(std::size_t approach, const LoadOrder& order,
                                              const LoadProgress& progress) = 0;

  [[nodiscard]] virtual std::string name(std::size_t approach) const = 0;
  [[nodiscard]] virtual bool interrupted() = 0;
  /// Since any moment, the one that LoadProgress counts from.
  [[nodiscard]] virtual Nanoseconds now() = 0;
  virtual void planned(Nanoseconds full_answer) = 0;
  virtual void loaded(std::size_t approach, const LoadPoint& point, std::span<const MeasuredLog> generations) = 0;
};

/// Decides what to offer to whom, one load after the other, and sums up what came of it.
class LoadRunner {
 public:
  /// \param options usable ones
  /// \param images  in the data set, at least one
  LoadRunner(const LoadOptions& options, std::size_t images, LoadedApproaches& approaches, std::size_t count);

  void run();

  [[nodiscard]] std::vector<ApproachLoad> take() { return std::move(loads_); }
  [[nodiscard]] const std::string& stopped_because() const noexcept { return stopped_because_; }

 private:
  /// What one approach is to be offered; rates only in the scenario `server`, where absent means a trace as it is.
  using Points = std::vector<std::optional<double>>;
  /// What a point gave, generation by generation.
  using Measured = std::vector<LiveLoadResult>;

  void calibrate();
  bool calibrate_one(std::size_t approach);
  void measure_planned();
  void search_capacities();
  void begin_search(std::size_t approach);

  /// \param points of each approach; none for those that are not to be loaded
  /// \param may_end_early after a generation that leaves no time for another
  /// \returns of each approach what each of its points gave
  std::vector<std::vector<Measured>> measure(const std::vector<Points>& points, bool may_end_early);
  /// Sums a point up, and keeps it. Absent where nothing of it was measured.
  std::optional<LoadPoint> conclude(std::size_t approach, std::optional<double> rate, const Measured& measured);

  [[nodiscard]] Arrivals arrivals_of(std::size_t approach, std::optional<double> rate, std::size_t generation) const;
  [[nodiscard]] OpenLoop server_arrivals(std::optional<double> rate, std::size_t generation, Nanoseconds length) const;
  [[nodiscard]] std::vector<MeasuredLog> measured_parts(const Measured& measured) const;
  [[nodiscard]] Nanoseconds time_of_generation(std::span<const Points> points) const;
  [[nodiscard]] bool fits(Nanoseconds time);
  [[nodiscard]] double highest_rate() const;
  [[nodiscard]] LoadConditions conditions() const;
  [[nodiscard]] std::vector<std::size_t> alive() const;
  std::optional<LiveLoadResult> serve(std::size_t approach, const LoadOrder& order, const std::string& doing,
                                      std::size_t generation);
  [[nodiscard]] Nanoseconds longest_run_out() const;
  void plan(Nanoseconds full_answer);

  const LoadOptions& options_;
  std::size_t images_;
  LoadedApproaches& approaches_;
  std::vector<ApproachLoad> loads_;
  std::vector<BatchTimes> batch_times_;
  std::vector<std::optional<CapacitySearch>> searches_;
  std::vector<std::string> unloaded_;  ///< what the level's quantile is without load, in words
  std::set<std::size_t> failed_;
  Nanoseconds slice_{0};  ///< of a point, in each generation
  Nanoseconds began_{0};
  Nanoseconds end_{0};      ///< when the whole will end, as far as one can tell
  Nanoseconds opening_{0};  ///< what it takes to begin a generation of all
  std::size_t next_image_ = 0;
  std::string stopped_because_;
};

}  // namespace stagemark
