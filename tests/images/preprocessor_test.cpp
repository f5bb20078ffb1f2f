#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "images/golden.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

using testing::golden_directory;
using testing::golden_image;
using testing::golden_images;
using testing::read_npy;
using testing::resized_suffix;

std::vector<float> tensor_of(const Preprocessor& preprocessor, const Image& image) {
  std::vector<float> tensor(preprocessor.shape().elements());
  preprocessor.run(image, tensor);
  return tensor;
}

Image gradient(std::size_t width, std::size_t height, std::size_t channels) {
  Image image{width, height, channels, std::vector<std::uint8_t>(width * height * channels)};
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i * 7 + i / 5);
  return image;
}

TEST(Preprocessor, EqualsTorchvisionsTensorBitForBit) {
  if (golden_images().empty()) GTEST_SKIP() << "no goldens in " << golden_directory();
  const Image image = make_image_source()->load(golden_image("NORMAL2-IM-1427-0001.jpeg"));
  const auto expected = read_npy<float>(golden_directory() / "normalised_example.npy");
  EXPECT_EQ(tensor_of(*make_preprocessor(), image), expected);
}

TEST(Preprocessor, NormalisesTheResizedPixelsOfEveryGolden) {
  const auto names = golden_images();
  if (names.empty()) GTEST_SKIP() << "no goldens in " << golden_directory();
  const PreprocessingOptions options;
  const auto preprocessor = make_preprocessor(options);
  const std::size_t pixels = options.width * options.height;
  for (const std::string& name : names) {
    const auto resized = read_npy<std::uint8_t>(golden_directory() / (name + std::string(resized_suffix)));
    const std::vector<float> tensor = tensor_of(*preprocessor, make_image_source()->load(golden_image(name)));
    ASSERT_EQ(tensor.size(), resized.size()) << name;
    std::size_t differences = 0;
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      const std::size_t plane = i / pixels;
      const float scaled = static_cast<float>(resized[i % pixels * 3 + plane]) / 255.0F;
      const float centered = scaled - options.mean[plane];
      differences += tensor[i] == centered / options.standard_deviation[plane] ? 0U : 1U;
    }
    EXPECT_EQ(differences, 0U) << name;
  }
}

TEST(Preprocessor, GivesThreePlanesOfTheAskedSize) {
  PreprocessingOptions options;
  options.width = 20;
  options.height = 10;
  EXPECT_EQ(make_preprocessor(options)->shape(), (InputShape{3, 10, 20}));
}

// tests/images/golden/make_image_goldens.py says what the names mean.
TEST(Preprocessor, EqualsTorchvisionsResizeAndCenterCrop) {
  const std::filesystem::path golden = std::filesystem::path(STAGEMARK_TESTS_DIR) / "images/golden";
  std::size_t compared = 0;
  for (const auto& file : std::filesystem::directory_iterator(golden)) {
    if (file.path().extension() != ".npy") continue;
    std::string name = file.path().stem().string();
    for (char& c : name) c = c == '.' || c == 'x' ? ' ' : c;
    std::istringstream parts(name);
    std::string image;
    PreprocessingOptions options;
    parts >> image >> options.width >> options.height;
    if (std::size_t shorter = 0; parts >> shorter) options.shorter_side = shorter;
    const Image resized = resize_image(make_image_source()->load(golden / (image + ".png")), options);
    EXPECT_EQ(resized.pixels, read_npy<std::uint8_t>(file.path())) << file.path();
    ++compared;
  }
  EXPECT_EQ(compared, 18U);
}

