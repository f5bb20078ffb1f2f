// AOTInductor packages. The package is made here, by PyTorch for Python: without it, the tests are skipped.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backends/made_inputs.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/backends/libtorch.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

class AotInductor : public testing::Test {
 protected:
  void SetUp() override {
    libtorch::add_to(registry_);
    const auto missing = registry_.find("aoti").unavailable(parse_approach("aoti-fp32@cpu"));
    if (missing) GTEST_SKIP() << missing->reason;
  }

  /// Whether the package was made; the log says why not.
  [[nodiscard]] bool make_package() const {
    std::string command = "TORCHINDUCTOR_CACHE_DIR='";
    command.append(directory_ / "cache").append("' python3 '").append(STAGEMARK_TESTS_DIR);
    command.append("/backends/make_aoti_package.py' '").append(package_).append("' >'");
    command.append(directory_ / "log").append("' 2>&1");
    return std::system(command.c_str()) == 0;
  }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const std::filesystem::path& file,
                                                       const std::string& approach = "aoti-fp32@cpu") const {
    BackendRequest request;
    request.approach = registry_.resolve(parse_approach(approach), std::nullopt);
    request.model = file;
    request.preprocessor = std::make_shared<FirstSample>();
    request.max_batch = 3;
    return registry_.open(request);
  }

  TemporaryDirectory directory_;
  std::filesystem::path package_ = directory_ / "net.pt2";
  BackendRegistry registry_;
};

// One test of a package that takes half a minute to make.
TEST_F(AotInductor, RunsAPackageInOnePieceAndInItsOwnPrecisionAlone) {
  if (std::system("python3 -c 'import torch, setuptools' 2>/dev/null") != 0) {
    GTEST_SKIP() << "python3 has no torch or no setuptools, which make the package";
  }
  ASSERT_TRUE(make_package()) << TemporaryDirectory::read(directory_ / "log");
  const auto wrapper = open(package_);
  for (const std::size_t batch : {1U, 3U}) {
    std::vector<Image> images;
    for (std::size_t i = 0; i < batch; ++i) images.push_back({1, 1, 1, {static_cast<std::uint8_t>(i + 3)}});
    std::vector<Prediction> predictions(batch);
    StageTimer timer;
    wrapper->predict(images, predictions, timer);
    ASSERT_EQ(wrapper->scores().size(), batch);
    for (std::size_t i = 0; i < batch; ++i) {
      EXPECT_EQ(wrapper->scores()[i], predictions[i].logit);
      EXPECT_DOUBLE_EQ(predictions[i].logit.value_or(0), 2 * static_cast<double>(i + 3) + 1);
    }
    const StageTimes times = timer.take();
    EXPECT_TRUE(times.has(Stage::inference));
    EXPECT_FALSE(times.has(Stage::feature_extraction));
  }
  const ExecutionFacts facts = wrapper->execution_facts();
  EXPECT_EQ(facts.precision, Precision::fp32);
  ASSERT_TRUE(facts.model);
  EXPECT_EQ(facts.model->format, "aoti");

  try {
    (void)open(package_, "aoti-bf16@cpu");
    FAIL() << "was opened";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("its weights are fp32, not bf16"), std::string::npos) << error.what();
  }
  const std::string whole = TemporaryDirectory::read(package_);
  EXPECT_THROW((void)open(directory_.write("cut.pt2", whole.substr(0, whole.size() / 2))), ModelError);
}

TEST_F(AotInductor, RefusesWhatIsNoPackage) {
  EXPECT_THROW((void)open(directory_ / "missing.pt2"), ModelError);
  EXPECT_THROW((void)open(directory_.write("text.pt2", "not a package\n")), ModelError);
}

}  // namespace
}  // namespace stagemark
