// The options of a gate: which commands have them, and what becomes of them with reports of runs and of load tests.
#include "gate_arguments.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "command_runner.hpp"
#include "fakes/expect_says.hpp"
#include "fakes/temporary_directory.hpp"
#include "judgement/made_load.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {
namespace {

using namespace testing;

const std::vector<double> ten = {10, 10.2, 9.9, 10.1, 9.8};
const std::vector<double> nine = {9, 9.2, 8.9, 9.1, 8.8};

/// What a command with these options says of a report.
struct Judged {
  int exit_code = 0;
  std::string out;
};
Judged judged(const Report& report, const std::string& options, GatedReports reports = GatedReports::either) {
  CLI::App app;
  GateArguments gate;
  gate.add_to(app, reports, nullptr);
  app.parse(options);
  ::testing::internal::CaptureStdout();
  Judged result;
  try {
    result.exit_code = static_cast<int>(gate.judge(report, gate.criteria()));
  } catch (const Error& error) {
    result.exit_code = dynamic_cast<const UsageError*>(&error) != nullptr ? 2 : 4;
    result.out = error.what();
  }
  const std::string printed = ::testing::internal::GetCapturedStdout();
  // The table wraps its sentences.
  std::istringstream words(printed);
  for (std::string word; words >> word;) result.out += word + ' ';
  return result;
}

TEST(GateArguments, JudgeCapacityAndAccuracyOfALoadTest) {
  EXPECT_EQ(judged(load_of({{"base", ten}, {"same", ten}}), "").exit_code, 0);
  const Report less = load_of({{"base", ten}, {"less", nine}});
  const Judged failed = judged(less, "");
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_SAYS(failed.out, "capacity:drop");
  EXPECT_EQ(failed.out.find("total:median"), std::string::npos) << failed.out;
  EXPECT_EQ(judged(less, "--max-capacity-drop 15%").exit_code, 0);
  EXPECT_EQ(judged(less, "--max-capacity-drop off").exit_code, 0);
  EXPECT_EQ(judged(less, "--max-capacity-drop 10%").exit_code, 5);
  EXPECT_EQ(judged(less, "--max-capacity-drop 10% --inconclusive fail").exit_code, 1);
  EXPECT_EQ(judged(less, "--max-capacity-drop off --min-capacity 8").exit_code, 0);
  EXPECT_EQ(judged(less, "--max-capacity-drop off --min-capacity 9.5").exit_code, 1);
  EXPECT_EQ(judged(less, "--max-capacity-drop off --min-capacity 9").exit_code, 5);
  EXPECT_EQ(judged(less, "--metric off --max-capacity-drop off").exit_code, 0);
  EXPECT_EQ(judged(load_of({{"base", ten}, {"wrong", ten, {1, 2, 3}}}), "").exit_code, 1);
}

TEST(GateArguments, RefuseWhatTheReportCannotTell) {
  const Report load = load_of({{"base", ten}, {"same", ten}});
  // The usual values too: they were asked for.
  for (const char* options : {"--metric total:median", "--max-slowdown 5%", "--metric total:p95"}) {
    const Judged refused = judged(load, options);
    EXPECT_EQ(refused.exit_code, 4);
    EXPECT_SAYS(refused.out, "a load test times no single calls; judge it by --max-capacity-drop, --min-capacity or ");
  }
  const Report run = report_of({{"base", {}}, {"same", {}}});
  EXPECT_EQ(judged(run, "").exit_code, 0);
  EXPECT_EQ(judged(run, "--max-capacity-drop off").exit_code, 0);
  for (const char* options : {"--max-capacity-drop 5%", "--min-capacity 10", "--service-level p99=50ms"}) {
    const Judged refused = judged(run, options);
    EXPECT_EQ(refused.exit_code, 4);
    EXPECT_SAYS(refused.out, "the report is of single calls and not of a load test; measure it with 'stagemark load'");
  }
  EXPECT_EQ(judged(run, "--metric off --max-accuracy-drop off").exit_code, 2);
  EXPECT_EQ(judged(load, "--max-capacity-drop off --max-accuracy-drop off").exit_code, 2);
}

TEST(GateArguments, RefuseLimitsThatAreNone) {
  const Report load = load_of({{"base", ten}, {"same", ten}});
  for (const char* options : {"--max-capacity-drop 5", "--max-capacity-drop 100%", "--max-capacity-drop=-1%",
                              "--min-capacity 0", "--min-capacity 5%", "--service-level 50ms", "--service-level p99"}) {
    EXPECT_EQ(judged(load, options).exit_code, 2) << options;
  }
}

TEST(GateArguments, JudgeOneApproachAloneWhereNothingThatComparesWasAskedFor) {
  const Report alone = load_of({{"alone", ten}});
  EXPECT_EQ(judged(alone, "").exit_code, 4);
  const Judged reached = judged(alone, "--min-capacity 9");
  EXPECT_EQ(reached.exit_code, 0);
  EXPECT_SAYS(reached.out, "'alone' was measured alone: nothing was compared with a baseline");
  EXPECT_EQ(judged(alone, "--min-capacity 11").exit_code, 1);
  EXPECT_EQ(judged(alone, "--min-capacity 9 --max-accuracy-drop 0.5pp").exit_code, 4);
  EXPECT_EQ(judged(alone, "--min-capacity 9 --max-capacity-drop 5%").exit_code, 4);
}

TEST(GateArguments, JudgeGivenRatesByTheirServiceLevel) {
  Report report = load_of({{"base", {}}, {"other", {}}});
  for (LoadResultReport& result : report.load->results) result.points = {made_point(5, LoadVerdict::within, 31.4)};
  EXPECT_EQ(judged(report, "--service-level p99=50ms").exit_code, 0);
  EXPECT_EQ(judged(report, "--service-level p99=60ms").exit_code, 4);
  const Judged not_searched = judged(report, "");
  EXPECT_EQ(not_searched.exit_code, 4) << "of the capacity drop that is usually judged";
  EXPECT_SAYS(not_searched.out, "was not searched");
  EXPECT_EQ(judged(report, "--service-level p99=50ms --max-capacity-drop 5%").exit_code, 4);
  report.load->results[0].points.push_back(made_point(10, LoadVerdict::beyond, 62.5));
  EXPECT_EQ(judged(report, "--service-level p99=50ms").exit_code, 1);
  report.load->results[0].points.back().verdict = LoadVerdict::undecided;
  EXPECT_EQ(judged(report, "--service-level p99=50ms").exit_code, 5);
}

TEST(GateArguments, AreThoseThatApplyToWhatACommandMeasures) {
  const auto has = [](GatedReports reports, const char* option) {
    CLI::App app;
    GateArguments gate;
    gate.add_to(app, reports, nullptr);
    return app.get_option_no_throw(option) != nullptr;
  };
  using enum GatedReports;
  for (const char* option : {"--metric", "--max-slowdown", "--baseline", "--machine-calibration"}) {
    EXPECT_TRUE(has(runs, option) && has(either, option) && !has(loads, option)) << option;
  }
  for (const char* option : {"--max-capacity-drop", "--min-capacity"}) {
    EXPECT_TRUE(!has(runs, option) && has(either, option) && has(loads, option)) << option;
  }
  EXPECT_TRUE(has(either, "--service-level") && !has(loads, "--service-level")) << "that is the one measured";
  for (const char* option : {"--max-accuracy-drop", "--max-flips", "--baseline-approach", "--junit"}) {
    EXPECT_TRUE(has(runs, option) && has(either, option) && has(loads, option)) << option;
  }
  EXPECT_EQ(judged(load_of({{"base", ten}, {"less", nine}}), "", loads).exit_code, 1);
  EXPECT_EQ(
      judged(load_of({{"base", ten}, {"less", nine}}), "--max-capacity-drop off --max-accuracy-drop off", loads).out,
      "--max-capacity-drop off --max-accuracy-drop off: there is nothing left to judge; leave one of them on, or "
      "give --max-drop or --max-flips");
}

TEST(GateArguments, JudgeAStoredLoadTest) {
  const TemporaryDirectory directory;
  const auto stored = [&](const std::string& name, const Report& report) {
    std::string file = (directory / name).string();
    std::ofstream out(file);
    write_json(out, report);
    return file;
  };
  const std::string same = stored("same.json", load_of({{"base", ten}, {"same", ten}}));
  EXPECT_EQ(run_stagemark("check " + same).exit_code, 0);
  const CommandResult failed = run_stagemark("check " + stored("less.json", load_of({{"base", ten}, {"less", nine}})));
  EXPECT_EQ(failed.exit_code, 1) << failed.error;
  EXPECT_SAYS(failed.out, "capacity:drop");
  EXPECT_EQ(run_stagemark("check " + same + " --metric total:median").exit_code, 4);
  const CommandResult against_stored = run_stagemark("check " + same + " --baseline " + same);
  EXPECT_EQ(against_stored.exit_code, 4);
  EXPECT_SAYS(against_stored.error, "--baseline: the report is of a load test");
  EXPECT_EQ(
      run_stagemark("report " + stored("points.json", load_of({{"base", {}}, {"same", {}}})) + " --junit -").exit_code,
      0);
}

}  // namespace
}  // namespace stagemark
