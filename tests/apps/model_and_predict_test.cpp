#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command_runner.hpp"
#include "fakes/mean_classifier.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/model/checkpoint_writer.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;
using std::string_literals::operator""s;
using nlohmann::json;

const fs::path model = shared / "models/pneumonia_resnet50.ckpt";

class RealModel : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(model)) GTEST_SKIP() << "no " << model;
  }
};

TEST_F(RealModel, IsShown) {
  const CommandResult result = run_stagemark("model --json " + model.string());
  ASSERT_EQ(result.exit_code, 0) << result.error;
  const json shown = json::parse(result.out);
  EXPECT_EQ(shown["architecture"], "resnet50");
  EXPECT_EQ(shown["parameters"], 24'049'089);
  EXPECT_EQ(shown["format"], "lightning-checkpoint");
  EXPECT_EQ(shown["outputs"], 1);
  EXPECT_EQ(shown["precision"], "float32");
  EXPECT_EQ(shown["sha256"].get<std::string>().size(), 64U);
  const CommandResult table = run_stagemark("model " + model.string());
  EXPECT_NE(table.out.find("24,049,089"), std::string::npos) << table.out;
}

TEST_F(RealModel, PredictsWhatPyTorchPredicts) {
  if (!STAGEMARK_HAS_LIBTORCH) GTEST_SKIP() << "built without LibTorch";
  std::map<std::string, double> golden;
  std::ifstream in(shared / "golden/logits_val.csv");
  std::string line;
  std::getline(in, line);
  std::string files;
  while (std::getline(in, line)) {
    const std::string path = (shared / "data/kermany_val" / line.substr(0, line.find(','))).string();
    golden[path] = std::stod(line.substr(line.rfind(',') + 1));
    files += " " + path;
  }
  const CommandResult result =
      run_stagemark("predict " + model.string() + files + " --json -a libtorch-fp32@cpu --classes NORMAL,PNEUMONIA");
  ASSERT_EQ(result.exit_code, 0) << result.error;
  std::istringstream lines(result.out);
  std::size_t count = 0;
  for (; std::getline(lines, line); ++count) {
    const json answer = json::parse(line);
    const double logit = golden.at(answer["path"]);
    // As in the golden run: another order of summation.
    EXPECT_NEAR(answer["logit"].get<double>(), logit, 1e-4) << answer["path"];
    EXPECT_NEAR(answer["probability"].get<double>(), 1 / (1 + std::exp(-logit)), 1e-4);
    EXPECT_EQ(answer["class"], logit >= 0 ? "PNEUMONIA" : "NORMAL");
  }
  EXPECT_EQ(count, golden.size());
}

TEST_F(RealModel, PredictsTheOtherImagesWhereOneFails) {
  if (!STAGEMARK_HAS_LIBTORCH) GTEST_SKIP() << "built without LibTorch";
  const TemporaryDirectory directory;
  directory.write("broken.png", "not an image");
  ASSERT_EQ(run_stagemark("sample " + (directory / "set").string() + " --images 2 --no-model").exit_code, 0);
  const std::string files = " " + (directory / "broken.png").string() + " " +
                            (directory / "set/NORMAL/synthetic-00000.png").string() + " " +
                            (directory / "missing.png").string();
  const CommandResult result = run_stagemark("predict " + model.string() + files);
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.error.find("2 of 3 images failed"), std::string::npos) << result.error;
  EXPECT_NE(result.out.find("synthetic-00000.png"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("broken.png  "), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("missing.png  "), std::string::npos) << result.out;
  const CommandResult lines = run_stagemark("predict " + model.string() + files + " --json");
  EXPECT_EQ(lines.exit_code, 4);
  EXPECT_TRUE(json::parse(lines.out.substr(0, lines.out.find('\n'))).contains("error")) << lines.out;
}

TEST(PredictCommand, SaysThatTheEngineDied) {
  const TemporaryDirectory directory;
  const std::string good = (fs::path(STAGEMARK_TESTS_DIR) / "images/golden/square_grey.png").string();
  std::string files;
  for (int i = 0; i < 2'000; ++i) files += " " + good;
  directory.write("kill_child.sh",
                  "\"$@\" & until kill -ABRT $(cat /proc/$!/task/$!/children) 2>/dev/null; do :; done; wait $!");
  const CommandResult result =
      run_stagemark("predict no-model" + files + " -a null-fp32", "sh " + (directory / "kill_child.sh").string());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.error.find("the engine's library died of signal 6"), std::string::npos) << result.error;
  EXPECT_NE(result.error.find("approach 'null-fp32', no-model"), std::string::npos) << result.error;
}

