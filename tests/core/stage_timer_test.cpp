#include "stagemark/core/stage_timer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <type_traits>

#include "fakes/manual_clock.hpp"

namespace stagemark {
namespace {

using fakes::ManualClock;
using std::chrono_literals::operator""ns;

void work_for(Nanoseconds time) { ManualClock::burn(time); }

TEST(StageTimer, MeasuresTheWorkAndNothingElse) {
  const ManualClock clock;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  work_for(1000ns);
  timer.time(Stage::upload, [] { work_for(7ns); });
  work_for(1000ns);
  timer.time(Stage::download, [] { work_for(9ns); });
  work_for(1000ns);

  const StageTimes times = timer.take();
  EXPECT_EQ(times[Stage::upload], 7ns);
  EXPECT_EQ(times[Stage::download], 9ns);
  EXPECT_FALSE(times.has(Stage::preprocessing));
  EXPECT_FALSE(times.has(Stage::total));
}

TEST(StageTimer, CountsNestedStagesInTheStageAroundThem) {
  const ManualClock clock;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  timer.time(Stage::total, [&timer] {
    timer.time(Stage::preprocessing, [] { work_for(5ns); });
    timer.time(Stage::inference, [&timer] {
      timer.time(Stage::feature_extraction, [] { work_for(10ns); });
      timer.time(Stage::classification, [] { work_for(2ns); });
    });
    work_for(1ns);
  });

  const StageTimes times = timer.take();
  EXPECT_EQ(times[Stage::total], 18ns);
  EXPECT_EQ(times[Stage::inference], 12ns);
  EXPECT_EQ(times[Stage::preprocessing], 5ns);
  EXPECT_EQ(times[Stage::feature_extraction], 10ns);
  EXPECT_EQ(times[Stage::classification], 2ns);
}

TEST(StageTimer, AddsUpAStageThatIsEnteredTwice) {
  const ManualClock clock;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  timer.time(Stage::upload, [] { work_for(3ns); });
  timer.time(Stage::upload, [] { work_for(4ns); });
  EXPECT_EQ(timer.take()[Stage::upload], 7ns);
}

TEST(StageTimer, LeavesNoSampleWhenTheWorkThrows) {
  const ManualClock clock;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  EXPECT_THROW(timer.time(Stage::upload,
                          [] {
                            work_for(3ns);
                            throw std::runtime_error("device lost");
                          }),
               std::runtime_error);
  EXPECT_THROW(timer.time(Stage::download, []() -> int { throw std::runtime_error("device lost"); }),
               std::runtime_error);

  const StageTimes times = timer.take();
  EXPECT_FALSE(times.has(Stage::upload));
  EXPECT_FALSE(times.has(Stage::download));
}

TEST(StageTimer, KeepsWhatItMeasuredBeforeTheWorkThrew) {
  const ManualClock clock;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  EXPECT_THROW(timer.time(Stage::total,
                          [&timer] {
                            timer.time(Stage::preprocessing, [] { work_for(5ns); });
                            throw std::runtime_error("device lost");
                          }),
               std::runtime_error);

  const StageTimes times = timer.take();
  EXPECT_EQ(times[Stage::preprocessing], 5ns);
  EXPECT_FALSE(times.has(Stage::total));
}

TEST(StageTimer, StartsCleanAfterHandingOver) {
  const ManualClock clock;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  timer.time(Stage::upload, [] { work_for(3ns); });
  EXPECT_TRUE(timer.take().has(Stage::upload));
  EXPECT_FALSE(timer.take().has(Stage::upload));
  timer.time(Stage::upload, [] { work_for(4ns); });
  EXPECT_EQ(timer.take()[Stage::upload], 4ns);
}

TEST(StageTimer, MeasuresOnlyTheTotalInATotalPass) {
  const StageTimer timer(TimingMode::total_only);
  for (const Stage stage : all_stages) EXPECT_EQ(timer.measures(stage), stage == Stage::total) << to_string(stage);
}

TEST(StageTimer, MeasuresTheNetworkAsAWholeInAWholeNetworkPass) {
  const StageTimer timer(TimingMode::whole_network);
  for (const Stage stage : all_stages) {
    EXPECT_EQ(timer.measures(stage), stage == Stage::total || stage == Stage::inference) << to_string(stage);
  }
}

TEST(StageTimer, MeasuresEveryStageInAPassOfStages) {
  const StageTimer timer(TimingMode::stages);
  for (const Stage stage : all_stages) EXPECT_TRUE(timer.measures(stage)) << to_string(stage);
}

TEST(StageTimer, TimesStagesUnlessToldOtherwise) {
  StageTimer timer;
  EXPECT_EQ(timer.mode(), TimingMode::stages);
  timer.set_mode(TimingMode::total_only);
  EXPECT_EQ(timer.mode(), TimingMode::total_only);
}

TEST(StageTimer, RunsWorkThatItDoesNotMeasure) {
  const ManualClock clock;
  StageTimer timer(TimingMode::total_only, ManualClock::clock());
  int runs = 0;
  timer.time(Stage::upload, [&runs] { ++runs; });
  EXPECT_EQ(timer.time(Stage::download, [&runs] { return ++runs; }), 2);
  const StageTimes times = timer.take();
  EXPECT_FALSE(times.has(Stage::upload));
  EXPECT_FALSE(times.has(Stage::download));
}

TEST(StageTimer, DoesNotReadTheClockForAStageThatItDoesNotMeasure) {
  static int readings = 0;
  readings = 0;
  StageTimer timer(TimingMode::total_only, MonotonicClock([] { return Nanoseconds(++readings); }));
  timer.time(Stage::total, [&timer] {
    timer.time(Stage::preprocessing, [] {});
    timer.time(Stage::inference, [] { return 1; });
  });
  EXPECT_EQ(readings, 2);
}

// Every kind of result, in a pass that measures the stage and in one that does not.
class StageTimerResult : public ::testing::TestWithParam<TimingMode> {};

TEST_P(StageTimerResult, IsAnObjectWhereTheWorkReturnsOne) {
  StageTimer timer(GetParam());
  const auto make = [] { return std::make_unique<int>(5); };
  static_assert(std::is_same_v<decltype(timer.time(Stage::upload, make)), std::unique_ptr<int>>);
  const std::unique_ptr<int> made = timer.time(Stage::upload, make);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(*made, 5);
}

TEST_P(StageTimerResult, IsTheSameObjectWhereTheWorkReturnsAReference) {
  StageTimer timer(GetParam());
  int value = 5;
  const auto refer = [&value]() -> int& { return value; };
  static_assert(std::is_same_v<decltype(timer.time(Stage::upload, refer)), int&>);
  EXPECT_EQ(&timer.time(Stage::upload, refer), &value);

  const auto refer_to_const = [&value]() -> const int& { return value; };
  static_assert(std::is_same_v<decltype(timer.time(Stage::upload, refer_to_const)), const int&>);
  EXPECT_EQ(&timer.time(Stage::upload, refer_to_const), &value);
}

TEST_P(StageTimerResult, CanBeMovedFromWhereTheWorkReturnsAnRvalueReference) {
  StageTimer timer(GetParam());
  auto owned = std::make_unique<int>(5);
  const auto hand_over = [&owned]() -> std::unique_ptr<int>&& { return std::move(owned); };
  static_assert(std::is_same_v<decltype(timer.time(Stage::upload, hand_over)), std::unique_ptr<int>&&>);
  const std::unique_ptr<int> taken = timer.time(Stage::upload, hand_over);
  EXPECT_EQ(*taken, 5);
  EXPECT_EQ(owned, nullptr);
}

TEST_P(StageTimerResult, IsNothingWhereTheWorkReturnsNothing) {
  StageTimer timer(GetParam());
  bool ran = false;
  const auto work = [&ran] { ran = true; };
  static_assert(std::is_void_v<decltype(timer.time(Stage::upload, work))>);
  timer.time(Stage::upload, work);
  EXPECT_TRUE(ran);
}

TEST_P(StageTimerResult, MayComeFromWorkThatCanRunOnlyOnce) {
  StageTimer timer(GetParam());
  auto work = [owned = std::make_unique<int>(5)]() mutable { return std::move(owned); };
  EXPECT_EQ(*timer.time(Stage::upload, std::move(work)), 5);
}

INSTANTIATE_TEST_SUITE_P(Modes, StageTimerResult, ::testing::Values(TimingMode::stages, TimingMode::total_only));

TEST(MonotonicClock, NeverGoesBackByDefault) {
  const MonotonicClock clock;
  Nanoseconds last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const Nanoseconds now = clock.now();
    EXPECT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace stagemark