TEST(Preprocessor, NormalisesWhatWasCutOut) {
  PreprocessingOptions options;
  options.width = 16;
  options.height = 8;
  options.shorter_side = 19;
  options.mean = {0, 0, 0};
  options.standard_deviation = {1, 1, 1};
  for (const std::size_t channels : {1U, 3U}) {
    const Image image = gradient(50, 70, channels);
    const Image resized = resize_image(image, options);
    const std::vector<float> tensor = tensor_of(*make_preprocessor(options), image);
    for (std::size_t i = 0; i < resized.pixels.size(); ++i) {
      ASSERT_EQ(tensor[i % 3 * 128 + i / 3], static_cast<float>(resized.pixels[i]) / 255.0F);
    }
  }
}

TEST(Preprocessor, SpreadsGreyOverThreePlanes) {
  PreprocessingOptions options;
  options.mean = {0, 0, 0};
  options.standard_deviation = {1, 2, 4};
  const std::vector<float> tensor = tensor_of(*make_preprocessor(options), gradient(300, 200, 1));
  const std::size_t plane = std::size_t{224} * 224;
  for (std::size_t i = 0; i < plane; ++i) {
    ASSERT_EQ(tensor[i], tensor[i + plane] * 2);
    ASSERT_EQ(tensor[i], tensor[i + 2 * plane] * 4);
  }
}

TEST(Preprocessor, KeepsTheChannelsApart) {
  PreprocessingOptions options;
  options.width = options.height = 2;
  options.mean = {0, 0, 0};
  options.standard_deviation = {1, 1, 1};
  const Image image{2, 2, 3, {255, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255}};
  EXPECT_EQ(tensor_of(*make_preprocessor(options), image),
            (std::vector<float>{1, 1, 0, 0, /*green*/ 0, 0, 1, 0, /*blue*/ 0, 0, 0, 1}));
}

TEST(Preprocessor, ServesManyThreadsWithTheSameResult) {
  const auto preprocessor = make_preprocessor();
  const Image image = gradient(333, 222, 3);
  const std::vector<float> expected = tensor_of(*preprocessor, image);
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (auto& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) result = tensor_of(*preprocessor, image);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(Preprocessor, RefusesImagesThatAreNone) {
  const auto preprocessor = make_preprocessor();
  std::vector<float> tensor(preprocessor->shape().elements());
  EXPECT_THROW(preprocessor->run(Image{}, tensor), std::invalid_argument);
  EXPECT_THROW(preprocessor->run(gradient(4, 4, 2), tensor), std::invalid_argument);
  Image short_of_pixels = gradient(4, 4, 1);
  short_of_pixels.pixels.pop_back();
  EXPECT_THROW(preprocessor->run(short_of_pixels, tensor), std::invalid_argument);
}

TEST(Preprocessor, RefusesAnImageTooLongToKeepItsAspect) {
  PreprocessingOptions options;
  options.shorter_side = 1000;
  std::vector<float> tensor(make_preprocessor(options)->shape().elements());
  EXPECT_THROW(make_preprocessor(options)->run(gradient(1, 60'000, 1), tensor), std::invalid_argument);
}

TEST(Preprocessor, RefusesRoomOfTheWrongSize) {
  const auto preprocessor = make_preprocessor();
  std::vector<float> tensor(preprocessor->shape().elements() - 1);
  EXPECT_THROW(preprocessor->run(gradient(4, 4, 1), tensor), std::invalid_argument);
}

TEST(Preprocessor, RefusesOptionsThatCannotBe) {
  PreprocessingOptions options;
  options.width = 0;
  EXPECT_THROW((void)make_preprocessor(options), UsageError);
  options.width = 65536;
  EXPECT_THROW((void)make_preprocessor(options), UsageError);
  options = {};
  options.shorter_side = 223;
  EXPECT_THROW((void)make_preprocessor(options), UsageError);
  options = {};
  options.mean[2] = std::numeric_limits<float>::infinity();
  EXPECT_THROW((void)make_preprocessor(options), UsageError);
  for (const float deviation : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN()}) {
    options = {};
    options.standard_deviation[1] = deviation;
    EXPECT_THROW((void)make_preprocessor(options), UsageError) << deviation;
  }
}

}  // namespace
}  // namespace stagemark
