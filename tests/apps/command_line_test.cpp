#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "command_runner.hpp"
#include "fakes/temporary_directory.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// For tests that are not about processes: each takes longer to start than to measure a few images.
const std::string one_process = "run --processes 1 ";

/// One small set for all tests of this file, without a model: the null engine needs none.
class CommandLine : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_ = new TemporaryDirectory();
    write_black_and_white(images(), 12);
  }
  static void TearDownTestSuite() {
    delete set_;
    set_ = nullptr;
  }
  static std::string images() { return (*set_ / "images").string(); }

  static json report(const TemporaryDirectory& directory) {
    std::ifstream in(directory / "report.json");
    return json::parse(in);
  }

  /// One sentence: one line on stderr, and nothing of the runtime's.
  static void expect_one_sentence(const CommandResult& result, int exit_code, const std::string& part) {
    EXPECT_EQ(result.exit_code, exit_code) << result.error;
    EXPECT_EQ(std::count(result.error.begin(), result.error.end(), '\n'), 1) << result.error;
    EXPECT_EQ(result.error.rfind("stagemark: ", 0), 0U) << result.error;
    EXPECT_NE(result.error.find(part), std::string::npos) << result.error;
    EXPECT_EQ(result.error.find("terminate called"), std::string::npos);
  }

 private:
  static inline TemporaryDirectory* set_ = nullptr;
};

TEST_F(CommandLine, ShowsHelpWithExamplesAndExitCodes) {
  const CommandResult help = run_stagemark("--help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.out.find("Examples:"), std::string::npos);
  EXPECT_NE(help.out.find("Exit codes:"), std::string::npos);
  EXPECT_EQ(run_stagemark("run --help").exit_code, 0);
  EXPECT_EQ(run_stagemark("--version").out.rfind("stagemark 0.", 0), 0U);
}

TEST_F(CommandLine, HelpFitsAHundredColumnsAndShowsExamples) {
  for (const char* command : {"", "run", "compare", "check", "calibrate", "report", "sample", "model", "predict",
                              "preprocess", "approaches", "schema"}) {
    std::istringstream help(run_stagemark(command + std::string(" --help")).out);
    bool examples = false;
    for (std::string line; std::getline(help, line);) {
      EXPECT_LE(line.size(), 100) << command << ": " << line;
      examples = examples || line == "Example:" || line == "Examples:";
    }
    EXPECT_TRUE(examples) << command;
  }
  const std::string run = run_stagemark("run --help").out;
  EXPECT_NE(run.find("  --round-memory SIZE         Most memory for decoded images (default 256MB)\n"),
            std::string::npos)
      << run;
}

TEST_F(CommandLine, EndsWithTwoOnAWrongCall) {
  expect_one_sentence(run_stagemark(""), 2, "--help");
  expect_one_sentence(run_stagemark("fly"), 2, "--help");
  expect_one_sentence(run_stagemark("run"), 2, "images");
  expect_one_sentence(run_stagemark("run " + images() + " --frobnicate"), 2, "run --help");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --batch 0"), 2, "batch");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --threshold 2"), 2, "threshold");
  expect_one_sentence(run_stagemark("run " + images() + " -a nonsense-fp32"), 2, "no such engine");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp16"), 2, "has no fp16");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --device gpu"), 2, "is not a device");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --positive COVID"), 2, "COVID");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --threshold nan"), 2, "threshold");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --seed -1"), 2, "seed");
  // Not the largest there is instead.
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --seed 99999999999999999999"), 2, "seed");
  expect_one_sentence(run_stagemark("sample " + images() + "/new --seed -1"), 2, "seed");
}

TEST_F(CommandLine, EndsWithThreeOnWhatCannotBeHadHere) {
  expect_one_sentence(run_stagemark("run " + images() + " -a tensorrt-fp16"), 3, "available here: ");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32@cuda"), 3, "available here: ");
}

