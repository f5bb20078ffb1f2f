#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "command_runner.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/format/display_text.hpp"

namespace stagemark {
namespace {

using nlohmann::json;

bool is_clean(const json& environment) {
  return std::ranges::all_of(environment["findings"],
                             [](const json& finding) { return finding["severity"] == "information"; });
}

bool has_finding(const json& environment, const std::string& id) {
  return std::ranges::any_of(environment["findings"], [&](const json& finding) { return finding["id"] == id; });
}

TEST(Doctor, FindsWhatTheKernelTells) {
  const CommandResult result = run_stagemark("doctor --json");
  ASSERT_EQ(result.exit_code, 0) << result.error;
  const json environment = json::parse(result.out);
  EXPECT_EQ(environment["os"]["kernel"].get<std::string>() + "\n",
            TemporaryDirectory::read("/proc/sys/kernel/osrelease"));
  const std::string cpuinfo = TemporaryDirectory::read("/proc/cpuinfo");
  if (environment["cpu"]["model"].is_string()) {
    EXPECT_NE(cpuinfo.find(environment["cpu"]["model"].get<std::string>()), std::string::npos);
  }
  EXPECT_EQ(environment["threads"]["network"], environment["cpu"]["usable_cpus"]);
  if (STAGEMARK_HAS_LIBTORCH) {
    EXPECT_TRUE(environment["configuration"]["libtorch"].contains("cpu_capability"));
    const std::string blas = environment["compute_libraries"]["blas_file"].get<std::string>();
    EXPECT_TRUE(std::filesystem::is_regular_file(blas)) << blas;
  }
}

TEST(Doctor, PrintsTheEnvironmentOfTheReportsSchema) {
  const TemporaryDirectory directory;
  const json schema = json::parse(run_stagemark("schema").out)["properties"]["environment"];
  directory.write("schema.json", schema.dump());
  directory.write("environment.json", run_stagemark("doctor --json").out);
  directory.write("validate.py",
                  "import json, sys, jsonschema\n"
                  "jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))\n");
  if (std::system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
    GTEST_SKIP() << "python3-jsonschema is not installed";
  }
  const std::string folder = directory.str();
  EXPECT_EQ(std::system(("/usr/bin/python3 " + folder + "/validate.py " + folder + "/schema.json " + folder +
                         "/environment.json 2>&1")
                            .c_str()),
            0);
}

TEST(Doctor, EndsWithOneOnlyWhereItIsStrictAndSomethingIsWrong) {
  const std::string wrong = "OMP_NUM_THREADS=1";
  const CommandResult strict = run_stagemark("doctor --json --strict --threads 2", wrong);
  EXPECT_EQ(strict.exit_code, 1);
  EXPECT_TRUE(has_finding(json::parse(strict.out), "thread_variable"));
  EXPECT_EQ(run_stagemark("doctor --threads 2", wrong).exit_code, 0);
  const CommandResult here = run_stagemark("doctor --json --strict");
  EXPECT_EQ(here.exit_code, is_clean(json::parse(here.out)) ? 0 : 1);
  EXPECT_EQ(run_stagemark("doctor --threads 0").exit_code, 2);
}

TEST(Doctor, IsPlainTextWithinAHundredColumnsWhereThereIsNoTerminal) {
  const CommandResult result = run_stagemark("doctor", "OMP_NUM_THREADS=1 ONEDNN_DEFAULT_FPMATH_MODE=BF16");
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.out.find('\x1b'), std::string::npos);
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 100U) << line;
  const std::size_t problem = result.out.find("\nproblem reduced_precision\n");
  EXPECT_NE(problem, std::string::npos) << result.out;
  EXPECT_LT(problem, result.out.find("\ninformation "));
  EXPECT_NE(result.out.find("\n  -> unset it\n"), std::string::npos);
}

TEST(Doctor, ColoursOnATerminalUnlessNobodyWantsColours) {
  if (std::system("script -qec true /dev/null >/dev/null 2>&1 </dev/null") != 0) {
    GTEST_SKIP() << "script is not installed, or cannot make a pseudo-terminal (a chroot without /dev/pts)";
  }
  const TemporaryDirectory directory;
  const auto on_terminal = [&](const std::string& variables) {
    const std::string file = (directory / "typescript").string();
    const std::string command = "TERM=xterm " + variables +
                                " OMP_NUM_THREADS=1 script -qec '" STAGEMARK_BINARY " doctor --threads 2' " + file +
                                " >/dev/null </dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return TemporaryDirectory::read(file);
  };
  EXPECT_NE(on_terminal("").find("\x1b[1;33mwarning\x1b[0m thread_variable"), std::string::npos);
  EXPECT_EQ(on_terminal("NO_COLOR=1").find('\x1b'), std::string::npos);
  EXPECT_EQ(on_terminal("TERM=dumb").find('\x1b'), std::string::npos);
}

TEST(Doctor, ReportsHoldTheSameFindings) {
  const TemporaryDirectory directory;
  ASSERT_EQ(run_stagemark("sample " + (directory / "images").string() + " --images 12 --no-model").exit_code, 0);
  const CommandResult run = run_stagemark(
      "run " + (directory / "images").string() + " -a null-fp32 --threads 2 -o " + (directory / "out").string(),
      "OMP_NUM_THREADS=1");
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const json environment = json::parse(TemporaryDirectory::read(directory / "out/report.json"))["environment"];
  EXPECT_TRUE(has_finding(environment, "thread_variable"));
  EXPECT_NE(run.out.find("warning: OMP_NUM_THREADS=1 contradicts"), std::string::npos) << run.out;
  EXPECT_TRUE(environment["cpu"]["load_average_after"].is_array());
  EXPECT_NE(TemporaryDirectory::read(directory / "out/report.html").find("OMP_NUM_THREADS=1 contradicts"),
            std::string::npos);
  const std::string last_line = run.out.substr(run.out.rfind('\n', run.out.size() - 2) + 1);
  EXPECT_EQ(last_line, "Figures: " + (directory / "out/report.json").string() + "\n");
}

}  // namespace
}  // namespace stagemark
