// check, compare, calibrate and run --check, on builds of which it is known what they cost.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "command_runner.hpp"
#include "fakes/temporary_directory.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class GateCommand : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_ = new TemporaryDirectory();
    write_black_and_white(images(), 30);
  }
  static void TearDownTestSuite() {
    delete set_;
    set_ = nullptr;
  }

  static std::string images() { return (*set_ / "images").string(); }

  /// `run`'s arguments for approaches hosted by these made builds, in this order.
  std::string builds(const std::vector<std::string>& names) const {
    std::string arguments = images();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const fs::path executable = directory_ / names[i];
      if (!fs::exists(executable)) fs::create_symlink(STAGEMARK_MADE_BUILD, executable);
      const std::string approach = std::string(1, static_cast<char>('a' + i));
      arguments += " -a " + approach + "=null-fp32 --worker " + approach + "=" + executable.string();
    }
    return arguments;
  }

  /// Runs them into DIRECTORY/name and gives the report's path.
  std::string report_of(const std::string& name, const std::vector<std::string>& builds_of_run,
                        const std::string& options = "") const {
    const std::string output = path(name);
    const CommandResult run = run_stagemark("run " + builds(builds_of_run) + " -o " + output + " " + options);
    EXPECT_EQ(run.exit_code, 0) << run.error;
    return output;
  }

  [[nodiscard]] std::string path(const std::string& name) const { return (directory_ / name).string(); }
  [[nodiscard]] json read(const std::string& report) const {
    return json::parse(std::ifstream(report + "/report.json"));
  }

  TemporaryDirectory directory_;

 private:
  static inline TemporaryDirectory* set_ = nullptr;
};

TEST_F(GateCommand, FailsEightPercentPassesTwoAndNamesWhatItSaw) {
  const std::string slower = report_of("slower", {"burns-1.00", "burns-1.08"});
  const CommandResult failed = run_stagemark("check " + slower);
  EXPECT_EQ(failed.exit_code, 1) << failed.out << failed.error;
  EXPECT_NE(failed.out.find("FAIL"), std::string::npos) << failed.out;
  EXPECT_NE(failed.out.find("total:median"), std::string::npos);
  EXPECT_EQ(run_stagemark("check " + slower + " --max-slowdown 12%").exit_code, 0);

  const CommandResult passed = run_stagemark("check " + report_of("little", {"burns-1.00", "burns-1.02"}));
  EXPECT_EQ(passed.exit_code, 0) << passed.out << passed.error;
}

TEST_F(GateCommand, JudgesTwoBuildsInterleavedInOneCommand) {
  const CommandResult failed =
      run_stagemark("run " + builds({"burns-1.00", "burns-1.08"}) + " --check --junit " + path("gate.xml") +
                    " --markdown " + path("summary.md") + " --annotations github -o " + path("one"));
  EXPECT_EQ(failed.exit_code, 1) << failed.error;
  EXPECT_NE(failed.out.find("::error title=stagemark::b total:median"), std::string::npos) << failed.out;
  const std::string junit = TemporaryDirectory::read(path("gate.xml"));
  EXPECT_NE(junit.find("tests=\"2\" failures=\"1\""), std::string::npos) << junit;
  EXPECT_NE(TemporaryDirectory::read(path("summary.md")).find("| FAIL | b | total:median |"), std::string::npos);
  EXPECT_EQ(run_stagemark("check " + path("one")).exit_code, 1);
}

TEST_F(GateCommand, CannotTellOnFourRounds) {
  const std::string few = report_of("few", {"burns-1.00", "burns-1.08"}, "--samples 20 --rounds 4 --passes 1");
  const CommandResult result = run_stagemark("check " + few);
  EXPECT_EQ(result.exit_code, 5) << result.out << result.error;
  EXPECT_NE(result.out.find("are needed"), std::string::npos) << result.out;
  EXPECT_EQ(run_stagemark("check " + few + " --inconclusive pass").exit_code, 0);
  EXPECT_EQ(run_stagemark("check " + few + " --inconclusive fail").exit_code, 1);
}