TEST_F(CommandLine, EndsWithFourOnBadData) {
  const TemporaryDirectory directory;
  expect_one_sentence(run_stagemark("run " + (directory / "missing").string() + " -a null-fp32"), 4, "missing");
  fs::create_directory(directory / "empty");
  expect_one_sentence(run_stagemark("run " + (directory / "empty").string() + " -a null-fp32"), 4, "empty");
  fs::create_directory(directory / "broken");
  std::ofstream(directory / "broken/a.png") << "not an image";
  expect_one_sentence(
      run_stagemark("run " + (directory / "broken").string() + " -a null-fp32 -o " + (directory / "out").string()), 4,
      "no image can be read");
}

TEST_F(CommandLine, NamesTheUsageErrorBeforeTheMissingData) {
  expect_one_sentence(run_stagemark("run missing-directory -a nonsense-fp32"), 2, "no such engine");
  expect_one_sentence(run_stagemark("run " + images() + " -a tensorrt-fp16 -a null-fp16"), 2, "has no fp16");
}

TEST_F(CommandLine, EndsWithFourWhereStandardOutputCannotBeWritten) {
  for (const std::string command : {"schema", "approaches"}) {
    const int status = std::system((STAGEMARK_BINARY " " + command + " >/dev/full 2>/dev/null").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 4) << command;
  }
}

TEST_F(CommandLine, DoesNotOverwriteAReportUnlessForced) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "report.json") << "precious";
  const std::string call = one_process + images() + " -a null-fp32 -o " + directory.str();
  expect_one_sentence(run_stagemark(call), 4, "--force");
  std::string kept;
  std::ifstream(directory / "report.json") >> kept;
  EXPECT_EQ(kept, "precious");
  EXPECT_EQ(run_stagemark(call + " --force").exit_code, 0);
  EXPECT_EQ(report(directory)["total_benchmarks"], 1);
}

TEST_F(CommandLine, RefusesADirectoryThatCannotBeMade) {
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 -o /proc/nowhere"), 4, "--output");
}

TEST_F(CommandLine, EndsWithFourWhereTheDirectoryTakesNoReport) {
  // Not even from root; who is not root is told before the run.
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 -o /proc/self"), 4, "cannot be written");
}

TEST_F(CommandLine, LeavesTheOldReportWhereTheDiskTakesNoMore) {
  const TemporaryDirectory directory;
  directory.write("report.json", "precious");
  // Files end at 8 KiB: more than what is printed, less than the report.
  const CommandResult result = run_stagemark(one_process + images() + " -a null-fp32 --force -o " + directory.str(),
                                             "trap '' XFSZ; ulimit -f 16;");
  expect_one_sentence(result, 4, "report.json: cannot be written");
  EXPECT_NE(result.out.find("null-fp32"), std::string::npos) << "what was measured is at least shown";
  EXPECT_EQ(TemporaryDirectory::read(directory / "report.json"), "precious");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()), 1);
}

TEST_F(CommandLine, LinksLatestToTheNewestReport) {
  const TemporaryDirectory directory;
  const CommandResult result = run_stagemark(one_process + images() + " -a null-fp32", "cd " + directory.str() + " &&");
  ASSERT_EQ(result.exit_code, 0) << result.error;
  EXPECT_TRUE(fs::exists(directory / "results/latest/report.json"));
  EXPECT_TRUE(fs::exists(directory / "results/latest/report.html"));
  EXPECT_NE(result.out.find("Report: results/"), std::string::npos);

  // The next one begins in the same second, as a rule.
  const CommandResult next = run_stagemark(one_process + images() + " -a null-fp32", "cd " + directory.str() + " &&");
  ASSERT_EQ(next.exit_code, 0) << next.error;
  EXPECT_EQ(std::distance(fs::directory_iterator(directory / "results"), fs::directory_iterator()), 3);
  EXPECT_NE(next.out.find(fs::read_symlink(directory / "results/latest").string() + "/report.html"), std::string::npos);
}

