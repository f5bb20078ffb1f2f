#include "stagemark/judgement/make_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "judgement/made_suite.hpp"
#include "stagemark/report/report.hpp"

namespace stagemark {
namespace {

using namespace testing;

SuiteResult suite_of(std::size_t images) { return made_suite(made_dataset(alternating(images))); }

bool mentions(const std::vector<std::string>& texts, std::string_view word) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return text.find(word) != std::string::npos; });
}

TEST(MakeReport, GivesStatisticsInMilliseconds) {
  const ApproachReport report = reported(suite_of(5), rising_times(5));
  const StageStatistics& total = report.stages.at(Stage::total);
  EXPECT_EQ(total.count, 5U);
  EXPECT_DOUBLE_EQ(total.mean, 30);
  EXPECT_DOUBLE_EQ(total.median, 30);
  EXPECT_DOUBLE_EQ(total.p50, 30);
  EXPECT_DOUBLE_EQ(total.p90, 46);  // type 7: 40 + 0.6 * 10
  EXPECT_DOUBLE_EQ(total.min, 10);
  EXPECT_DOUBLE_EQ(total.max, 50);
  EXPECT_NEAR(*total.stddev, 15.811388300841896, 1e-12);  // sqrt(250)
  EXPECT_DOUBLE_EQ(*report.total_time_ms, 30);
}

TEST(MakeReport, LeavesOutStagesThatWereNotTimed) {
  const ApproachReport report = reported(suite_of(5), rising_times(5));
  EXPECT_EQ(report.stages.size(), 3U);
  EXPECT_FALSE(report.stages.contains(Stage::upload));
}

TEST(MakeReport, SaysHowManySamplesABoundNeeds) {
  const ApproachReport report = reported(suite_of(5), rising_times(5));
  const StageStatistics& total = report.stages.at(Stage::total);
  EXPECT_FALSE(total.p99_upper);
  EXPECT_NE(total.p99_upper.reason.find("needs 299 "), std::string::npos) << total.p99_upper.reason;
  EXPECT_NE(total.p90_upper.reason.find("needs 29 "), std::string::npos) << total.p90_upper.reason;
  EXPECT_NE(total.ci95_median.reason.find("needs 6 "), std::string::npos) << total.ci95_median.reason;
}

TEST(MakeReport, GivesAStandardDeviationFromTwoSamplesOn) {
  const ApproachReport one = reported(suite_of(1), rising_times(1));
  EXPECT_FALSE(one.stages.at(Stage::total).stddev);
  EXPECT_EQ(one.stages.at(Stage::total).stddev.reason, "needs 2 samples");
  EXPECT_TRUE(reported(suite_of(2), rising_times(2)).stages.at(Stage::total).stddev);
}

TEST(MakeReport, ComparesStagesWithTheTotal) {
  const ApproachReport report = reported(suite_of(4), rising_times(4));
  EXPECT_DOUBLE_EQ(*report.stages.at(Stage::preprocessing).share, 0.5);
  EXPECT_DOUBLE_EQ(*report.stages.at(Stage::total).share, 1);
}

TEST(MakeReport, GivesDecodingNoShareOfATotalItIsNotPartOf) {
  ApproachResult result = made_approach();
  add_call(result, {{0, probability(0.1)}}, {{Stage::decode, 9}, {Stage::total, 5}});
  const ApproachReport report = reported(suite_of(1), result);
  EXPECT_FALSE(report.stages.at(Stage::decode).share);
  EXPECT_DOUBLE_EQ(report.stages.at(Stage::decode).mean, 9);
}

TEST(MakeReport, AttributesInferenceWhereTheEngineCannotSplit) {
  const ApproachReport report = reported(suite_of(4), rising_times(4));
  EXPECT_NEAR(*report.unattributed_mean, 25 * 0.2, 1e-9);
}

TEST(MakeReport, AttributesTheTwoPartsOfInferenceWhereTheyWereTimed) {
  ApproachResult result = made_approach();
  for (std::size_t i = 0; i < 3; ++i) {
    add_call(result, {{i, probability(0.1)}},
             {{Stage::decode, 100},
              {Stage::preprocessing, 1},
              {Stage::feature_extraction, 4},
              {Stage::classification, 2},
              {Stage::inference, 6.5},
              {Stage::total, 8}});
  }
  EXPECT_NEAR(*reported(suite_of(3), result).unattributed_mean, 1, 1e-9);
}

