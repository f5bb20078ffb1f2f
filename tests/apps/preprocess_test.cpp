// The command's .npy files, as NumPy reads them, against Pillow's and torchvision's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "command_runner.hpp"
#include "fakes/temporary_directory.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;
const fs::path golden = fs::path(STAGEMARK_TESTS_DIR) / "images/golden";

/// Whether a Python expression is true of the two arrays `a` and `b`.
bool numpy_says(const fs::path& a, const fs::path& b, const std::string& expression) {
  const std::string command = "/usr/bin/python3 -c \"import numpy; a = numpy.load('" + a.string() +
                              "'); b = numpy.load('" + b.string() + "'); assert " + expression + "\"";
  return std::system(command.c_str()) == 0;
}

class PreprocessCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "no NumPy here";
  }
  const TemporaryDirectory directory_;
  const fs::path output_ = directory_ / "x.npy";
};

TEST_F(PreprocessCommand, WritesTheResizedPixels) {
  const CommandResult result = run_stagemark("preprocess " + (golden / "wide_colour.png").string() + " -o " +
                                             output_.string() + " --stage resized --resize 24x16 --keep-aspect 32");
  ASSERT_EQ(result.exit_code, 0) << result.error;
  EXPECT_TRUE(numpy_says(output_, golden / "wide_colour.24x16.32.npy",
                         "a.dtype == numpy.uint8 and a.shape == (16, 24, 3) and (a == b).all()"));
}

TEST_F(PreprocessCommand, WritesTheNormalisedTensor) {
  const CommandResult result = run_stagemark("preprocess " + (golden / "wide_colour.png").string() + " -o " +
                                             output_.string() + " --resize 24x16 --mean 0,0,0.5 --std 1,2,1");
  ASSERT_EQ(result.exit_code, 0) << result.error;
  EXPECT_TRUE(numpy_says(output_, golden / "wide_colour.24x16.npy",
                         "a.dtype == numpy.float32 and a.shape == (1, 3, 16, 24) and "
                         "(a[0, 1] == b[:, :, 1] / numpy.float32(255) / numpy.float32(2)).all() and "
                         "(a[0, 2] == b[:, :, 2] / numpy.float32(255) - numpy.float32(0.5)).all()"));
}

TEST_F(PreprocessCommand, EqualsTorchvisionOnARealXray) {
  const fs::path expected = shared / "golden/preprocess/normalised_example.npy";
  if (!fs::exists(expected)) GTEST_SKIP() << "no goldens in " << shared;
  const fs::path image = shared / "data/kermany_val/NORMAL/NORMAL2-IM-1427-0001.jpeg";
  ASSERT_EQ(run_stagemark("preprocess " + image.string() + " -o " + output_.string()).exit_code, 0);
  EXPECT_TRUE(numpy_says(output_, expected, "(a.reshape(b.shape) == b).all()"));
}

TEST(PreprocessCommandErrors, AreOneSentenceAndLeaveNoFile) {
  const TemporaryDirectory directory;
  directory.write("text.png", "not an image");
  const std::string output = (directory / "x.npy").string();
  const CommandResult broken = run_stagemark("preprocess " + (directory / "text.png").string() + " -o " + output);
  EXPECT_EQ(broken.exit_code, 4);
  EXPECT_NE(broken.error.find("text.png"), std::string::npos) << broken.error;
  EXPECT_FALSE(fs::exists(output));
  const std::string good = (golden / "tall_grey.png").string();
  EXPECT_EQ(run_stagemark("preprocess " + good + " -o /proc/nowhere/x.npy").exit_code, 4);
  for (const char* wrong : {"--resize 0x5", "--resize 224", "--keep-aspect 100", "--mean 1,2", "--std 0,1,1"}) {
    const CommandResult result = run_stagemark("preprocess " + good + " -o " + output + " " + wrong);
    EXPECT_EQ(result.exit_code, 2) << wrong << ": " << result.error;
  }
}

}  // namespace
}  // namespace stagemark
