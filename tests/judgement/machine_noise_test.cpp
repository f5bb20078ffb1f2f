// What a report of an approach against itself tells of a machine.
#include "stagemark/judgement/machine_noise.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "judgement/made_rounds.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {
namespace {

using namespace testing;

Report calibrated() {
  Report report = report_of({{"a", {}}, {"a#2", {}}});
  report.calibration = calibrate(report);
  return report;
}

TEST(CalibrationReport, SumsUpTheRoundsOfBothSides) {
  const CalibrationReport noise = *calibrated().calibration;
  EXPECT_EQ(noise.approach, "a");
  EXPECT_EQ(noise.rounds, 30U);
  EXPECT_EQ(noise.generations, 5U);
  ASSERT_TRUE(noise.smallest_detectable_change);
  EXPECT_GT(*noise.smallest_detectable_change, 0);
  EXPECT_LT(*noise.smallest_detectable_change, 0.05);
}

TEST(CalibrationReport, SurvivesTheJourneyThroughJson) {
  const Report report = calibrated();
  std::stringstream json;
  write_json(json, report);
  EXPECT_EQ(read_json(json, "report.json").calibration, report.calibration);
}

TEST(CalibrationReport, NeedsBothSides) {
  EXPECT_THROW((void)calibrate(report_of({{"alone", {}}})), InputError);
  Report failed = report_of({{"a", {}}, {"a#2", {}}});
  failed.results[1].error = "it fell over";
  EXPECT_THROW((void)calibrate(failed), InputError);
}

TEST(CalibrationWarnings, SpeakUpWhereTheMarginIsBelowTheNoise) {
  Report report = calibrated();
  const Report run = report_of({{"a", {}}, {"b", {}}});
  GateCriteria criteria;
  report.calibration->smallest_detectable_change = 0.02;
  report.calibration->false_difference_rate = 0.05;
  EXPECT_TRUE(calibration_warnings(report, run, criteria).empty());
  criteria.max_slowdown = 0.01;
  ASSERT_EQ(calibration_warnings(report, run, criteria).size(), 1U);
  EXPECT_NE(calibration_warnings(report, run, criteria)[0].find("below the noise"), std::string::npos);
  report.calibration->false_difference_rate = 0.4;
  EXPECT_EQ(calibration_warnings(report, run, criteria).size(), 2U);
  report.environment.fingerprint = "another";
  ASSERT_EQ(calibration_warnings(report, run, criteria).size(), 1U);
  EXPECT_NE(calibration_warnings(report, run, criteria)[0].find("another machine"), std::string::npos);
  EXPECT_THROW((void)calibration_warnings(run, run, criteria), InputError);
}

}  // namespace
}  // namespace stagemark
