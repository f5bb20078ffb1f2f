#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "judgement/made_suite.hpp"
#include "stagemark/judgement/make_report.hpp"

namespace stagemark {
namespace {

using namespace testing;

/// One image per probability, all timed.
ApproachResult predicting(const std::vector<double>& probabilities) {
  ApproachResult result = made_approach();
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    add_call(result, {{i, probability(probabilities[i])}}, {{Stage::total, 1}});
  }
  return result;
}

TEST(ReportedAccuracy, CallsPositiveWhatReachesTheThreshold) {
  const ApproachReport report = reported(made_suite(made_dataset({1, 1, 0, 0})), predicting({0.5, 0.4, 0.5, 0.1}));
  EXPECT_EQ(*report.accuracy_metrics.confusion_matrix, (ConfusionMatrix{.tn = 1, .fp = 1, .fn = 1, .tp = 1}));
  EXPECT_DOUBLE_EQ(*report.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(*report.accuracy_metrics.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(*report.accuracy_metrics.auroc, 0.625);  // 2.5 of 4 pairs in order, the tie half
  EXPECT_TRUE(report.accuracy_metrics.ci95.accuracy);
}

TEST(ReportedAccuracy, TurnsTheProbabilityRoundWhereClassZeroIsPositive) {
  SuiteResult suite = made_suite(made_dataset({0, 0, 1, 1}));
  suite.dataset.positive = 0;
  suite.options.threshold = 0.7;
  // P(class 0) is 0.9, 0.6, 0.8, 0.1: the first and the third reach 0.7.
  const ApproachReport report = reported(suite, predicting({0.1, 0.4, 0.2, 0.9}));
  EXPECT_EQ(*report.accuracy_metrics.confusion_matrix, (ConfusionMatrix{.tn = 1, .fp = 1, .fn = 1, .tp = 1}));
  EXPECT_EQ(report.per_image.predicted[0], 0U);
  EXPECT_EQ(report.per_image.predicted[1], 1U);
  EXPECT_EQ(report.per_image.predicted[2], 0U);
  EXPECT_EQ(report.per_image.probability[0], 0.1);
  EXPECT_EQ(*make_report(suite, {}).dataset.positive, "NORMAL");
}

TEST(ReportedAccuracy, WarnsOfClassesInAnotherOrderWhereAurocIsBelowAHalfByMoreThanChance) {
  const auto warning = [](const std::vector<std::size_t>& labels, const std::vector<double>& probabilities) {
    std::string found;
    for (const std::string& text : reported(made_suite(made_dataset(labels)), predicting(probabilities)).warnings) {
      if (text.find("below 0.5 by more than chance") != std::string::npos) found = text;
    }
    return found;
  };
  // Every positive below every negative: 1 in 70 ways to order four and four, 1 in 20 for three and three.
  const std::string all_wrong = warning({1, 1, 1, 1, 0, 0, 0, 0}, {.1, .2, .1, .3, .9, .8, .7, .6});
  EXPECT_EQ(all_wrong.rfind("AUROC 0.0000 is below", 0), 0U) << all_wrong;
  EXPECT_NE(all_wrong.find("another order than 'NORMAL', 'PNEUMONIA'"), std::string::npos) << all_wrong;
  EXPECT_NE(all_wrong.find("`classes`"), std::string::npos) << all_wrong;
  EXPECT_NE(all_wrong.find("`positive`"), std::string::npos) << all_wrong;
  EXPECT_EQ(warning({1, 1, 1, 0, 0, 0}, {.1, .2, .1, .9, .8, .7}), "");
  // One pair of twenty-five in order.
  EXPECT_NE(warning({1, 1, 1, 1, 1, 0, 0, 0, 0, 0}, {.1, .2, .1, .3, .65, .9, .8, .7, .6, .95}).find("AUROC 0.0400 ["),
            std::string::npos);
  EXPECT_EQ(warning({1, 1, 0, 0}, {.5, .3, .4, .6}), "") << "a quarter of four pairs is no evidence";
  EXPECT_EQ(warning({1, 1, 1, 1, 0, 0, 0, 0}, {.9, .8, .7, .6, .1, .2, .1, .3}), "");
}

/// The warning of the approach that has these words in it, or none.
std::string warning_with(const std::string& words, const ApproachResult& result, std::size_t images) {
  const auto& warnings = reported(made_suite(made_dataset(std::vector<std::size_t>(images, 1))), result).warnings;
  const auto found =
      std::ranges::find_if(warnings, [&](const std::string& text) { return text.find(words) != std::string::npos; });
  return found == warnings.end() ? "" : *found;
}

TEST(ReportedAccuracy, WarnsWhereAllLogitsLookLikeSomethingElse) {
  const auto warning = [](const LogitRows& rows, std::size_t images) {
    ApproachResult result = predicting(std::vector<double>(images, 0.6));
    result.logits = rows;
    return warning_with("what was read as logits", result, images);
  };
  EXPECT_NE(warning({.count = 40, .fractions = 40}, 20).find("may be probabilities"), std::string::npos);
  EXPECT_EQ(warning({.count = 40, .fractions = 39}, 20), "") << "one that cannot be a probability tells";
  EXPECT_NE(warning({.count = 40, .fractions = 40}, 19).find("too few to tell"), std::string::npos)
      << "however often they came";
  EXPECT_NE(warning({.count = 4, .percentages = 4}, 4).find("percentages"), std::string::npos);
}

TEST(ReportedAccuracy, WarnsWhereNoImageMakesADifference) {
  const auto warning = [](const ApproachResult& result, std::size_t images) {
    return warning_with("the very same numbers", result, images);
  };
  EXPECT_EQ(warning(predicting({0.6, 0.6}), 2).rfind("all 2 images got the very same numbers", 0), 0U);
  EXPECT_NE(warning(predicting({0.6, 0.6 + 1e-7, 0.6}), 3), "") << "another rounding is no other number";
  EXPECT_EQ(warning(predicting({0.6}), 1), "") << "one image tells nothing";
  EXPECT_EQ(warning(predicting({0.6, 0.6, 0.601}), 3), "");

  ApproachResult nothing = predicting({0.6, 0.6});
  nothing.facts.does_nothing = true;
  EXPECT_EQ(warning(nothing, 2), "") << "there is no network";

  for (const std::size_t images : {9U, 10U}) {
    ApproachResult coarse = predicting(std::vector<double>(images, 0.6));
    coarse.facts.precision = Precision::int8;
    EXPECT_EQ(warning(coarse, images).empty(), images < 10) << "a few of few numbers are the same by chance";
    ApproachResult certain = predicting(std::vector<double>(images, 1));
    for (InferenceRecord& inference : certain.inferences) inference.prediction->logit.reset();
    EXPECT_EQ(warning(certain, images).empty(), images < 10) << "a few may be beyond what a probability can tell";
  }
  ApproachResult repeated = predicting({0.6});
  add_call(repeated, {{0, probability(0.6)}}, {}).pass = 1;
  EXPECT_EQ(warning(repeated, 1), "") << "the same image again";
}

TEST(ReportedAccuracy, CountsEachImageOnceByItsFirstPass) {
  ApproachResult result = predicting({0.9, 0.1});
  add_call(result, {{0, probability(0.1)}}, {{Stage::total, 1}}).pass = 1;
  add_call(result, {{1, probability(0.9)}}, {{Stage::total, 1}}).pass = 1;
  const ApproachReport report = reported(made_suite(made_dataset({1, 0})), result);
  EXPECT_EQ(report.accuracy_metrics.count, 2U);
  EXPECT_DOUBLE_EQ(*report.accuracy, 1);
  EXPECT_EQ(report.inferences, 4U);
  EXPECT_EQ(report.samples, 2U);
  EXPECT_EQ(report.stages.at(Stage::total).count, 4U);
}

TEST(ReportedAccuracy, LeavesOutAnImageThatFailedInTheFirstPass) {
  ApproachResult result = predicting({0.9});
  add_call(result, {{1, std::nullopt}}, {});
  add_call(result, {{1, probability(0.9)}}, {{Stage::total, 1}}).pass = 1;
  EXPECT_EQ(reported(made_suite(made_dataset({1, 0})), result).accuracy_metrics.count, 1U);
}

TEST(ReportedAccuracy, HasNoValueWithoutLabels) {
  SuiteResult suite = made_suite(made_dataset({0, 0}));
  suite.dataset.classes.clear();
  suite.dataset.positive.reset();
  for (DatasetEntry& entry : suite.dataset.entries) entry.label.reset();
  const ApproachReport report = reported(suite, predicting({0.9, 0.1}));
  EXPECT_EQ(report.accuracy.reason, "the images have no labels");
  EXPECT_EQ(report.accuracy_metrics.ece.reason, "the images have no labels");
  EXPECT_EQ(report.accuracy_metrics.ci95.auroc.reason, "the images have no labels");
  EXPECT_FALSE(report.accuracy_metrics.confusion_matrix);
  EXPECT_EQ(report.per_image.label[0], std::nullopt);
  EXPECT_EQ(report.per_image.predicted[0], 1U);
  EXPECT_EQ(report.stages.at(Stage::total).count, 2U);
  EXPECT_FALSE(make_report(suite, {}).dataset.positive);
}

TEST(ReportedAccuracy, HasNoValueWhereTheOnlyClassCouldBeEitherOfTheNetworks) {
  SuiteResult suite = made_suite(made_dataset({0, 0, 0}));
  suite.dataset.classes = {"PNEUMONIA"};
  suite.dataset.positive = 0;
  const ApproachReport report = reported(suite, predicting({0.9, 0.1, 0.8}));
  EXPECT_FALSE(report.accuracy);
  EXPECT_NE(report.accuracy_metrics.accuracy.reason.find("one class only"), std::string::npos);
  EXPECT_FALSE(report.accuracy_metrics.recall);
  EXPECT_FALSE(report.accuracy_metrics.confusion_matrix);
  EXPECT_DOUBLE_EQ(report.per_image.probability[0].value_or(-1), 0.9) << "not turned round";
  EXPECT_EQ(report.stages.at(Stage::total).count, 3U);
}

TEST(ReportedAccuracy, HasNoValueWhereOneScoreMeetsThreeClasses) {
  SuiteResult suite = made_suite(made_dataset({0, 1, 0}));
  suite.dataset.classes = {"a", "b", "c"};
  suite.dataset.positive.reset();
  suite.dataset.entries[2].label = 2;
  const ApproachReport report = reported(suite, predicting({0.9, 0.1, 0.8}));
  EXPECT_FALSE(report.accuracy);
  EXPECT_EQ(report.accuracy_metrics.accuracy.reason, "the network tells two classes apart, the data set has 3");
}

TEST(ReportedAccuracy, IsAccuracyAloneForMoreThanTwoClasses) {
  SuiteResult suite = made_suite(made_dataset({0, 1, 0}));
  suite.dataset.classes = {"a", "b", "c"};
  suite.dataset.positive.reset();
  suite.dataset.entries[2].label = 2;
  ApproachResult result = made_approach();
  for (const std::size_t index : {0U, 2U, 2U}) {
    add_call(result, {{result.inferences.size(), winner(index)}}, {{Stage::total, 1}});
  }
  const ApproachReport report = reported(suite, result);
  EXPECT_NEAR(*report.accuracy, 2.0 / 3, 1e-15);
  EXPECT_TRUE(report.accuracy_metrics.ci95.accuracy);
  EXPECT_EQ(report.accuracy_metrics.f1.reason, "defined for two classes, there are 3");
  EXPECT_EQ(report.per_image.predicted[1], 2U);
}

TEST(ReportedAccuracy, IsAccuracyAloneWhereTheNetworkHasMoreClassesThanTheDataSet) {
  ApproachResult result = made_approach();
  add_call(result, {{0, winner(0)}}, {{Stage::total, 1}});
  add_call(result, {{1, winner(999)}}, {{Stage::total, 1}});
  const ApproachReport report = reported(made_suite(made_dataset({0, 1})), result);
  EXPECT_DOUBLE_EQ(*report.accuracy, 0.5);
  EXPECT_EQ(report.accuracy_metrics.auroc.reason, "the network has more than two classes");
}

TEST(ReportedAccuracy, HasReasonsWhereEveryImageFailed) {
  ApproachResult result = made_approach();
  for (std::size_t i = 0; i < 2; ++i) add_call(result, {{i, std::nullopt}}, {{Stage::total, 1}});
  result.error = "every image failed";
  const ApproachReport report = reported(made_suite(made_dataset({0, 1})), result);
  EXPECT_EQ(report.samples, 0U);
  EXPECT_EQ(report.failures.size(), 2U);
  EXPECT_FALSE(report.accuracy);
  EXPECT_FALSE(report.accuracy.reason.empty());
  EXPECT_FALSE(report.accuracy_metrics.confusion_matrix);
  EXPECT_EQ(report.total_time_ms.reason, "the approach failed");
  EXPECT_TRUE(report.per_image.stages_ns.empty());
}

TEST(ReportedAccuracy, ScoresNoPredictionThatIsNoProbability) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const ApproachReport report = reported(made_suite(made_dataset({0, 1, 0})), predicting({nan, 0.9, 1.5}));
  EXPECT_EQ(report.accuracy_metrics.count, 1U);
  EXPECT_EQ(report.samples, 1U);
  EXPECT_EQ(report.per_image.probability[0], std::nullopt);
  EXPECT_EQ(report.per_image.probability[2], std::nullopt);
}

}  // namespace
}  // namespace stagemark