TEST(PredictCommand, WarnsOfTwelveBitsInSixteenAsARunDoes) {
  const TemporaryDirectory directory;
  directory.write("twelve.pgm", std::string("P5 2 2 65535\n") + std::string("\x0f\x10\0\0\x01\0\x02\0", 8));
  const CommandResult result =
      run_stagemark("predict no-model " + (directory / "twelve.pgm").string() + " -a null-fp32");
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_NE(result.error.find("warning: 1 of 1 images are grey with 16 bits per sample, from 0 to 3,856 of 65,535"),
            std::string::npos)
      << result.error;
  EXPECT_NE(result.error.find("scale them to 8 bits"), std::string::npos) << result.error;
}

TEST(PredictCommand, AnswersForTheOtherImagesWhereOneFails) {
  const TemporaryDirectory directory;
  directory.write("broken.png", "not an image");
  const std::string good = (fs::path(STAGEMARK_TESTS_DIR) / "images/golden/square_grey.png").string();
  const std::string files = (directory / "broken.png").string() + " " + good + " " + (directory / "none.png").string();
  const CommandResult result = run_stagemark("predict no-model " + files + " -a null-fp32 --json");
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_EQ(result.error, "stagemark: 2 of 3 images failed\n");
  std::istringstream lines(result.out);
  for (const bool fails : {true, false, true}) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line)) << result.out;
    EXPECT_EQ(json::parse(line).contains("error"), fails) << line;
    EXPECT_EQ(json::parse(line).contains("probability"), !fails) << line;
  }
}

/// A ResNet-18 of one channel: a few kilobytes.
std::vector<NamedTensor> thin_resnet18() {
  std::vector<NamedTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, std::size_t elements = 1) {
    tensors.push_back({name, std::move(shape), std::vector<float>(elements, 1.0F)});
  };
  const auto add_convolution = [&](const std::string& convolution, const std::string& normalisation, std::int64_t in,
                                   std::int64_t kernel) {
    add(convolution + ".weight", {1, in, kernel, kernel}, static_cast<std::size_t>(in * kernel * kernel));
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) add(normalisation + part, {1});
  };
  add_convolution("conv1", "bn1", 3, 7);
  for (const std::string stage : {"1", "2", "3", "4"}) {
    for (const std::string number : {"0", "1"}) {
      const std::string block = "layer" + stage + "." + number + ".";
      add_convolution(block + "conv1", block + "bn1", 1, 3);
      add_convolution(block + "conv2", block + "bn2", 1, 3);
      if (stage != "1" && number == "0") add_convolution(block + "downsample.0", block + "downsample.1", 1, 1);
    }
  }
  add("fc.weight", {1, 1});
  add("fc.bias", {1});
  return tensors;
}

TEST(PredictCommand, SaysWhatOfTheCheckpointAndOfItsOptionsIsNotUsed) {
  if (!STAGEMARK_HAS_LIBTORCH && !STAGEMARK_HAS_ONNX) GTEST_SKIP() << "built without an engine for checkpoints";
  const TemporaryDirectory directory;
  std::vector<NamedTensor> tensors = thin_resnet18();
  const std::string file = (directory / "net.ckpt").string();
  const fs::path images = fs::path(STAGEMARK_TESTS_DIR) / "images/golden";
  const std::string image = (images / "square_grey.png").string();
  const std::string arguments = "predict " + file + " " + image + " -a " +
                                (STAGEMARK_HAS_LIBTORCH ? "libtorch-fp32@cpu" : "opencv-fp32@cpu") + " --json";
  write_lightning_checkpoint(file, tensors, {});
  EXPECT_EQ(run_stagemark(arguments + " --classes a,b --threshold 0.4").error, "");

  tensors.push_back({"loss_fn.pos_weight", {1}, std::vector<float>{1}});
  tensors.push_back({"fc.total_ops", {1}, std::vector<float>{1}});
  write_lightning_checkpoint(file, tensors, {});
  const CommandResult result = run_stagemark(arguments + " --classes a,b,c --calibration " + images.string());
  EXPECT_EQ(result.exit_code, 0);
  for (const std::string& part :
       {": inference does not use 'fc.total_ops' and 1 more\n"s, "warning: --calibration is not used"s,
        "warning: --classes names 3 classes, and the network decides between 2\n"s}) {
    EXPECT_NE(result.error.find(part), std::string::npos) << result.error;
  }
  const CommandResult run =
      run_stagemark("run " + images.string() + " -m " + file + " -a " +
                    (STAGEMARK_HAS_LIBTORCH ? "libtorch-fp32@cpu" : "opencv-fp32@cpu") +
                    " --isolation none --resize 48x48 --samples 2 -o " + (directory / "out").string());
  EXPECT_EQ(run.exit_code, 0) << run.error;
  EXPECT_NE(run.out.find("inference does not use 'fc.total_ops' and 1 more"), std::string::npos) << run.out;
}