TEST_F(CommandLine, ReportsTheHarnessCostOfTheNullEngine) {
  const TemporaryDirectory directory;
  const CommandResult result = run_stagemark(one_process + images() + " -a null-fp32 -o " + directory.str());
  EXPECT_NE(result.out.find("harness cost"), std::string::npos) << result.out;
  const json harness = report(directory)["results"][0]["harness"];
  EXPECT_GT(harness["cost_in_clock_readings"].get<double>(), 0);
  EXPECT_GT(harness["wall_ns_per_call"].get<double>(), 0);
}

TEST_F(CommandLine, NeedsHardlyMoreMemoryForTenThousandImagesThanForSixtyFour) {
#ifdef STAGEMARK_IS_SANITIZED
  GTEST_SKIP() << "the sanitizer keeps freed memory";
#endif
  const TemporaryDirectory directory;
  const auto peak_rss = [&](std::size_t images) {
    const fs::path set = directory / std::to_string(images);
    for (const char* name : {"NORMAL", "PNEUMONIA"}) fs::create_directories(set / name);
    for (std::size_t i = 0; i < images; ++i) {
      const std::string name = (i % 2 == 0 ? "NORMAL/" : "PNEUMONIA/") + std::to_string(i) + ".pgm";
      std::ofstream(set / name) << "P5 16 16 255\n" << std::string(256, static_cast<char>(i % 128));
    }
    const std::string output = (directory / ("out" + std::to_string(images))).string();
    const CommandResult result = run_stagemark(one_process + set.string() + " -a null-fp32 --passes 1 -o " + output);
    EXPECT_EQ(result.exit_code, 0) << result.error;
    std::ifstream in(output + "/report.json");
    return json::parse(in)["results"][0]["memory"]["peak_rss_bytes"].get<double>();
  };
  // What grows is the path, the label, the prediction and the times of each image.
  EXPECT_LE(peak_rss(10'000) - peak_rss(64), 8e6);
}

TEST_F(CommandLine, SaysThatSyntheticDataIsSynthetic) {
  const TemporaryDirectory directory;
  const std::string made = (directory / "made").string();
  ASSERT_EQ(run_stagemark("sample " + made + " --images 4 --no-model").exit_code, 0);
  const CommandResult result = run_stagemark(one_process + made + " -a null-fp32 -o " + directory.str());
  EXPECT_NE(result.out.find("SYNTHETIC"), std::string::npos);
  EXPECT_EQ(report(directory)["dataset"]["synthetic"], true);
}

TEST_F(CommandLine, WarnsOnceOfGreyImagesWithSixteenBits) {
  const TemporaryDirectory directory;
  fs::copy(images(), directory / "images", fs::copy_options::recursive);
  directory.write("images/NORMAL/deep.pgm", "P2 2 1 65535 256 65535");
  const std::string call =
      one_process + (directory / "images").string() + " -a null-fp32 --force -o " + directory.str();
  const CommandResult shifted = run_stagemark(call + " --passes 2");
  ASSERT_EQ(shifted.exit_code, 0) << shifted.error;
  EXPECT_NE(shifted.out.find("warning: 1 of 25 images are grey with 16 bits per sample"), std::string::npos)
      << shifted.out;
  EXPECT_EQ(report(directory)["dataset"]["warnings"].size(), 1U);
  ASSERT_EQ(run_stagemark(call + " --sixteen-bit pillow").exit_code, 0);
  EXPECT_EQ(report(directory)["dataset"]["warnings"], json::array());
  ASSERT_EQ(run_stagemark(call + " --sixteen-bit refuse").exit_code, 0);
  EXPECT_EQ(report(directory)["dataset"]["skipped"][0]["path"], "NORMAL/deep.pgm");
}

TEST_F(CommandLine, TimesASetOfOneClassOrWithoutLabelsAndSaysWhyItHasNoMetrics) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "one");
  fs::copy(images() + "/NORMAL", directory / "one/NORMAL", fs::copy_options::recursive);
  fs::copy(images() + "/NORMAL", directory / "flat", fs::copy_options::recursive);
  for (const char* set : {"one", "flat"}) {
    const CommandResult result =
        run_stagemark(one_process + (directory / set).string() + " -a null-fp32 --force -o " + directory.str());
    ASSERT_EQ(result.exit_code, 0) << result.error;
    const json written = report(directory)["results"][0];
    EXPECT_GT(written["stages"]["total"]["count"].get<int>(), 0) << set;
    for (const char* metric : {"accuracy", "auroc"}) {
      EXPECT_TRUE(written["accuracy_metrics"][metric].is_null()) << set << ' ' << metric;
      EXPECT_NE(written["accuracy_metrics"][metric + std::string("_reason")], "") << set << ' ' << metric;
    }
  }
}