TEST_F(GateCommand, CatchesGarbageThatIsFast) {
  const std::string garbage = report_of("out", {"burns-1.00", "garbage"});
  const CommandResult checked = run_stagemark("check " + garbage);
  EXPECT_EQ(checked.exit_code, 1) << checked.out;
  EXPECT_NE(checked.out.find("30 harmful flips"), std::string::npos) << checked.out;
  const CommandResult compared = run_stagemark("compare " + garbage);
  EXPECT_EQ(compared.exit_code, 0);
  EXPECT_NE(compared.out.find("faster"), std::string::npos) << compared.out;
  EXPECT_NE(compared.out.find("accuracy lost"), std::string::npos) << compared.out;
}

TEST_F(GateCommand, NeverPassesWhatItCannotJudge) {
  const std::string good = report_of("good", {"burns-1.00", "burns-1.00"});
  EXPECT_EQ(run_stagemark("check " + good).exit_code, 0);
  const json report = read(good);
  const auto judged = [&](const std::string& text) {
    const std::string file = path("changed.json");
    std::ofstream(file) << text;
    const CommandResult result = run_stagemark("check " + file);
    EXPECT_EQ(std::count(result.error.begin(), result.error.end(), '\n'), 1) << result.error;
    return result.exit_code;
  };
  json renamed = report;
  for (json& result : renamed["results"]) {
    for (const char* place : {"stages", "per_image"}) {
      json& stages = std::string(place) == "stages" ? result["stages"] : result["per_image"]["stages_ns"];
      stages.erase("total");
    }
  }
  EXPECT_EQ(judged(renamed.dump()), 4);
  json untimed = report;
  untimed["results"][1]["per_image"]["stages_ns"].erase("total");
  EXPECT_EQ(judged(untimed.dump() + " "), 4);
  json alone = report;
  alone["results"].erase(1);
  EXPECT_EQ(judged(alone.dump()), 4);
  json empty = report;
  empty["results"] = json::array();
  EXPECT_EQ(judged(empty.dump()), 4);
  json failed = report;
  failed["results"][1]["error"] = "it fell over";
  EXPECT_EQ(judged(failed.dump()), 4);
  json newer = report;
  newer["schema_version"] = "2.0";
  EXPECT_EQ(judged(newer.dump()), 4);
  const std::string whole = report.dump();
  EXPECT_EQ(judged(whole.substr(0, whole.size() / 2)), 4);
  EXPECT_EQ(judged(""), 4);
  EXPECT_EQ(run_stagemark("check " + path("nowhere")).exit_code, 4);
  EXPECT_EQ(run_stagemark("check " + good + " --baseline-approach z").exit_code, 4);
  EXPECT_EQ(run_stagemark("check " + good + " --metric upload").exit_code, 4);
  EXPECT_EQ(run_stagemark("check " + good + " --metric total:best").exit_code, 2);
  EXPECT_EQ(run_stagemark("check " + good + " --max-drop speed=1pp").exit_code, 2);
  EXPECT_EQ(run_stagemark("check " + good + " --max-drop auroc=0pp --max-flips 0").exit_code, 0);
}

TEST_F(GateCommand, RefusesBeforeItMeasuresWhatItCouldNotJudge) {
  const auto refused = [&](const std::string& arguments) {
    const CommandResult run = run_stagemark("run " + arguments + " --check -o " + path("none"));
    EXPECT_FALSE(fs::exists(path("none"))) << arguments;
    EXPECT_EQ(run.out, "");
    return run.exit_code;
  };
  EXPECT_EQ(refused(builds({"burns-1.00"})), 2);
  const std::string two = builds({"burns-1.00", "burns-1.02"});
  EXPECT_EQ(refused(two + " --metric off --max-accuracy-drop off"), 2);
  EXPECT_EQ(refused(two + " --baseline " + path("nowhere")), 4);
  EXPECT_EQ(refused(two + " --machine-calibration " + path("nowhere")), 4);
  // Without labels there is no accuracy to judge.
  const std::string labelled = images();
  const std::string flat = two.substr(0, labelled.size()) + "/NORMAL" + two.substr(labelled.size());
  EXPECT_EQ(refused(flat), 4);
}

TEST_F(GateCommand, KeepsTheOthersResultsWhenAWorkerIsKilled) {
  const CommandResult run =
      run_stagemark("run " + builds({"burns-1.00", "killed", "burns-1.02"}) + " -o " + path("out"));
  EXPECT_EQ(run.exit_code, 3) << run.error;
  EXPECT_NE(run.error.find("signal 9"), std::string::npos) << run.error;
  const json report = read(path("out"));
  EXPECT_TRUE(report["results"][1].contains("error"));
  for (const std::size_t whole : {0U, 2U}) {
    EXPECT_FALSE(report["results"][whole].contains("error"));
    EXPECT_EQ(report["results"][whole]["samples"], 60);
  }
  EXPECT_EQ(report["comparisons"][1]["candidate"], "c");
  EXPECT_TRUE(report["comparisons"][1]["speedup"]["ci95"].is_object() ||
              report["comparisons"][1]["speedup"]["ci95"].is_array());
  EXPECT_EQ(run_stagemark("check " + path("out")).exit_code, 4);
}