TEST(PredictCommand, SaysThatAThresholdIsNotUsed) {
  if (!STAGEMARK_HAS_ONNX) GTEST_SKIP() << "built without ONNX";
  const TemporaryDirectory directory;
  MeanClassifier classifier;
  classifier.classes = 3;
  const std::string file = directory.write("net.onnx", classifier.file()).string();
  const std::string image = (fs::path(STAGEMARK_TESTS_DIR) / "images/golden/square_grey.png").string();
  const std::string arguments = "predict " + file + " " + image + " -a opencv-fp32@cpu";
  EXPECT_EQ(run_stagemark(arguments).error, "");
  const std::string said = run_stagemark(arguments + " --threshold 0.5").error;
  EXPECT_NE(said.find("--threshold is not used: of 3 classes the likeliest wins"), std::string::npos) << said;
}

/// One sentence with exit 3 that names the file and `part`.
void expect_refusal(const fs::path& file, const std::string& part) {
  const CommandResult result = run_stagemark("model " + file.string());
  EXPECT_EQ(result.exit_code, 3) << file;
  EXPECT_EQ(std::count(result.error.begin(), result.error.end(), '\n'), 1) << result.error;
  EXPECT_NE(result.error.find(file.filename().string()), std::string::npos) << result.error;
  EXPECT_NE(result.error.find(part), std::string::npos) << result.error;
  EXPECT_EQ(result.out, "");
}

TEST(ModelCommand, NamesTheTensorThatIsWrong) {
  const TemporaryDirectory directory;
  const auto write = [&](const std::string& name, const std::vector<NamedTensor>& tensors) {
    write_lightning_checkpoint(directory / name, tensors, {});
    return directory / name;
  };
  const std::vector<NamedTensor> good = thin_resnet18();
  const CommandResult shown = run_stagemark("model " + write("good.ckpt", good).string());
  EXPECT_EQ(shown.exit_code, 0) << shown.error;
  EXPECT_NE(shown.out.find("resnet18"), std::string::npos) << shown.out;

  std::vector<NamedTensor> tensors = good;
  std::erase_if(tensors, [](const NamedTensor& tensor) { return tensor.name == "layer3.1.conv2.weight"; });
  expect_refusal(write("missing.ckpt", tensors), "tensor 'layer3.1.conv2.weight' is missing");
  tensors = good;
  tensors.push_back({"layer3.1.conv9.weight", {1}, std::vector<float>{1}});
  expect_refusal(write("surplus.ckpt", tensors), "tensor 'layer3.1.conv9.weight' belongs to no layer");
  tensors = good;
  tensors.back() = {"fc.bias", {2}, std::vector<float>{1, 1}};
  expect_refusal(write("misshapen.ckpt", tensors), "tensor 'fc.bias' has shape [2], expected [1]");

  const std::string bytes = TemporaryDirectory::read(directory / "good.ckpt");
  expect_refusal(directory.write("short.ckpt", bytes.substr(0, bytes.size() / 2)), "truncated");
  expect_refusal(directory.write("text.ckpt", "this is no checkpoint\n"), "not a checkpoint");
  expect_refusal(directory.write("empty.ckpt", ""), "empty");
}

TEST(ModelCommand, TellsOfTheCountsOfAProfilerInOneLine) {
  const TemporaryDirectory directory;
  std::vector<NamedTensor> tensors = thin_resnet18();
  for (const char* name : {"total_ops", "layer1.total_ops", "fc.total_params", "loss.weight"}) {
    tensors.push_back({name, {1}, std::vector<float>{1e9F}});
  }
  write_lightning_checkpoint(directory / "profiled.ckpt", tensors, {});
  const CommandResult table = run_stagemark("model " + (directory / "profiled.ckpt").string());
  EXPECT_EQ(table.exit_code, 0) << table.error;
  EXPECT_NE(table.out.find("3 counts of a profiler (total_ops, total_params)"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("loss.weight"), std::string::npos) << table.out;
  const CommandResult shown = run_stagemark("model --json " + (directory / "profiled.ckpt").string());
  EXPECT_EQ(json::parse(shown.out)["unused"].size(), 4U) << shown.out;
}

TEST(ModelCommand, NamesWhatIsWrongWithAFile) {
  const fs::path golden = fs::path(STAGEMARK_TESTS_DIR) / "model/golden";
  const std::map<std::string, std::string> wrong = {{"attack.pt", "not a ResNet"},
                                                    {"module.pt", "__main__.Net"},
                                                    {"state_dict.pt", "not a ResNet"},
                                                    {"missing.pt", "no such file"}};
  for (const auto& [name, part] : wrong) expect_refusal(golden / name, part);
}

}  // namespace
}  // namespace stagemark