TEST_F(CommandLine, TakesAManifestAndBalancesItsClasses) {
  const TemporaryDirectory directory;
  std::string rows = "path,label\n";
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(images())) {
    if (entry.path().extension() == ".png")
      rows += "\"" + entry.path().string() + "\"," + (count++ < 18 ? "A" : "B") + "\n";
  }
  ASSERT_EQ(count, 24U);
  const std::string manifest = directory.write("set.csv", rows).string();
  const CommandResult whole =
      run_stagemark(one_process + manifest + " -a null-fp32 -o " + (directory / "whole").string());
  EXPECT_EQ(whole.exit_code, 0) << whole.error;
  EXPECT_NE(whole.out.find("24 images in " + manifest + " (A 18, B 6"), std::string::npos) << whole.out;
  const CommandResult balanced =
      run_stagemark(one_process + manifest + " --balanced -a null-fp32 -o " + (directory / "balanced").string());
  EXPECT_NE(balanced.out.find("(A 6, B 6"), std::string::npos) << balanced.out;
  directory.write("bad.csv", "path,label\nx.png\n");
  expect_one_sentence(run_stagemark("run " + (directory / "bad.csv").string() + " -a null-fp32"), 4, "line 2");
}

TEST_F(CommandLine, SaysWhyThereAreNoTimes) {
  const TemporaryDirectory output;
  const CommandResult run = run_stagemark(one_process + images() + " -a null-fp32 --batch 4096 -o " + output.str());
  EXPECT_EQ(run.exit_code, 0) << run.error;
  EXPECT_NE(run.out.find("no times: "), std::string::npos) << run.out;
}

TEST_F(CommandLine, SkipsABrokenImageUpToTheLimit) {
  const TemporaryDirectory directory;
  fs::copy(images(), directory / "images", fs::copy_options::recursive);
  std::ofstream(directory / "images/NORMAL/000.png") << "not an image";
  const std::string call =
      one_process + (directory / "images").string() + " -a null-fp32 --force -o " + (directory / "out").string();
  EXPECT_EQ(run_stagemark(call + " --max-skipped 1").exit_code, 0);
  std::ifstream in(directory / "out/report.json");
  const json written = json::parse(in);
  EXPECT_EQ(written["dataset"]["images"], 24);
  ASSERT_EQ(written["dataset"]["skipped"].size(), 1U);
  EXPECT_EQ(written["dataset"]["skipped"][0]["path"], "NORMAL/000.png");
  expect_one_sentence(run_stagemark(call + " --max-skipped 0"), 4, "--max-skipped");
}

TEST_F(CommandLine, MeasuresTheSkippedAgainstAllFilesThatWereFound) {
  const TemporaryDirectory directory;
  const fs::path set = directory / "set";
  fs::copy(images(), set, fs::copy_options::recursive);
  std::ofstream(set / "NORMAL/empty.png").close();
  EXPECT_EQ(run_stagemark(one_process + set.string() + " -a null-fp32 --samples 3 -o " + (directory / "out").string())
                .exit_code,
            0)
      << "1 of 25, not 1 of 4";
}

