// The comparison as the report gives it, from what the report holds of each inference.
#include "stagemark/judgement/compare.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <vector>

#include "judgement/made_rounds.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/judgement/make_report.hpp"

namespace stagemark {
namespace {

using namespace testing;

TEST(CompareApproaches, GivesTheSpeedUpOfEachStageThatBothHaveAndItsInterval) {
  const Report report = report_of({{"base", {}}, {"twice", {.factor = 0.5, .wrong = {}, .fails_on = {}}}});
  ASSERT_EQ(report.comparisons.size(), 1U);
  const Comparison& comparison = report.comparisons[0];
  EXPECT_EQ(comparison.baseline, "base");
  EXPECT_EQ(comparison.candidate, "twice");
  EXPECT_NEAR(*comparison.speedup.ratio, 2, 0.02);
  EXPECT_LT(comparison.speedup.ci95->low, *comparison.speedup.ratio);
  EXPECT_GT(comparison.speedup.ci95->low, 1.95);
  EXPECT_LT(comparison.speedup.ci95->high, 2.05);
  EXPECT_EQ(comparison.speedup.scope, Scope::any_processes);
  EXPECT_LT(*comparison.speedup.p_adjusted, 0.001);
  EXPECT_EQ(comparison.speed_verdict, SpeedVerdict::faster);
  EXPECT_NEAR(*comparison.stages.at(Stage::inference).ratio, 2, 0.02);
  EXPECT_FALSE(comparison.stages.contains(Stage::upload));
  EXPECT_NEAR(*comparison.tails.p95.ratio, 2, 0.05);
  EXPECT_FALSE(comparison.tails.p99.ratio) << "150 times are too few";
  EXPECT_EQ(comparison.rounds, 30U);
  EXPECT_EQ(*report.results[0].speed_rank, 2U);
  EXPECT_EQ(*report.results[1].speed_rank, 1U);
}

TEST(CompareApproaches, FindsNoDifferenceBetweenEquals) {
  const Report report = report_of({{"a", {}}, {"b", {}}, {"c", {}}});
  for (const Comparison& comparison : report.comparisons) {
    EXPECT_EQ(comparison.speed_verdict, SpeedVerdict::no_difference);
    EXPECT_EQ(comparison.accuracy_verdict, AccuracyVerdict::kept);
    EXPECT_TRUE(comparison.label_flips.files.empty());
  }
  for (const ApproachReport& result : report.results) EXPECT_EQ(*result.speed_rank, 1U);
}

TEST(CompareApproaches, SplitsTheFlipsAndJudgesTheAccuracyOnTheseImagesAndOnOthers) {
  const Report report = report_of({{"base", {.factor = 1, .wrong = {4}, .fails_on = {}}},
                                   {"worse", {.factor = 1, .wrong = {7, 8, 9}, .fails_on = {}}}});
  const Comparison& comparison = report.comparisons[0];
  EXPECT_EQ(comparison.label_flips.harmful, 3U);
  EXPECT_EQ(comparison.label_flips.helpful, 1U);
  EXPECT_EQ(comparison.label_flips.harmful_files.front(), "PNEUMONIA/7.png");
  EXPECT_EQ(comparison.label_flips.helpful_files.front(), "NORMAL/4.png");
  EXPECT_EQ(comparison.label_flips.files.size(), 4U);
  EXPECT_NEAR(*comparison.accuracy_delta_points, -100 * 2.0 / 150, 1e-12);
  EXPECT_NEAR(*comparison.mcnemar_p_value, 0.375, 1e-12);  // mid-p of 3 and 1: 2 x (1 + 4)/16 - 4/16
  EXPECT_EQ(*comparison.accuracy_margin_images, 0U);       // half a point of 150
  EXPECT_EQ(comparison.accuracy_verdict, AccuracyVerdict::lost);
  EXPECT_EQ(comparison.accuracy_population_verdict, AccuracyVerdict::inconclusive);
  EXPECT_FALSE(comparison.images_needed) << "no number would do";
  EXPECT_DOUBLE_EQ(*comparison.max_probability_difference, 0.8);
  EXPECT_TRUE(comparison.auroc_delta);
}

TEST(CompareApproaches, SaysThatDecisionsDifferWhereAnApproachRepeatsItselfOtherwise) {
  Report report = report_of({{"base", {}}, {"drops_at_random", {}}});
  report.results[1].repeats = RepeatsReport{30, 12, 4, 3.5};
  compare_approaches(report);
  const Comparison& comparison = report.comparisons[0];
  EXPECT_EQ(comparison.accuracy_verdict, AccuracyVerdict::decisions_differ);
  EXPECT_EQ(comparison.accuracy_population_verdict, AccuracyVerdict::decisions_differ);
  EXPECT_EQ(comparison.reasons.back(),
            "accuracy: decisions of 'drops_at_random' differ between repeats of the same image, in 4 of 30");
  report.results[1].repeats->other_decisions = 0;
  compare_approaches(report);
  EXPECT_EQ(report.comparisons[0].accuracy_verdict, AccuracyVerdict::kept);
}

TEST(CompareApproaches, LeavesAnImageThatFailedAnywhereOutOfEveryComparison) {
  const Report report = report_of({{"base", {}},
                                   {"failing", {.factor = 1, .wrong = {}, .fails_on = 7}},
                                   {"wrong", {.factor = 1, .wrong = {7}, .fails_on = {}}}});
  EXPECT_TRUE(report.comparisons[1].label_flips.files.empty());
  EXPECT_EQ(report.comparisons[1].accuracy_verdict, AccuracyVerdict::kept);
}

TEST(CompareApproaches, DecidesNothingOnTooFewRounds) {
  const Made few{.factor = 1, .wrong = {}, .fails_on = {}, .rounds = 5};
  Made fast = few;
  fast.factor = 0.1;
  const Report report = report_of({{"base", few}, {"fast", fast}});
  const Comparison& comparison = report.comparisons[0];
  EXPECT_EQ(comparison.speed_verdict, SpeedVerdict::inconclusive);
  EXPECT_FALSE(comparison.speedup.ci95);
  ASSERT_FALSE(comparison.reasons.empty());
  EXPECT_NE(comparison.reasons[0].find("needs 6 rounds"), std::string::npos) << comparison.reasons[0];
}

TEST(CompareApproaches, SaysWhyAFailedApproachIsNotCompared) {
  SuiteResult suite = made_suite(made_dataset(alternating(30 * round_size)));
  suite.collector.add(made("base", {}));
  ApproachResult failed = made("failed", {});
  failed.error = "its worker was ended by signal 9";
  suite.collector.add(std::move(failed));
  const Report report = make_report(suite, {});
  const Comparison& comparison = report.comparisons[0];
  EXPECT_FALSE(comparison.speedup.ratio);
  EXPECT_EQ(comparison.speed_verdict, SpeedVerdict::inconclusive);
  ASSERT_FALSE(comparison.reasons.empty());
  EXPECT_NE(comparison.reasons[0].find("signal 9"), std::string::npos);
  EXPECT_FALSE(report.results[1].speed_rank);
}

TEST(CompareApproaches, KnowsNoAccuracyWithoutLabels) {
  SuiteResult suite = made_suite(made_dataset(alternating(30 * round_size)));
  for (DatasetEntry& entry : suite.dataset.entries) entry.label.reset();
  suite.dataset.classes.clear();
  suite.dataset.positive.reset();
  suite.collector.add(made("base", {}));
  suite.collector.add(made("other", {.factor = 1, .wrong = {3}, .fails_on = {}}));
  const Comparison comparison = make_report(suite, {}).comparisons[0];
  EXPECT_FALSE(comparison.accuracy_delta_points);
  EXPECT_EQ(comparison.accuracy_verdict, AccuracyVerdict::inconclusive);
  EXPECT_EQ(comparison.label_flips.files.size(), 1U);
  EXPECT_EQ(comparison.label_flips.harmful, 0U);
}

TEST(CompareApproaches, SaysTheSameOfAReportThatWasWrittenAndRead) {
  const Report report = report_of({{"base", {}}, {"other", {.factor = 0.9, .wrong = {3}, .fails_on = {}}}});
  std::stringstream file;
  write_json(file, report);
  Report read = read_json(file, "report.json");
  compare_approaches(read);
  EXPECT_EQ(read.comparisons, report.comparisons);
}

TEST(CompareApproaches, TakesAnotherBaselineIfAsked) {
  Report report = report_of({{"base", {}}, {"twice", {.factor = 0.5, .wrong = {}, .fails_on = {}}}});
  compare_approaches(report, {}, "twice");
  EXPECT_EQ(report.comparisons[0].candidate, "base");
  EXPECT_NEAR(*report.comparisons[0].speedup.ratio, 0.5, 0.01);
  EXPECT_THROW(compare_approaches(report, {}, "thrice"), InputError);
}

TEST(CompareApproaches, TellsHowFarTheInputsOfTheNetworksWereApart) {
  SuiteResult suite = made_suite(made_dataset(alternating(30 * round_size)));
  ApproachResult one = made("one", {});
  ApproachResult other = made("other", {});
  one.inputs = {{0, {0.5F, -1.0F}}, {5, {2.0F, 2.0F}}};
  other.inputs = {{0, {0.5F, -1.25F}}, {10, {9.0F, 9.0F}}};
  suite.collector.add(one);
  suite.collector.add(other);
  suite.collector.add(made("silent", {}));
  Report report = make_report(suite, {});
  EXPECT_EQ(*report.comparisons[0].max_input_difference, 0.25);
  EXPECT_FALSE(report.comparisons[1].max_input_difference);
  EXPECT_TRUE(report.results[0].per_image.input_hash[0]);
  EXPECT_FALSE(report.results[0].per_image.input_hash[1]);

  // From the report alone: equal or not.
  compare_approaches(report);
  EXPECT_NE(report.comparisons[0].max_input_difference.reason.find("differ"), std::string::npos);
  SuiteResult same = made_suite(made_dataset(alternating(30 * round_size)));
  other.inputs = one.inputs;
  same.collector.add(one);
  same.collector.add(other);
  report = make_report(same, {});
  compare_approaches(report);
  EXPECT_EQ(*report.comparisons[0].max_input_difference, 0);
}

TEST(CompareApproaches, RefusesCriteriaAndReportsThatMeanNothing) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<ComparisonCriteria> bad = {
      {.speed = {.confidence = nan}}, {.speed = {.confidence = 1}},          {.speed = {.practical = -1}},
      {.speed = {.practical = nan}},  {.speed = {}, .accuracy_margin = nan}, {.speed = {}, .accuracy_margin = 1}};
  Report report = report_of({{"a", {}}, {"b", {}}});
  const Report other = report;
  for (const ComparisonCriteria& criteria : bad) {
    EXPECT_THROW(compare_approaches(report, criteria), UsageError);
    EXPECT_THROW(compare_with_report(report, other, "other", criteria), UsageError);
  }
  Report damaged = report;
  damaged.results[1].per_image.predicted.clear();
  EXPECT_THROW(compare_approaches(damaged), InputError);
  EXPECT_THROW(compare_with_report(damaged, other, "other"), InputError);
  EXPECT_THROW(compare_with_report(report, damaged, "damaged"), InputError);
}

}  // namespace
}  // namespace stagemark
