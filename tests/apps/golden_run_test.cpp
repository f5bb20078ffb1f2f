// The main job on real X-rays and a real trained checkpoint, against what PyTorch and scikit-learn make of them.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command_runner.hpp"
#include "fakes/temporary_directory.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class GoldenRun : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!STAGEMARK_HAS_LIBTORCH) GTEST_SKIP() << "built without LibTorch";
    if (!fs::exists(shared / "models/pneumonia_resnet50.ckpt")) GTEST_SKIP() << "no real data in " << shared;
  }

  static json run(const std::string& images, const std::string& options = "") {
    const TemporaryDirectory output;
    const CommandResult result = run_stagemark("run " + (shared / "data" / images).string() + " --model " +
                                               (shared / "models/pneumonia_resnet50.ckpt").string() +
                                               " --device cpu --passes 1 " + options + " -o " + output.str());
    EXPECT_EQ(result.exit_code, 0) << result.error;
    EXPECT_EQ(schema_complaints(output / "report.json").value_or(""), "");
    std::ifstream in(output / "report.json");
    return json::parse(in);
  }

  /// Logits by path.
  static std::map<std::string, double> golden(const std::string& name) {
    std::map<std::string, double> logits;
    std::ifstream in(shared / "golden" / name);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
      const auto comma = line.find(',');
      logits[line.substr(0, comma)] = std::stod(line.substr(line.rfind(',') + 1));
    }
    return logits;
  }

  static void expect_logits(const json& report, const std::map<std::string, double>& expected, double tolerance) {
    const json& images = report["results"][0]["per_image"];
    ASSERT_EQ(images["path"].size(), expected.size());
    double largest = 0;
    for (std::size_t i = 0; i < images["path"].size(); ++i) {
      const double logit = expected.at(images["path"][i].get<std::string>());
      const double difference = std::abs(images["logit"][i].get<double>() - logit);
      largest = std::max(largest, difference);
      EXPECT_LE(difference, tolerance) << images["path"][i];
      EXPECT_EQ(images["predicted"][i].get<int>(), logit >= 0 ? 1 : 0) << images["path"][i];
    }
    std::cout << "largest difference of a logit: " << largest << '\n';
  }
};

TEST_F(GoldenRun, GivesPyTorchsLogitsAndScikitLearnsMetricsOnTheTestSplit) {
  const json report = run("kermany_test_224");
  // Another BLAS or another instruction set sums in another order: 1e-4 is a hundred times what was seen.
  expect_logits(report, golden("logits_test_224.csv"), 1e-4);

  std::ifstream in(shared / "golden/metrics_test_224.json");
  const json expected = json::parse(in);
  const json& metrics = report["results"][0]["accuracy_metrics"];
  for (const auto& [name, value] : expected.items()) {
    if (name == "confusion_matrix") {
      for (const auto& [cell, count] : value.items()) EXPECT_EQ(metrics[name][cell], count) << cell;
    } else {
      EXPECT_NEAR(metrics[name].get<double>(), value.get<double>(), 1e-6) << name;
    }
  }

  const json& result = report["results"][0];
  const json& stages = result["per_image"]["stages_ns"];
  for (std::size_t i = 0; i < stages["total"].size(); ++i) {
    const auto sum = stages["preprocessing"][i].get<std::int64_t>() +
                     stages["feature_extraction"][i].get<std::int64_t>() +
                     stages["classification"][i].get<std::int64_t>();
    ASSERT_GE(stages["total"][i].get<std::int64_t>(), sum);
  }
  EXPECT_LE(result["unattributed_mean"].get<double>(), 0.01 * result["total_time_ms"].get<double>());
  EXPECT_EQ(result["model"]["parameters"], 24'049'089);
  EXPECT_EQ(result["model"]["format"], "lightning-checkpoint");

  // Memory is bounded by a round, whatever the size of the set: what grows is a few numbers per image.
  const auto peak = [](const json& of) { return of["results"][0]["memory"]["peak_rss_bytes"].get<double>(); };
  EXPECT_LE(peak(report) - peak(run("kermany_test_224", "--samples 64")), 8e6);
}

TEST_F(GoldenRun, GivesPyTorchsLogitsOnImagesOfTheirOriginalSize) {
  expect_logits(run("kermany_val"), golden("logits_val.csv"), 1e-4);
}

TEST_F(GoldenRun, ChangesFewDecisionsInBrainFloat) {
  const json report = run("kermany_val", "-a libtorch-fp32 -a libtorch-bf16");
  const json& exact = report["results"][0]["per_image"];
  const json& rounded = report["results"][1]["per_image"];
  for (std::size_t i = 0; i < exact["logit"].size(); ++i) {
    if (std::abs(exact["logit"][i].get<double>()) > 0.1) {
      EXPECT_EQ(exact["predicted"][i], rounded["predicted"][i]) << exact["path"][i];
    }
    EXPECT_NE(exact["logit"][i], rounded["logit"][i]) << "bf16 gave FP32's number: did it run in bf16?";
  }
}

TEST_F(GoldenRun, EndsWithThreeOnAModelThatCannotBeRead) {
  const TemporaryDirectory directory;
  const std::string images = (shared / "data/kermany_val").string();
  std::ofstream(directory / "text.ckpt") << "this is no checkpoint\n";
  std::string bytes(1'000'000, '\0');
  std::ifstream(shared / "models/pneumonia_resnet50.ckpt", std::ios::binary).read(bytes.data(), 1'000'000);
  std::ofstream(directory / "short.ckpt", std::ios::binary) << bytes;
  for (const char* name : {"text.ckpt", "short.ckpt", "missing.ckpt"}) {
    const CommandResult result = run_stagemark("run " + images + " -m " + (directory / name).string() +
                                               " --device cpu -o " + (directory / "out").string());
    EXPECT_EQ(result.exit_code, 3) << name;
    EXPECT_EQ(std::count(result.error.begin(), result.error.end(), '\n'), 1) << result.error;
    EXPECT_NE(result.error.find(name), std::string::npos) << result.error;
  }
}

}  // namespace
}  // namespace stagemark