TEST_F(CommandLine, WritesReportsThatPassTheirSchema) {
  const TemporaryDirectory directory;
  fs::copy(images(), directory / "set", fs::copy_options::recursive);
  std::ofstream(directory / "set/NORMAL/000.png") << "not an image";
  fs::create_directory(directory / "flat");
  for (const auto& file : fs::directory_iterator(directory / "set/NORMAL")) {
    fs::copy(file, directory / "flat" / file.path().filename());
  }
  for (const char* call :
       {"/set -a null-fp32 -a twice=null-fp32", "/set -a null-fp32 --batch 4", "/flat -a null-fp32"}) {
    const CommandResult result =
        run_stagemark("run --processes 2 " + directory.str() + call + " --force -o " + directory.str());
    ASSERT_EQ(result.exit_code, 0) << result.error;
    const auto complaints = schema_complaints(directory / "report.json");
    if (!complaints) GTEST_SKIP() << "python3-jsonschema is not installed";
    EXPECT_EQ(*complaints, "") << call;
  }
}

TEST_F(CommandLine, GivesARepeatedApproachANumber) {
  const TemporaryDirectory directory;
  ASSERT_EQ(run_stagemark(one_process + images() + " -a null-fp32 -a null-fp32 -o " + directory.str()).exit_code, 0);
  EXPECT_EQ(report(directory)["approaches_tested"], (json{"null-fp32@cpu", "null-fp32@cpu#2"}));
}

TEST_F(CommandLine, GivesTheSamePlanAndPredictionsForTheSameSeed) {
  const TemporaryDirectory a;
  const TemporaryDirectory b;
  const std::string call = one_process + images() + " -a x=null-fp32 -a y=null-fp32 --samples 11 --seed 5 -o ";
  ASSERT_EQ(run_stagemark(call + a.str()).exit_code, 0);
  ASSERT_EQ(run_stagemark(call + b.str()).exit_code, 0);
  const json first = report(a);
  const json second = report(b);
  EXPECT_EQ(first["dataset"]["sha256"], second["dataset"]["sha256"]);
  for (const char* column : {"path", "probability", "round", "pass"}) {
    EXPECT_EQ(first["results"][0]["per_image"][column], second["results"][0]["per_image"][column]) << column;
  }
  for (std::size_t i = 0; i < first["results"][0]["rounds"].size(); ++i) {
    EXPECT_EQ(first["results"][0]["rounds"][i]["position"], second["results"][0]["rounds"][i]["position"]);
  }
}

