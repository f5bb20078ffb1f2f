// When a network is warm, and when it has settled: on made times, and how often the rules err on noisy ones.
#include "suite/readiness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/noise.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

std::vector<Nanoseconds> in_microseconds(const std::vector<double>& times) {
  std::vector<Nanoseconds> result;
  for (const double time : times) result.emplace_back(std::llround(1e3 * time));
  return result;
}

TEST(WarmUp, EndsWhenTwoCallsTakeWhatTheQuickestBeforeTook) {
  EXPECT_FALSE(is_warm({}));
  EXPECT_FALSE(is_warm(in_microseconds({100, 100})));
  EXPECT_TRUE(is_warm(in_microseconds({100, 100, 100})));
  EXPECT_TRUE(is_warm(in_microseconds({200, 100, 105, 99})));
}

TEST(WarmUp, GoesOnWhileCallsGrowQuicker) {
  EXPECT_FALSE(is_warm(in_microseconds({200, 120, 110, 104})));
  EXPECT_FALSE(is_warm(in_microseconds({200, 100, 100, 97})));
}

TEST(WarmUp, GoesOnWhileSomethingIsCompiled) {
  EXPECT_FALSE(is_warm(in_microseconds({60, 500, 300})));
  EXPECT_FALSE(is_warm(in_microseconds({60, 500, 300, 40})));
  EXPECT_FALSE(is_warm(in_microseconds({60, 500, 300, 40, 40})));
  EXPECT_TRUE(is_warm(in_microseconds({60, 500, 300, 40, 40, 41})));
}

TEST(Settling, EndsWithACallThatTakesUpToATenthMoreThanUsual) {
  EXPECT_TRUE(has_settled(Nanoseconds{1'100}, Nanoseconds{1'000}));
  EXPECT_TRUE(has_settled(Nanoseconds{900}, Nanoseconds{1'000}));
  EXPECT_FALSE(has_settled(Nanoseconds{1'101}, Nanoseconds{1'000}));
}

/// Calls whose excess over the steady time decays, with noise of a machine: what excess is left in the next call, and
/// how many calls were made. At most ten are.
struct Ended {
  double excess = 0;
  std::size_t calls = 0;
};
Ended warm_up(Noise& noise, double first_excess, double kept_a_call, double spread) {
  std::vector<Nanoseconds> times;
  double excess = first_excess;
  while (times.size() < 10 && !is_warm(times)) {
    times.emplace_back(std::llround(1e6 * (1 + excess) * std::exp(spread * noise.normal())));
    excess *= kept_a_call;
  }
  return {excess, times.size()};
}

// Of what the first call takes longer, a network keeps less than half in each further call. Then what is left at the
// end is below a hundredth in 98 of 100 warm-ups and more, and ten calls are seldom needed.
TEST(WarmUpSimulation, LeavesLessThanAHundredthAndMakesFewerCalls) {
  Noise noise(20261126);
  constexpr int repetitions = 4'000;
  for (const double kept : {0.0, 0.2, 0.4}) {
    for (const double spread : {0.0, 0.005, 0.02, 0.05}) {
      int too_early = 0;
      double calls = 0;
      for (int i = 0; i < repetitions; ++i) {
        const Ended ended = warm_up(noise, /*first_excess=*/3, kept, spread);
        if (ended.excess > 0.01) ++too_early;
        calls += static_cast<double>(ended.calls);
      }
      const std::string cell = std::to_string(kept) + " kept, spread " + std::to_string(spread);
      EXPECT_LE(too_early, repetitions / 50) << cell;
      EXPECT_LE(calls / repetitions, 9) << cell;
      RecordProperty(cell, std::to_string(calls / repetitions) + " calls, " + std::to_string(too_early) + " too early");
    }
  }
}

}  // namespace
}  // namespace stagemark
