#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "command_runner.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/tiny_resnet.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A tiny checkpoint, a few images, and a cache of its own for each test.
class Export : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!STAGEMARK_HAS_ONNX) GTEST_SKIP() << "built without ONNX";
    write_lightning_checkpoint(directory_ / "net.ckpt", TinyResnet().tensors(), {});
    ASSERT_EQ(run("sample " + path("images") + " --images 12 --no-model").exit_code, 0);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return (directory_ / name).string(); }

  [[nodiscard]] CommandResult run(const std::string& arguments) const {
    return run_stagemark(arguments, "STAGEMARK_CACHE=" + path("cache"));
  }

  /// Over the images with the tiny network, both approaches in this process.
  [[nodiscard]] CommandResult measure(const std::string& arguments) const {
    return run("run " + path("images") + " --resize 48x48 --threads 1 --isolation none --force -o " + path("out") +
               " " + arguments);
  }

  [[nodiscard]] json report() const {
    std::ifstream in(directory_ / "out" / "report.json");
    return json::parse(in);
  }

  [[nodiscard]] std::size_t files_in_cache() const {
    const auto cache = fs::directory_iterator(directory_ / "cache");
    return static_cast<std::size_t>(std::distance(begin(cache), end(cache)));
  }

  static void expect_refusal(const CommandResult& result, int exit_code, const std::string& part) {
    EXPECT_EQ(result.exit_code, exit_code) << result.error;
    EXPECT_EQ(std::count(result.error.begin(), result.error.end(), '\n'), 1) << result.error;
    EXPECT_NE(result.error.find(part), std::string::npos) << result.error;
  }

  TemporaryDirectory directory_;
};

TEST_F(Export, WritesWhatModelShowsAndOpencvRuns) {
  ASSERT_EQ(run("export " + path("net.ckpt") + " -o " + path("net.onnx") + " --resize 48x48").exit_code, 0);
  const CommandResult shown = run("model --json " + path("net.onnx"));
  ASSERT_EQ(shown.exit_code, 0) << shown.error;
  const json model = json::parse(shown.out);
  EXPECT_EQ(model["format"], "onnx");
  EXPECT_EQ(model["input"], "float32 N x 3 x 48 x 48");
  EXPECT_EQ(model["meaning"], "logits");
  EXPECT_EQ(model["outputs"], 1);
  const CommandResult predicted = run("predict " + path("net.onnx") + " " + path("images/NORMAL/synthetic-00000.png") +
                                      " --json --resize 48x48 -a opencv-fp32");
  EXPECT_EQ(predicted.exit_code, 0) << predicted.error;
  expect_refusal(run("predict " + path("net.onnx") + " x.png -a opencv-fp32"), 3, "--resize");
  expect_refusal(run("export " + path("net.ckpt") + " -o " + path("net.onnx")), 4, "--force");
}

TEST_F(Export, WritesTwoPartsBesideOneAnother) {
  ASSERT_EQ(run("export " + path("net.ckpt") + " -o " + path("net.onnx") + " --split --resize 48x48").exit_code, 0);
  EXPECT_TRUE(fs::exists(path("net.head.onnx")));
  EXPECT_FALSE(fs::exists(path("net.onnx")));
  const CommandResult result = measure("-a opencv-fp32 -m " + path("net.backbone.onnx"));
  ASSERT_EQ(result.exit_code, 0) << result.error;
  EXPECT_TRUE(report()["results"][0]["stages"].contains("feature_extraction"));
}

TEST_F(Export, GivesEachApproachTheModelThatIsNearestToIt) {
  ASSERT_EQ(run("export " + path("net.ckpt") + " -o " + path("net.onnx") + " --resize 48x48").exit_code, 0);
  fs::copy_file(path("net.onnx"), path("other.onnx"));
  const CommandResult result =
      measure("-a opencv-fp32 -a other=opencv-fp32 -a opencv-fp32 -m opencv=" + path("net.onnx") + " -m " +
              path("nowhere") + " -m other=" + path("other.onnx"));
  ASSERT_EQ(result.exit_code, 0) << result.error;
  const json results = report()["results"];
  EXPECT_EQ(results[0]["model"]["path"], path("net.onnx"));
  EXPECT_EQ(results[1]["model"]["path"], path("other.onnx"));
  EXPECT_EQ(results[2]["model"]["path"], path("net.onnx"));
}

TEST_F(Export, HappensByItselfOnceAndTheReportNamesTheCheckpoint) {
  ASSERT_EQ(measure("-a opencv-fp32 -m " + path("net.ckpt")).exit_code, 0);
  EXPECT_EQ(files_in_cache(), 2U);
  const auto written = fs::last_write_time((*fs::directory_iterator(directory_ / "cache")).path());
  const json result = report()["results"][0];
  EXPECT_EQ(result["model"]["path"], path("net.ckpt"));
  EXPECT_EQ(result["model"]["format"], "lightning-checkpoint");
  EXPECT_TRUE(result["stages"].contains("classification"));

  // Also in a worker, from the same files.
  ASSERT_EQ(run("run " + path("images") + " --resize 48x48 --threads 1 --force -o " + path("out") +
                " -a opencv-fp32 -m " + path("net.ckpt"))
                .exit_code,
            0);
  EXPECT_EQ(report()["results"][0]["model"]["path"], path("net.ckpt"));
  EXPECT_EQ(files_in_cache(), 2U);
  EXPECT_EQ(fs::last_write_time((*fs::directory_iterator(directory_ / "cache")).path()), written);
}

