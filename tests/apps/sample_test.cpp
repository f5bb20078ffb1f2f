#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "command_runner.hpp"
#include "fakes/temporary_directory.hpp"

namespace stagemark {
namespace {

using nlohmann::json;

class Sample : public ::testing::TestWithParam<int> {};

// Neither at chance nor perfect: a set on which nothing can go wrong would hide what goes wrong.
TEST_P(Sample, HasAnHonestAccuracyOnImagesTheModelNeverSaw) {
  if (!STAGEMARK_HAS_LIBTORCH) GTEST_SKIP() << "built without LibTorch";
  const TemporaryDirectory directory;
  const std::string set = (directory / "set").string();
  const CommandResult made = run_stagemark("sample " + set + " --seed " + std::to_string(GetParam()));
  ASSERT_EQ(made.exit_code, 0) << made.error;
  const CommandResult run =
      run_stagemark("run " + set + " -m " + set + "/model.ckpt --device cpu --passes 1 -o " + directory.str());
  ASSERT_EQ(run.exit_code, 0) << run.error;
  std::ifstream in(directory / "report.json");
  const json report = json::parse(in);
  const auto accuracy = report["results"][0]["accuracy"].get<double>();
  std::cout << "held-out accuracy " << accuracy << '\n';
  EXPECT_GE(accuracy, 0.75);
  EXPECT_LE(accuracy, 0.98);
  EXPECT_EQ(report["dataset"]["class_counts"], (json{{"NORMAL", 75}, {"PNEUMONIA", 75}}));
  EXPECT_EQ(report["dataset"]["synthetic"], true);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Sample, testing::Values(1, 2, 3));

TEST(SampleImages, AreTheSameBytesForTheSameSeedAndOthersForAnother) {
  const TemporaryDirectory directory;
  for (const char* call : {"a --seed 5", "b --seed 5", "c --seed 6"}) {
    ASSERT_EQ(run_stagemark("sample " + directory.str() + "/" + call + " --images 6 --no-model").exit_code, 0);
  }
  const std::string compare = "diff -r -q -x .stagemark-sample " + directory.str();
  EXPECT_EQ(std::system((compare + "/a " + directory.str() + "/b >/dev/null").c_str()), 0);
  EXPECT_NE(std::system((compare + "/a " + directory.str() + "/c >/dev/null").c_str()), 0);
}

TEST(SampleImages, AreNotWrittenOverSomethingElse) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "precious.txt") << "precious";
  for (const char* options : {"", " --force"}) {
    const CommandResult result = run_stagemark("sample " + directory.str() + " --no-model" + options);
    EXPECT_EQ(result.exit_code, 4) << result.error;
    EXPECT_TRUE(std::filesystem::exists(directory / "precious.txt"));
  }
}

}  // namespace
}  // namespace stagemark