TEST(MakeReport, SaysThatNothingCanBeAttributedWhereNoStageWasTimed) {
  ApproachResult result = made_approach("null");
  add_call(result, {{0, probability(0.1)}}, {{Stage::total, 1}});
  EXPECT_EQ(reported(suite_of(1), result).unattributed_mean.reason, "no stage was timed");
}

TEST(MakeReport, JudgesStagesOfAnAsynchronousDeviceByThePassesThatTimedThem) {
  const Report report = full_report();
  const ApproachReport& device = report.results.at(1);
  EXPECT_TRUE(device.asynchronous);
  EXPECT_NEAR(*device.unattributed_mean, 8 - 7, 1e-9);
  EXPECT_DOUBLE_EQ(*device.stages.at(Stage::feature_extraction).share, 3.0 / 8);
  EXPECT_DOUBLE_EQ(*device.stages.at(Stage::total_with_waits).share, 1);
  EXPECT_DOUBLE_EQ(*device.total_time_ms, 6);
  EXPECT_NEAR(*device.throughput_images_per_second, 1000.0 / 6, 1e-9);
  EXPECT_EQ(*device.memory.device_peak_bytes, 1U << 30U);
  EXPECT_EQ(device.device, (Device{Device::Kind::cuda, 1}));
}

TEST(MakeReport, CountsACallOfFourImagesAsOneSample) {
  ApproachResult result = made_approach();
  add_call(result, {{0, probability(0.1)}, {1, probability(0.9)}, {2, probability(0.1)}, {3, probability(0.9)}},
           {{Stage::total, 40}});
  add_call(result, {{4, probability(0.1)}, {5, probability(0.9)}, {6, probability(0.1)}, {7, probability(0.9)}},
           {{Stage::total, 60}});
  add_call(result, {{8, probability(0.1)}, {9, probability(0.9)}}, {{Stage::total, 21}}).timed = false;
  const ApproachReport report = reported(suite_of(10), result);
  EXPECT_EQ(report.stages.at(Stage::total).count, 2U);
  EXPECT_DOUBLE_EQ(*report.total_time_ms, 50);
  EXPECT_NEAR(*report.throughput_images_per_second, 8 / 0.1, 1e-9);
  EXPECT_EQ(report.untimed_calls, 1U);
  EXPECT_EQ(report.samples, 10U);
  EXPECT_EQ(report.accuracy_metrics.count, 10U);
  EXPECT_EQ(report.per_image.call[3], 0U);
  EXPECT_EQ(report.per_image.call[9], 2U);
  EXPECT_EQ(report.per_image.stages_ns.at(Stage::total)[7], 60'000'000);
  EXPECT_EQ(report.per_image.stages_ns.at(Stage::total)[8], std::nullopt);
}

TEST(MakeReport, KeepsOneEntryPerAttemptedInference) {
  ApproachResult result = rising_times(2);
  result.calls[1].round = 3;
  result.calls[1].pass = 1;
  add_call(result, {{2, std::nullopt}}, {{Stage::total, 7}});
  const PerImage images = reported(suite_of(3), result).per_image;
  EXPECT_EQ(images.path, (std::vector<std::string>{"NORMAL/0.png", "PNEUMONIA/1.png", "NORMAL/2.png"}));
  EXPECT_EQ(images.label[1], 1U);
  EXPECT_EQ(images.probability[1], 0.9);
  EXPECT_EQ(images.logit[1], 1.8);
  EXPECT_EQ(images.predicted[1], 1U);
  EXPECT_EQ(images.round[1], 3U);
  EXPECT_EQ(images.pass[1], 1U);
  EXPECT_EQ(images.process[1], 0U);
  EXPECT_EQ(images.stages_ns.at(Stage::total)[1], 20'000'000);
  EXPECT_EQ(images.probability[2], std::nullopt);
  EXPECT_EQ(images.logit[2], std::nullopt);
  EXPECT_EQ(images.predicted[2], std::nullopt);
  EXPECT_EQ(images.stages_ns.at(Stage::total)[2], std::nullopt);
  EXPECT_EQ(images.round[2], 0U);
}