TEST_F(GateCommand, EndsWithThreeOnANetworkThatAnswersNoNumber) {
  const CommandResult run = run_stagemark("run " + builds({"burns-1.00", "nan"}) + " -o " + path("out"));
  EXPECT_EQ(run.exit_code, 3) << run.error;
  EXPECT_NE(run.error.find("every image failed"), std::string::npos) << run.error;
  const json report = read(path("out"));
  EXPECT_EQ(report["results"][0]["samples"], 60);
  EXPECT_EQ(report["results"][1]["failures"].size(), 60);
  EXPECT_EQ(run_stagemark("check " + path("out")).exit_code, 4);
}

TEST_F(GateCommand, JudgesAgainstAStoredBaseline) {
  const std::string stored = report_of("stored", {"burns-1.00"}, "--processes 6");
  const CommandResult same =
      run_stagemark("check --baseline " + stored + " " + report_of("same", {"burns-1.00"}, "--processes 4"));
  EXPECT_EQ(same.exit_code, 0) << same.out << same.error;
  // The table wraps its sentences.
  std::string sentences;
  std::istringstream words(same.out);
  for (std::string word; words >> word;) sentences += word + ' ';
  EXPECT_NE(sentences.find("four times in five"), std::string::npos) << same.out;
  const std::string slow = report_of("slow", {"burns-1.15"}, "--processes 4");
  EXPECT_EQ(run_stagemark("check --baseline " + stored + " " + slow).exit_code, 1);
  const CommandResult few = run_stagemark("check --baseline " + slow + " " + stored);
  EXPECT_EQ(few.exit_code, 5) << few.out;
  EXPECT_NE(few.out.find("--processes 10"), std::string::npos) << few.out;

  // Reports of two runs did not take turns; enough processes of each give an interval all the same.
  const CommandResult compared = run_stagemark("compare " + stored + " " + slow);
  EXPECT_EQ(compared.exit_code, 0);
  EXPECT_NE(compared.out.find("slower"), std::string::npos) << compared.out;
  const CommandResult too_few = run_stagemark("compare " + slow + " " + stored);
  EXPECT_NE(too_few.out.find("not_interleaved"), std::string::npos) << too_few.out;
  EXPECT_NE(too_few.out.find("inconclusive"), std::string::npos) << too_few.out;
}

TEST_F(GateCommand, ComparesAgainAndPrintsJson) {
  const std::string report = report_of("report", {"burns-1.00", "burns-1.08", "burns-1.00"});
  const CommandResult as_json = run_stagemark("compare " + report + " --json");
  EXPECT_EQ(as_json.exit_code, 0);
  EXPECT_EQ(json::parse(as_json.out), read(report)["comparisons"]);
  const CommandResult as_text = run_stagemark("compare " + report);
  EXPECT_NE(as_text.out.find("fastest first: 1. "), std::string::npos) << as_text.out;
  EXPECT_NE(as_text.out.find("largest difference of a probability 0, "), std::string::npos) << as_text.out;
  EXPECT_NE(as_text.out.find("McNemar's p 1.000"), std::string::npos) << as_text.out;
  const CommandResult against_b = run_stagemark("compare " + report + " --baseline b");
  EXPECT_NE(against_b.out.find("Against b"), std::string::npos) << against_b.out;
  EXPECT_EQ(run_stagemark("compare " + report_of("alone", {"burns-1.00"})).exit_code, 4);
}

TEST_F(GateCommand, WritesWhatGithubActionBenchmarkReads) {
  const std::string report = report_of("report", {"burns-1.00", "garbage"});
  const CommandResult result = run_stagemark("report " + report + " --github-benchmark -");
  EXPECT_EQ(result.exit_code, 0) << result.error;
  const json entries = json::parse(result.out);
  const auto value = [&](const std::string& name) {
    for (const json& entry : entries) {
      if (entry.at("name") == name) return entry.at("value").get<double>();
    }
    ADD_FAILURE() << "no " << name;
    return 0.0;
  };
  EXPECT_EQ(value("a total median"), read(report)["results"][0]["stages"]["total"]["median"]);
  EXPECT_EQ(value("b wrong decisions"), 50);
  EXPECT_EQ(run_stagemark("report " + report).exit_code, 2);
}

