#include "stagemark/core/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace stagemark {
namespace {

using std::chrono_literals::operator""ns;

TEST(Stage, ListsEachStageAtItsOwnIndex) {
  for (std::size_t i = 0; i < stage_count; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(all_stages[i]), i);
  }
}

TEST(Stage, HasANameOfItsOwnForEachStage) {
  std::set<std::string_view> names;
  for (const Stage stage : all_stages) {
    EXPECT_FALSE(to_string(stage).empty());
    EXPECT_TRUE(names.insert(to_string(stage)).second) << to_string(stage);
  }
}

TEST(Stage, IsFoundByItsName) {
  for (const Stage stage : all_stages) EXPECT_EQ(parse_enum<Stage>(to_string(stage)), stage);
}

// The names are those of the report: a renamed stage breaks every stored baseline.
TEST(Stage, KeepsTheNamesOfTheReport) {
  EXPECT_EQ(to_string(Stage::decode), "decode");
  EXPECT_EQ(to_string(Stage::preprocessing), "preprocessing");
  EXPECT_EQ(to_string(Stage::upload), "upload");
  EXPECT_EQ(to_string(Stage::feature_extraction), "feature_extraction");
  EXPECT_EQ(to_string(Stage::classification), "classification");
  EXPECT_EQ(to_string(Stage::download), "download");
  EXPECT_EQ(to_string(Stage::inference), "inference");
  EXPECT_EQ(to_string(Stage::total), "total");
  EXPECT_EQ(to_string(Stage::total_with_waits), "total_with_waits");
}

TEST(Stage, IsNotFoundByAnyOtherName) {
  for (const std::string_view name : {"", "Total", "total ", "tot", "totals"}) {
    EXPECT_EQ(parse_enum<Stage>(name), std::nullopt) << name;
  }
}

TEST(Stage, IsShownOnceInTheTree) {
  std::set<Stage> shown;
  for (const StageEntry& entry : stage_tree) EXPECT_TRUE(shown.insert(entry.stage).second) << entry.name;
  EXPECT_EQ(shown.size(), stage_count);
}

TEST(Stage, KnowsWhatItIsPartOf) {
  EXPECT_EQ(parent_of(Stage::classification), Stage::inference);
  EXPECT_EQ(parent_of(Stage::inference), Stage::total);
  EXPECT_EQ(parent_of(Stage::total), std::nullopt);
  for (const Stage stage : all_stages) EXPECT_EQ(is_outside_total(stage), stage == Stage::decode) << to_string(stage);
}

TEST(Stage, GivesWayToItsPartsWhereTheyWereTimed) {
  using Stages = std::vector<Stage>;
  const auto parts_if_timed = [](const Stages& timed) {
    return timed_parts_of_total([&](Stage stage) { return std::ranges::find(timed, stage) != timed.end(); });
  };
  EXPECT_EQ(parts_if_timed({Stage::decode, Stage::preprocessing, Stage::inference, Stage::total}),
            (Stages{Stage::preprocessing, Stage::inference}));
  EXPECT_EQ(parts_if_timed({Stage::download, Stage::inference, Stage::classification, Stage::total_with_waits}),
            (Stages{Stage::classification, Stage::download}));
  EXPECT_EQ(parts_if_timed({Stage::decode, Stage::total}), Stages{});
}

TEST(StageTimes, HoldsNothingAtFirst) {
  const StageTimes times;
  for (const Stage stage : all_stages) {
    EXPECT_FALSE(times.has(stage)) << to_string(stage);
    EXPECT_EQ(times[stage], std::nullopt) << to_string(stage);
  }
}

TEST(StageTimes, KeepsEachStageApart) {
  StageTimes times;
  for (const Stage stage : all_stages) times.add(stage, Nanoseconds(static_cast<int>(stage) + 1));
  for (const Stage stage : all_stages) EXPECT_EQ(times[stage], Nanoseconds(static_cast<int>(stage) + 1));
}

TEST(StageTimes, AddsUpAStageEnteredTwice) {
  StageTimes times;
  times.add(Stage::upload, 3ns);
  times.add(Stage::upload, 4ns);
  EXPECT_EQ(times[Stage::upload], 7ns);
}

TEST(StageTimes, TellsAZeroTimeFromAnAbsentOne) {
  StageTimes times;
  times.add(Stage::download, 0ns);
  EXPECT_TRUE(times.has(Stage::download));
  EXPECT_EQ(times[Stage::download], 0ns);
  EXPECT_FALSE(times.has(Stage::upload));
}

TEST(Duration, IsShownInMilliseconds) {
  EXPECT_DOUBLE_EQ(to_milliseconds(1'500'000ns), 1.5);
  EXPECT_DOUBLE_EQ(to_milliseconds(1ns), 1e-6);
}

}  // namespace
}  // namespace stagemark