TEST(MakeReport, NamesEachFailedFileOnceHoweverManyPassesItFailedIn) {
  ApproachResult result = rising_times(2);
  add_call(result, {{2, std::nullopt}}, {{Stage::total, 7}});
  add_call(result, {{2, std::nullopt}}, {{Stage::total, 7}});
  const ApproachReport report = reported(suite_of(3), result);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].path, "NORMAL/2.png");
  EXPECT_EQ(report.samples, 2U);
  EXPECT_EQ(report.inferences, 4U);
  EXPECT_EQ(report.untimed_calls, 2U);
  EXPECT_TRUE(mentions(report.warnings, "NORMAL/2.png"));
}

TEST(MakeReport, GivesReasonsForAllThatAFailedApproachLacks) {
  const ApproachReport report = full_report().results.at(2);
  EXPECT_TRUE(report.error);
  EXPECT_TRUE(report.stages.empty());
  EXPECT_EQ(report.total_time_ms.reason, "the approach failed");
  EXPECT_EQ(report.throughput_images_per_second.reason, "the approach failed");
  EXPECT_FALSE(report.accuracy);
  EXPECT_FALSE(report.accuracy.reason.empty());
  EXPECT_FALSE(report.accuracy_metrics.confusion_matrix);
  EXPECT_FALSE(report.harness.cost_in_clock_readings);
}

TEST(MakeReport, ShowsWhatAnApproachThatNeverRanWasAskedFor) {
  ApproachResult result = made_approach();
  result.error = "the model cannot be loaded";
  result.approach.precision = Precision::bf16;
  result.approach.device = Device{Device::Kind::cuda, 0};
  const ApproachReport report = reported(suite_of(1), result);
  EXPECT_EQ(report.precision, Precision::bf16);
  EXPECT_EQ(report.device, (Device{Device::Kind::cuda, 0}));
}

TEST(MakeReport, ShowsWhatReallyRan) {
  ApproachResult result = rising_times(1);
  result.approach.precision = Precision::fp16;
  result.facts.precision = Precision::fp32;
  EXPECT_EQ(reported(suite_of(1), result).precision, Precision::fp32);
}

TEST(MakeReport, SurvivesASuiteWithoutImagesOrApproaches) {
  const Report empty = make_report(SuiteResult{}, {});
  EXPECT_EQ(empty.total_benchmarks, 0U);
  EXPECT_TRUE(empty.results.empty());
  const ApproachReport report = reported(SuiteResult{}, made_approach());
  EXPECT_TRUE(report.stages.empty());
  EXPECT_EQ(report.total_time_ms.reason, "no call was timed: each had fewer images than a batch, or failed");
}

TEST(MakeReport, TakesTheMedianOfEachRound) {
  ApproachResult result = rising_times(5);
  for (std::size_t i = 3; i < 5; ++i) result.calls[i].round = 1;
  result.calls[4].timed = false;
  result.turns = {{.round = 0, .position = 1, .wall = Nanoseconds(1), .calls = 2},
                  {.round = 0, .position = 1, .wall = Nanoseconds(1), .calls = 1},  // cut to save memory
                  {.round = 1, .position = 0, .wall = Nanoseconds(1), .calls = 2},
                  {.round = 2, .position = 1, .wall = Nanoseconds(1), .calls = 0}};
  const std::vector<RoundReport> rounds = reported(suite_of(5), result).rounds;
  ASSERT_EQ(rounds.size(), 3U);
  EXPECT_EQ(rounds[0].index, 0U);
  EXPECT_EQ(rounds[0].position, 1U);
  EXPECT_EQ(rounds[0].count, 3U);
  EXPECT_DOUBLE_EQ(*rounds[0].total_median, 20);
  EXPECT_EQ(rounds[1].count, 1U);
  EXPECT_DOUBLE_EQ(*rounds[1].total_median, 40);
  EXPECT_EQ(rounds[2].count, 0U);
  EXPECT_FALSE(rounds[2].total_median);
}

TEST(MakeReport, CountsTheHarnessInReadingsOfTheClock) {
  ApproachResult result = rising_times(2);  // 30 ms in all
  result.turns = {{.round = 0, .position = 0, .wall = Nanoseconds(30'000'800), .calls = 2}};
  const HarnessCost cost = reported(suite_of(2), result).harness;
  EXPECT_DOUBLE_EQ(*cost.wall_ns_per_call, 15'000'400);
  EXPECT_DOUBLE_EQ(*cost.outside_total_ns_per_call, 400);
  EXPECT_DOUBLE_EQ(*cost.clock_reading_ns, 20);
  EXPECT_DOUBLE_EQ(*cost.cost_in_clock_readings, 20);
}