/// Starts a run that would take hours, does with it what the script says (`$!`: its process, `$group`: it and its workers)
/// once it measures, and returns its exit code. It writes `report.json`, `out` and `error` into the directory.
int run_until(const TemporaryDirectory& directory, const std::string& images, const std::string& what) {
  directory.write("interrupt.sh", R"(set -eu
cd "$1"
shift
setsid env --default-signal=INT,HUP,TERM "$@" --progress on -o . >out 2>error &
# Measuring has begun when the second round shows.
until grep -q 'round [2-9]' error; do kill -0 $!; sleep 0.05; done
group=-$!
)" + what + "\nwait $!\n");
  const std::string command = "sh " + (directory / "interrupt.sh").string() + " " + directory.str() +
                              " " STAGEMARK_BINARY " " + one_process + images + " -a null-fp32 --passes 1000000";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(CommandLine, WritesAReportMarkedInterruptedOnCtrlCOrTheLike) {
  // A terminal's signals reach the workers too, and one that closes hangs up twice.
  for (const char* what : {"kill -INT $!", "kill -TERM $!", "kill -HUP $!", "kill -INT $group",
                           "kill -HUP $group; kill -HUP $group 2>/dev/null || true"}) {
    const TemporaryDirectory directory;
    EXPECT_EQ(run_until(directory, images(), what), 130) << what << TemporaryDirectory::read(directory / "error");
    const json written = report(directory);
    EXPECT_EQ(written["interrupted"], true) << what;
    EXPECT_EQ(schema_complaints(directory / "report.json").value_or(""), "");
    EXPECT_GT(written["results"][0]["inferences"].get<int>(), 0) << what;
    EXPECT_FALSE(written["results"][0].contains("error")) << what;
    EXPECT_TRUE(fs::exists(directory / "report.html"));
    EXPECT_NE(TemporaryDirectory::read(directory / "out").find("INTERRUPTED"), std::string::npos);
  }
}

TEST_F(CommandLine, GoesOnUnderNohupWhenTheTerminalHangsUp) {
  const TemporaryDirectory directory;
  // Again and again until it ends: at what point it would matter is not known here.
  directory.write("hang_up.sh", R"(cd "$1"
shift
"$@" >out 2>&1 &
run=$!
while kill -HUP $run 2>/dev/null; do echo; sleep 0.02; done >signals &
wait $run
)");
  const std::string command = "nohup sh " + (directory / "hang_up.sh").string() + " " + directory.str() +
                              " " STAGEMARK_BINARY " " + one_process + images() + " -a null-fp32 --passes 10 -o .";
  EXPECT_EQ(std::system(command.c_str()), 0) << TemporaryDirectory::read(directory / "out");
  EXPECT_EQ(report(directory)["interrupted"], false);
  EXPECT_GE(TemporaryDirectory::read(directory / "signals").size(), 1U);
}

TEST_F(CommandLine, WritesTheReportWhereNobodyReadsTheTable) {
  const TemporaryDirectory directory;
  const std::string command =
      STAGEMARK_BINARY " " + one_process + images() + " -a null-fp32 -o " + directory.str() + " 2>/dev/null | true";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(report(directory)["results"][0]["samples"], 24);
}

TEST_F(CommandLine, SaysThatItNeedsProcToStartWorkers) {
#ifdef STAGEMARK_IS_SANITIZED
  GTEST_SKIP() << "the sanitizers need /proc, too";
#endif
  // In a namespace of its own something else stands in the place of /proc.
  const TemporaryDirectory directory;
  const std::string without_proc =
      "unshare -rm sh -c 'mount --bind " + directory.str() + " /proc && exec \"$0\" \"$@\"'";
  if (std::system((without_proc + " true 2>/dev/null").c_str()) != 0) GTEST_SKIP() << "no namespaces here";
  CommandResult result =
      run_stagemark(one_process + images() + " -a null-fp32 -o " + (directory / "out").string(), without_proc);
  // LibTorch complains, too, that it knows nothing of the processor.
  result.error.erase(0, result.error.find("stagemark: "));
  expect_one_sentence(result, 3, "mount /proc");
  EXPECT_FALSE(fs::exists(directory / "out"));
}

TEST_F(CommandLine, NumbersTheClassesInTheOrderOfTheOption) {
  const TemporaryDirectory directory;
  const std::string call = one_process + images() + " -a null-fp32 --force -o " + directory.str();
  ASSERT_EQ(run_stagemark(call + " --classes pneumonia,NORMAL").exit_code, 0);
  EXPECT_EQ(report(directory)["dataset"]["classes"], (json{"PNEUMONIA", "NORMAL"}));
  expect_one_sentence(run_stagemark(call + " --classes NORMAL,COVID"), 2,
                      "--classes: there is no class 'COVID'; the classes are NORMAL, PNEUMONIA");
  expect_one_sentence(run_stagemark(call + " --classes NORMAL"), 2, "--classes: class 'PNEUMONIA' is not named");
}

TEST_F(CommandLine, KeepsTheOtherApproachesWhereOnesWorkerFails) {
  const TemporaryDirectory directory;
  const CommandResult result = run_stagemark(
      one_process + images() + " -a good=null-fp32 -a bad=null-fp32 --worker bad=/bin/false -o " + directory.str());
  expect_one_sentence(result, 3, "its worker ended with status 1");
  const json results = report(directory)["results"];
  EXPECT_EQ(results[0]["samples"], 24);
  EXPECT_FALSE(results[0].contains("error"));
  EXPECT_EQ(results[1]["samples"], 0);
  EXPECT_NE(results[1]["error"].get<std::string>().find("status 1"), std::string::npos);
}

TEST_F(CommandLine, WritesNoReportWhereNoApproachGotAsFarAsAnImage) {
  const TemporaryDirectory directory;
  expect_one_sentence(
      run_stagemark("run " + images() + " -a bad=null-fp32 --worker bad=/no/such/program -o " + directory.str()), 3,
      "/no/such/program");
  EXPECT_FALSE(fs::exists(directory / "report.json"));
}

TEST_F(CommandLine, SharesTheRoundsOutOverFreshProcesses) {
  const TemporaryDirectory directory;
  ASSERT_EQ(run_stagemark("run " + images() + " -a null-fp32 -a null-fp32 -o " + directory.str()).exit_code, 0);
  const json whole = report(directory);
  EXPECT_EQ(whole["config"]["isolation"], "process");
  EXPECT_EQ(whole["config"]["processes"], 5);
  for (const json& result : whole["results"]) {
    EXPECT_EQ(result["rounds"].front()["process"], 0);
    EXPECT_EQ(result["rounds"].back()["process"], 4);
    EXPECT_EQ(result["per_image"]["process"].back(), 4);
  }
}

TEST_F(CommandLine, MeasuresInOneProcessIfAsked) {
  const TemporaryDirectory directory;
  const std::string call = "run " + images() + " -a null-fp32 -a null-fp32 --isolation none";
  ASSERT_EQ(run_stagemark(call + " -o " + directory.str()).exit_code, 0);
  EXPECT_EQ(report(directory)["config"]["isolation"], "none");
  EXPECT_EQ(report(directory)["config"]["processes"], 1);
  expect_one_sentence(run_stagemark(call + " --processes 3"), 2, "--isolation");
  expect_one_sentence(run_stagemark("run " + images() + " -a null-fp32 --hang-limit 0s"), 2, "--hang-limit");
}

TEST_F(CommandLine, StartsAWorkerOnlyForItself) {
  expect_one_sentence(run_stagemark("worker --approach null-fp32@cpu --threads 1 --batch 1"), 2, "stagemark run");
}

TEST_F(CommandLine, ListsEveryApproachWithReasonAndRemedy) {
  const CommandResult result = run_stagemark("approaches --json");
  ASSERT_EQ(result.exit_code, 0);
  const json list = json::parse(result.out);
  bool null_available = false;
  for (const json& entry : list) {
    if (entry["available"].get<bool>()) {
      null_available |= entry["approach"] == "null-fp32@cpu";
    } else {
      EXPECT_FALSE(entry["reason"].get<std::string>().empty());
      EXPECT_FALSE(entry["remedy"].get<std::string>().empty());
    }
  }
  EXPECT_TRUE(null_available);
  const CommandResult table = run_stagemark("approaches");
  for (const char* engine : {"libtorch", "torchscript", "aoti", "opencv", "onnxruntime", "tensorrt", "null"}) {
    EXPECT_NE(table.out.find(engine), std::string::npos) << engine;
  }
  // Each reason once, however many approaches it is why of: there are as many notes as reasons.
  std::set<std::string> reasons;
  for (const json& entry : list) {
    if (!entry["available"].get<bool>()) {
      reasons.insert(entry["reason"].get<std::string>() + entry["remedy"].get<std::string>());
    }
  }
  const auto mentioned = [&](std::size_t note) {
    return table.out.find("\n" + std::to_string(note) + "     ") != std::string::npos;
  };
  EXPECT_TRUE(reasons.empty() || mentioned(reasons.size())) << table.out;
  EXPECT_FALSE(mentioned(reasons.size() + 1)) << table.out;
}

TEST_F(CommandLine, PrintsASchemaThatIsJson) {
  const json schema = json::parse(run_stagemark("schema").out);
  EXPECT_TRUE(schema.contains("$schema"));
  EXPECT_TRUE(schema["properties"].contains("results"));
}

}  // namespace
}  // namespace stagemark