TEST_F(GateCommand, WritesJUnitOfAStoredReportAndDoesNotFail) {
  const std::string report = report_of("report", {"burns-1.00", "garbage"});
  const CommandResult result = run_stagemark("report " + report + " --junit -");
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_NE(result.out.find("<testcase classname=\"b\" name=\"accuracy\"><failure"), std::string::npos) << result.out;
  const CommandResult alone = run_stagemark("report " + report_of("alone", {"burns-1.00"}) + " --junit -");
  EXPECT_EQ(alone.exit_code, 4) << alone.error;
  EXPECT_EQ(alone.out, "");
}

TEST_F(GateCommand, CalibratesAndWarnsOfMarginsBelowTheNoise) {
  const fs::path executable = directory_ / "burns-1.00";
  fs::create_symlink(STAGEMARK_MADE_BUILD, executable);
  const CommandResult calibrated = run_stagemark(
      "calibrate " + images() + " -a null-fp32 --worker null=" + executable.string() + " -o " + path("calibration"));
  EXPECT_EQ(calibrated.exit_code, 0) << calibrated.error;
  EXPECT_NE(calibrated.out.find("smallest change found four times in five"), std::string::npos) << calibrated.out;
  json report = read(path("calibration"));
  EXPECT_EQ(report["calibration"]["generations"], 10);
  EXPECT_GT(report["calibration"]["smallest_detectable_change"], 0);
  EXPECT_EQ(schema_complaints(path("calibration") + "/report.json").value_or(""), "");

  report["calibration"]["smallest_detectable_change"] = 0.07;
  std::ofstream(path("noisy.json")) << report.dump();
  const std::string run = report_of("run", {"burns-1.00", "burns-1.00"});
  const CommandResult warned = run_stagemark("check " + run + " --calibration " + path("noisy.json"));
  EXPECT_EQ(warned.exit_code, 0) << warned.out;
  EXPECT_NE(warned.out.find("below the noise"), std::string::npos) << warned.out;
  EXPECT_EQ(run_stagemark("check " + run + " --calibration " + run).exit_code, 4);
  EXPECT_EQ(run_stagemark("calibrate " + images() + " -a null-fp32 -a null-fp32").exit_code, 2);
}

TEST_F(GateCommand, GoesOnUntilTheSpeedUpIsKnownWellEnough) {
  const std::string report = report_of("report", {"burns-1.00", "burns-1.08"}, "--target-ci 30%");
  EXPECT_EQ(read(report)["config"]["round_count"], 36);  // 12 rounds a pass, and 30 wanted
  EXPECT_NE(read(report)["config"]["stopped_because"].get<std::string>().find("30 % was asked for"), std::string::npos);
  const std::string out_of_time =
      report_of("timed", {"burns-1.00", "burns-1.08"}, "--target-ci 0.000001% --max-duration 3s");
  EXPECT_NE(read(out_of_time)["config"]["stopped_because"].get<std::string>().find("time was up"), std::string::npos);
  EXPECT_EQ(run_stagemark("run " + builds({"burns-1.00"}) + " --target-ci 1%").exit_code, 2);
  EXPECT_EQ(run_stagemark("run " + builds({"burns-1.00"}) + " --max-duration 1m").exit_code, 2);
}

TEST_F(GateCommand, MeasuresAgainOnceWhereItCouldNotTell) {
  const CommandResult run = run_stagemark("run " + builds({"burns-1.00", "burns-1.00"}) + " --check --retry --metric " +
                                          "total:p99 -o " + path("out"));
  const json report = read(path("out"));
  const bool again =
      report["config"]["stopped_because"] == "all planned rounds were measured twice, because the gate could not tell";
  EXPECT_EQ(report["config"]["round_count"], again ? 72 : 36) << run.out;
  EXPECT_EQ(run_stagemark("run " + builds({"burns-1.00"}) + " --retry").exit_code, 2);
  EXPECT_EQ(run_stagemark("run " + builds({"burns-1.00"}) + " --max-slowdown 3%").exit_code, 2);
}

}  // namespace
}  // namespace stagemark
