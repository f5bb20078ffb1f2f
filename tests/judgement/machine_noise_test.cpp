// What a report of an approach against itself tells of a machine.
#include "stagemark/judgement/machine_noise.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "judgement/made_rounds.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {
namespace {

using namespace testing;

Report calibrated() {
  Report report = report_of({{"a", {}}, {"a#2", {}}});
  report.noise = noise_of(report);
  return report;
}

TEST(NoiseReport, SumsUpTheRoundsOfBothSides) {
  const NoiseReport noise = *calibrated().noise;
  EXPECT_EQ(noise.approach, "a");
  EXPECT_EQ(noise.rounds, 30U);
  EXPECT_EQ(noise.generations, 5U);
  ASSERT_TRUE(noise.smallest_detectable_change);
  EXPECT_GT(*noise.smallest_detectable_change, 0);
  EXPECT_LT(*noise.smallest_detectable_change, 0.05);
}

TEST(NoiseReport, SurvivesTheJourneyThroughJson) {
  const Report report = calibrated();
  std::stringstream json;
  write_json(json, report);
  EXPECT_EQ(read_json(json, "report.json").noise, report.noise);
}

TEST(NoiseReport, NeedsBothSides) {
  EXPECT_THROW((void)noise_of(report_of({{"alone", {}}})), InputError);
  Report failed = report_of({{"a", {}}, {"a#2", {}}});
  failed.results[1].error = "it fell over";
  EXPECT_THROW((void)noise_of(failed), InputError);
}

TEST(NoiseReport, IsOfOneApproachAlone) {
  Report other_precision = report_of({{"a", {}}, {"b", {}}});
  other_precision.results[1].precision = Precision::bf16;
  EXPECT_THROW((void)noise_of(other_precision), InputError);
  Report other_model = report_of({{"a", {}}, {"b", {}}});
  other_model.results[1].model = ModelReport{"net.ckpt", "state_dict", std::string(64, 'c'), 1};
  EXPECT_THROW((void)noise_of(other_model), InputError);
  Report other_way = report_of({{"a", {}}, {"b", {}}});
  other_way.results[1].execution = {{"threads", "1"}};
  EXPECT_THROW((void)noise_of(other_way), InputError);
  Report damaged = report_of({{"a", {}}, {"b", {}}});
  damaged.results[1].per_image.round.clear();
  EXPECT_THROW((void)noise_of(damaged), InputError);
}

TEST(NoiseWarnings, RefuseLimitsThatMeanNothing) {
  GateCriteria criteria;
  criteria.max_slowdown = std::numeric_limits<double>::quiet_NaN();
  const Report run = report_of({{"a", {}}, {"b", {}}});
  EXPECT_THROW((void)noise_warnings(calibrated(), run, criteria), UsageError);
}

TEST(NoiseWarnings, SpeakUpWhereTheMarginIsBelowTheNoise) {
  Report report = calibrated();
  const Report run = report_of({{"a", {}}, {"b", {}}});
  GateCriteria criteria;
  report.noise->smallest_detectable_change = 0.02;
  report.noise->false_difference_rate = 0.05;
  EXPECT_TRUE(noise_warnings(report, run, criteria).empty());
  criteria.max_slowdown = 0.01;
  ASSERT_EQ(noise_warnings(report, run, criteria).size(), 1U);
  EXPECT_NE(noise_warnings(report, run, criteria)[0].find("below the noise"), std::string::npos);
  report.noise->false_difference_rate = 0.4;
  EXPECT_EQ(noise_warnings(report, run, criteria).size(), 2U);
  report.environment.fingerprint = "another";
  ASSERT_EQ(noise_warnings(report, run, criteria).size(), 1U);
  EXPECT_NE(noise_warnings(report, run, criteria)[0].find("another machine"), std::string::npos);
  EXPECT_THROW((void)noise_warnings(run, run, criteria), InputError);
}

}  // namespace
}  // namespace stagemark
