#pragma once

#include "fakes/manual_clock.hpp"
#include "stagemark/backend/timed.hpp"

namespace stagemark::fakes {

/// A device on a manual clock: launching costs 1 ns, the work runs on and is only waited for by `synchronize`.
class AsynchronousEngine {
 public:
  std::size_t waits = 0;
  Nanoseconds wait_cost{0};             ///< what a wait costs beyond the work
  double probability_with_waits = 0.9;  ///< of passes that wait after each stage

  [[nodiscard]] ExecutionFacts execution_facts() const {
    return {Precision::fp16, Device{Device::Kind::cuda, 0}, std::nullopt, {}};
  }

  int preprocess(std::span<const Image>) {
    waits_at_start_ = waits;
    ManualClock::burn(Nanoseconds{10});
    return 0;
  }
  int upload(const int&) { return launch(Nanoseconds{20}); }
  int extract_features(const int&) { return launch(Nanoseconds{300}); }
  int classify(const int&) { return launch(Nanoseconds{40}); }
  void download(const int&, std::span<Prediction> out) {
    launch(Nanoseconds{5});
    for (Prediction& p : out) p.probability = waits - waits_at_start_ > 2 ? probability_with_waits : 0.9;
  }
  void synchronize() {
    ++waits;
    ManualClock::burn(pending_ + wait_cost);
    pending_ = Nanoseconds{0};
  }

 protected:
  [[nodiscard]] std::size_t waits_at_start() const { return waits_at_start_; }

  int launch(Nanoseconds work) {
    ManualClock::burn(Nanoseconds{1});
    pending_ += work;
    return 0;
  }

 private:
  Nanoseconds pending_{0};
  std::size_t waits_at_start_ = 0;
};

}  // namespace stagemark::fakes