TEST(MakeReport, TakesTheWholeLoopForTheHarnessWhereTheEngineDoesNothing) {
  ApproachResult result = made_approach("own");
  result.facts.does_nothing = true;
  add_call(result, {{0, probability(0.5)}}, {{Stage::total, 0.0001}});
  result.turns = {{.round = 0, .position = 0, .wall = Nanoseconds(300), .calls = 1}};
  EXPECT_DOUBLE_EQ(*reported(suite_of(1), result).harness.cost_in_clock_readings, 15);
}

TEST(MakeReport, LeavesRoundsWithAFailedCallOutOfTheHarnessCost) {
  ApproachResult result = rising_times(1);
  add_call(result, {{1, std::nullopt}}, {}).round = 1;  // threw: no `total`
  result.turns = {{.round = 0, .position = 0, .wall = Nanoseconds(10'000'100), .calls = 1},
                  {.round = 1, .position = 0, .wall = Nanoseconds(900'000), .calls = 1}};
  EXPECT_DOUBLE_EQ(*reported(suite_of(2), result).harness.outside_total_ns_per_call, 100);
}

TEST(MakeReport, SaysSoWhenTheClockIsTooCoarse) {
  SuiteResult suite = suite_of(2);
  suite.clock_reading = Nanoseconds(0);
  ApproachResult result = rising_times(2);
  result.turns = {{.round = 0, .position = 0, .wall = Nanoseconds(40'000'000), .calls = 2}};
  const HarnessCost cost = reported(suite, result).harness;
  EXPECT_FALSE(cost.cost_in_clock_readings);
  EXPECT_FALSE(cost.cost_in_clock_readings.reason.empty());
}

TEST(MakeReport, WarnsOfTimesThatRise) {
  const ApproachReport report = reported(suite_of(40), rising_times(40));
  EXPECT_DOUBLE_EQ(*report.drift.spearman, 1);
  EXPECT_TRUE(mentions(report.warnings, "rose"));
  EXPECT_TRUE(mentions(report.warnings, "1.00"));
  EXPECT_TRUE(mentions(report.warnings, "autocorrelation"));
}

TEST(MakeReport, DoesNotWarnOfTimesThatOnlyVary) {
  ApproachResult result = made_approach();
  for (std::size_t i = 0; i < 60; ++i) {
    // Steps of 7 in the ring of 11 visit all values without order.
    add_call(result, {{i, probability(i == 0 ? 0.2 : 0.1)}}, {{Stage::total, 10 + static_cast<double>(i * 7 % 11)}});
  }
  EXPECT_TRUE(reported(suite_of(60), result).warnings.empty());
}

TEST(MakeReport, CountsOutliersAndRemovesNone) {
  ApproachResult result = made_approach();
  for (std::size_t i = 0; i < 60; ++i) {
    const double total = i % 20 == 13 ? 500 : 10 + static_cast<double>(i * 7 % 11);
    add_call(result, {{i, probability(0.1)}}, {{Stage::total, total}});
  }
  const ApproachReport report = reported(suite_of(60), result);
  EXPECT_EQ(report.drift.outliers.severe_high, 3U);
  EXPECT_EQ(report.stages.at(Stage::total).count, 60U);
  EXPECT_DOUBLE_EQ(report.stages.at(Stage::total).max, 500);
  EXPECT_TRUE(mentions(report.warnings, "3 of 60"));
}

TEST(MakeReport, CarriesTheRunsConditions) {
  SuiteResult suite = suite_of(3);
  suite.options.seed = 7;
  suite.options.batch = 2;
  suite.passes = 4;
  suite.round_count = 24;
  suite.interrupted = true;
  ReportContext context;
  context.argv = {"stagemark", "run"};
  context.timestamp = "2026-01-13T10:00:00Z";
  context.default_device = Device{};
  const Report report = make_report(suite, context);
  EXPECT_TRUE(report.interrupted);
  EXPECT_EQ(report.schema_version, "1.2");
  EXPECT_EQ(report.config.seed, 7U);
  EXPECT_EQ(report.config.batch, 2U);
  EXPECT_EQ(report.config.passes, 4U);
  EXPECT_EQ(report.config.round_count, 24U);
  EXPECT_EQ(report.config.threshold_rule, ">=");
  EXPECT_EQ(*report.config.default_device, Device{});
  EXPECT_EQ(report.config.isolation, Isolation::none);
}

TEST(MakeReport, DescribesTheDataSetWithoutTheFilesThatCouldNotBeDecoded) {
  SuiteResult suite = suite_of(4);
  suite.dataset.synthetic = true;
  suite.dataset.skipped = {{"NORMAL/2.png", "truncated"}, {"NORMAL/never_taken.png", "empty"}};
  const DatasetReport dataset = make_report(suite, {}).dataset;
  EXPECT_EQ(dataset.images, 3U);
  EXPECT_EQ(dataset.class_counts, (NamedValues<std::size_t>{{"NORMAL", 1}, {"PNEUMONIA", 2}}));
  EXPECT_EQ(*dataset.positive, "PNEUMONIA");
  EXPECT_TRUE(dataset.synthetic);
  EXPECT_EQ(dataset.skipped.size(), 2U);
}

TEST(MakeReport, WarnsOncePerDataSetOfGreyImagesWithSixteenBits) {
  SuiteResult suite = suite_of(4);
  EXPECT_TRUE(make_report(suite, {}).dataset.warnings.empty());
  suite.sixteen_bit_ranges.resize(3);
  const std::vector<std::string> warnings = make_report(suite, {}).dataset.warnings;
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(mentions(warnings, "3 of 4 images"));
  EXPECT_TRUE(mentions(warnings, "16 bits per sample"));
}

TEST(MakeReport, SaysWhichSamplesWereSeenAndWhatToDoWhereTheyFillLittleOfTheRange) {
  SuiteResult suite = suite_of(4);
  const auto warning = [&](std::uint16_t lowest, std::uint16_t highest) {
    suite.sixteen_bit_ranges = {{.lowest = lowest, .highest = highest}, {.lowest = lowest, .highest = highest}};
    return make_report(suite, {}).dataset.warnings;
  };
  EXPECT_TRUE(mentions(warning(0, 4080), "from 0 to 4,080 of 65,535"));
  EXPECT_TRUE(mentions(warning(0, 4080), "the network was shown 0 to 15 of 255; scale them to 8 bits as they were"));
  EXPECT_TRUE(mentions(warning(32768, 36863), "the network was shown 128 to 143 of 255"));
  EXPECT_TRUE(mentions(warning(3, 255), "8 bits already, which `sixteen_bit_grey` pillow keeps"));
  EXPECT_FALSE(mentions(warning(0, 32768), "the network was shown"));
}

TEST(MakeReport, FewImagesThatFillTheRangeHideNotThatMostDoNot) {
  SuiteResult suite = suite_of(4);
  const SampleRange full = {.lowest = 0, .highest = 65535};
  const SampleRange twelve_bits = {.lowest = 3, .highest = 4080};
  suite.sixteen_bit_ranges = {twelve_bits, full, {.lowest = 0, .highest = 255}, twelve_bits};
  EXPECT_TRUE(mentions(make_report(suite, {}).dataset.warnings,
                       "white; 3 of them stay within 0 to 4,080, of which the network was shown 0 to 15 of 255; scale "
                       "them to 8 bits as they were for training, and measure those"));
  suite.sixteen_bit_ranges = {twelve_bits, full, full, twelve_bits};
  EXPECT_FALSE(mentions(make_report(suite, {}).dataset.warnings, "stay within"));
}

TEST(MakeReport, WarnsOfAClassOfWhichNothingCouldBeReadButNotOfOneThatWasNotDrawn) {
  SuiteResult suite = suite_of(4);
  suite.dataset.classes = {"NORMAL", "PNEUMONIA", "undrawn", "unread"};
  suite.dataset.undrawn = {2};
  const std::vector<std::string> warnings = make_report(suite, {}).dataset.warnings;
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(mentions(warnings, "class 'unread' has no image that can be read"));
  EXPECT_TRUE(mentions(warnings, "class 3 of 0 to 3"));
}

TEST(Column, KeepsWhichValuesAreAbsent) {
  Column<double> column;
  column.push_back(1.5);
  column.push_back(std::nullopt);
  EXPECT_EQ(column.size(), 2U);
  EXPECT_EQ(column[0], 1.5);
  EXPECT_EQ(column[1], std::nullopt);
  column.clear();
  EXPECT_TRUE(column.empty());
}

}  // namespace
}  // namespace stagemark
