#include <gtest/gtest.h>

#include <algorithm>
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

const fs::path shared = STAGEMARK_SHARED_DIR;
const fs::path model = shared / "models/pneumonia_resnet50.ckpt";

class RealModel : public testing::Test {
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
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 4) << result.out;
  const CommandResult lines = run_stagemark("predict " + model.string() + files + " --json");
  EXPECT_EQ(lines.exit_code, 4);
  EXPECT_TRUE(json::parse(lines.out.substr(0, lines.out.find('\n'))).contains("error")) << lines.out;
}

TEST(ModelCommand, NamesWhatIsWrongWithAFile) {
  const fs::path golden = fs::path(STAGEMARK_TESTS_DIR) / "model/golden";
  const std::map<std::string, std::string> wrong = {{"attack.pt", "posix.system"},
                                                    {"module.pt", "__main__.Net"},
                                                    {"state_dict.pt", "not a ResNet"},
                                                    {"missing.pt", "no such file"}};
  for (const auto& [name, part] : wrong) {
    const CommandResult result = run_stagemark("model " + (golden / name).string());
    EXPECT_EQ(result.exit_code, 3) << name;
    EXPECT_EQ(std::count(result.error.begin(), result.error.end(), '\n'), 1) << result.error;
    EXPECT_NE(result.error.find(part), std::string::npos) << result.error;
  }
}

}  // namespace
}  // namespace stagemark