TEST_F(Export, OfInt8NeedsCalibrationImages) {
  expect_refusal(measure("-a opencv-int8 -m " + path("net.ckpt")), 2, "--calibration");
  expect_refusal(run("export " + path("net.ckpt") + " -o " + path("x.onnx") + " --precision int8"), 2, "--calibration");
  expect_refusal(run("predict " + path("net.ckpt") + " x.png -a opencv-int8"), 2, "--calibration");
  EXPECT_FALSE(fs::exists(path("out")));
}

TEST_F(Export, OfInt8LeavesTheDrawnImagesOutOfEveryScore) {
  if (!STAGEMARK_HAS_LIBTORCH) GTEST_SKIP() << "built without LibTorch, which calibrates";
  const CommandResult result = measure("-a opencv-fp32 -a opencv-int8 --calibration 4 -m " + path("net.ckpt"));
  ASSERT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(report()["dataset"]["images"], 8);
  for (const json& approach : report()["results"]) EXPECT_EQ(approach["samples"], 8);
  EXPECT_EQ(report()["results"][1]["precision"], "int8");
  // Integers round to 1/255 of a range, many times over; the logits are about 1.
  EXPECT_LT(report()["comparisons"][0]["max_probability_difference"], 0.05);
  expect_refusal(measure("-a opencv-int8 --calibration 12 -m " + path("net.ckpt")), 2, "--calibration");
  expect_refusal(measure("-a opencv-int8 --calibration 0 -m " + path("net.ckpt")), 2, "--calibration");
  expect_refusal(measure("-a opencv-int8 --calibration " + path("nowhere") + " -m " + path("net.ckpt")), 4, "nowhere");
}

TEST_F(Export, CalibratesByTheMethodAskedFor) {
  if (!STAGEMARK_HAS_LIBTORCH) GTEST_SKIP() << "built without LibTorch, which calibrates";
  // Of fewer than ten thousand values the percentile is the extreme.
  const std::string command = "export " + path("net.ckpt") + " --precision int8 --resize 96x96 --calibration ";
  ASSERT_EQ(run(command + path("images") + " -o " + path("most.onnx")).exit_code, 0);
  ASSERT_EQ(run(command + path("images") + " --calibration-method percentile -o " + path("finer.onnx")).exit_code, 0);
  EXPECT_EQ(files_in_cache(), 2U) << "the ranges of each method";
  EXPECT_FALSE(TemporaryDirectory::read(path("most.onnx")) == TemporaryDirectory::read(path("finer.onnx")));
  expect_refusal(run("export " + path("net.ckpt") + " --calibration-method percentile -o " + path("x.onnx")), 2,
                 "--calibration");
  expect_refusal(run(command + path("images") + " --calibration-method entropy -o " + path("x.onnx")), 2, "entropy");
}

TEST_F(Export, WritesATorchscriptProgramThatPredictsTheSame) {
  if (!STAGEMARK_HAS_LIBTORCH) GTEST_SKIP() << "built without LibTorch";
  ASSERT_EQ(run("export " + path("net.ckpt") + " -o " + path("net.pt") + " --format torchscript").exit_code, 0);
  const std::string images = " " + path("images/NORMAL/synthetic-00000.png") + " --json --resize 48x48";
  const CommandResult program = run("predict " + path("net.pt") + images);
  const CommandResult checkpoint = run("predict " + path("net.ckpt") + images);
  ASSERT_EQ(program.exit_code, 0) << program.error;
  EXPECT_NEAR(json::parse(program.out)["logit"].get<double>(), json::parse(checkpoint.out)["logit"].get<double>(),
              1e-5);
  expect_refusal(run("export " + path("net.ckpt") + " -o " + path("x.pt") + " --format torchscript --precision int8"),
                 2, "FP32");
}

TEST_F(Export, RefusesWhatIsNoCheckpoint) {
  expect_refusal(run("export " + path("missing") + " -o " + path("x.onnx")), 3, "missing");
  directory_.write("text", "not a model\n");
  expect_refusal(run("export " + path("text") + " -o " + path("x.onnx")), 3, "text");
  expect_refusal(measure("-a opencv-fp32 -m " + path("text")), 3, "text");
  ASSERT_EQ(run("export " + path("net.ckpt") + " -o " + path("net.onnx") + " --resize 48x48").exit_code, 0);
  expect_refusal(run("export " + path("net.onnx") + " -o " + path("x.onnx")), 3, "no checkpoint");
  const std::string bytes = TemporaryDirectory::read(path("net.onnx"));
  directory_.write("cut.onnx", bytes.substr(0, bytes.size() / 2));
  expect_refusal(measure("-a opencv-fp32 -m " + path("cut.onnx")), 3, "damaged");
  EXPECT_FALSE(fs::exists(path("x.onnx")));
}

TEST_F(Export, SaysWhereTheCacheCannotBe) {
  directory_.write("file", "");
  expect_refusal(
      run_stagemark("predict " + path("net.ckpt") + " x.png -a opencv-fp32", "STAGEMARK_CACHE=" + path("file/cache")),
      4, "STAGEMARK_CACHE");
}

}  // namespace
}  // namespace stagemark
