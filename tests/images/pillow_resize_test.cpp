#include "images/pillow_resize.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "images/golden.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

using testing::golden_directory;
using testing::golden_image;
using testing::golden_images;
using testing::read_npy;
using testing::resized_suffix;

/// Halves up, from the sum of a number and a half.
int rounded(double value) {
  return static_cast<int>(value + 0.5);  // NOLINT(bugprone-incorrect-roundings): as Pillow does
}

/// Pillow's Resample.c for one line, written down as plainly as possible.
std::vector<std::uint8_t> plain_resize(const std::vector<std::uint8_t>& line, std::size_t out) {
  if (line.size() == out) return line;
  std::vector<std::uint8_t> result;
  const double scale = static_cast<double>(line.size()) / static_cast<double>(out);
  const double reach = scale < 1 ? 1 : scale;
  for (std::size_t i = 0; i < out; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const int first = std::max(rounded(center - reach), 0);
    const int last = std::min(rounded(center + reach), static_cast<int>(line.size()));
    std::vector<double> weights;
    double total = 0;
    for (int x = first; x < last; ++x) {
      const double distance = std::fabs((x - center + 0.5) * (1.0 / reach));
      weights.push_back(distance < 1 ? 1 - distance : 0);
      total += weights.back();
    }
    std::int64_t sum = 1 << 21;
    for (int x = first; x < last; ++x) {
      const double weight = weights[static_cast<std::size_t>(x - first)] / total;
      sum += std::int64_t{rounded(weight * (1 << 22))} * line[static_cast<std::size_t>(x)];
    }
    result.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> 22, 0, 255)));
  }
  return result;
}

/// All rows, then all columns, of each channel.
std::vector<std::uint8_t> plain_resize(const Image& image, std::size_t width, std::size_t height) {
  std::vector<std::uint8_t> result(width * height * image.channels);
  for (std::size_t channel = 0; channel < image.channels; ++channel) {
    std::vector<std::vector<std::uint8_t>> rows;
    for (std::size_t y = 0; y < image.height; ++y) {
      std::vector<std::uint8_t> row;
      for (std::size_t x = 0; x < image.width; ++x) {
        row.push_back(image.pixels[(y * image.width + x) * image.channels + channel]);
      }
      rows.push_back(plain_resize(row, width));
    }
    for (std::size_t x = 0; x < width; ++x) {
      std::vector<std::uint8_t> column;
      column.reserve(rows.size());
      for (const auto& row : rows) column.push_back(row[x]);
      column = plain_resize(column, height);
      for (std::size_t y = 0; y < height; ++y) result[(y * width + x) * image.channels + channel] = column[y];
    }
  }
  return result;
}

Image noise(std::size_t width, std::size_t height, std::size_t channels, std::mt19937& random) {
  Image image{width, height, channels, std::vector<std::uint8_t>(width * height * channels)};
  for (std::uint8_t& sample : image.pixels) sample = static_cast<std::uint8_t>(random());
  return image;
}

std::vector<std::uint8_t> resized(PillowResizer& resizer, const Image& image, std::size_t width, std::size_t height) {
  const auto pixels = resizer.resize(image, {width, height});
  return {pixels.begin(), pixels.end()};
}

TEST(PillowResize, EqualsPillowOnEveryGolden) {
  const auto names = golden_images();
  if (names.empty()) GTEST_SKIP() << "no goldens in " << golden_directory();
  PillowResizer resizer;
  for (const std::string& name : names) {
    const Image image = make_image_source()->load(golden_image(name));
    const std::vector<std::uint8_t> expected =
        read_npy<std::uint8_t>(golden_directory() / (name + std::string(resized_suffix)));
    const std::vector<std::uint8_t> ours = resized(resizer, image, 224, 224);
    ASSERT_EQ(ours.size() * 3 / image.channels, expected.size()) << name;
    std::size_t differences = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      differences += expected[i] == ours[i * image.channels / 3] ? 0U : 1U;
    EXPECT_EQ(differences, 0U) << name;
  }
}

TEST(PillowResize, EqualsThePlainAlgorithmForAnySizes) {
#ifdef STAGEMARK_IS_SANITIZED
  constexpr int sizes = 60;
#else
  constexpr int sizes = 300;
#endif
  std::mt19937 random(20260113);
  PillowResizer resizer;
  for (int i = 0; i < sizes; ++i) {
    const auto side = [&random] { return std::size_t{1} + random() % (random() % 4 == 0 ? 400 : 70); };
    const Image image = noise(side(), side(), random() % 2 == 0 ? 1 : 3, random);
    const std::size_t width = random() % 8 == 0 ? image.width : side();
    const std::size_t height = random() % 8 == 0 ? image.height : side();
    ASSERT_EQ(resized(resizer, image, width, height), plain_resize(image, width, height))
        << image.width << "x" << image.height << "x" << image.channels << " to " << width << "x" << height;
  }
}

TEST(PillowResize, LeavesAnImageOfTheRightSizeAsItIs) {
  std::mt19937 random(1);
  const Image image = noise(31, 17, 3, random);
  PillowResizer resizer;
  EXPECT_EQ(resized(resizer, image, 31, 17), image.pixels);
}

TEST(PillowResize, KeepsAConstantImageConstantWhateverTheReduction) {
  PillowResizer resizer;
  for (const std::size_t width : {1U, 5U, 224U, 5000U, 200'000U}) {
    const Image white{width, 3, 1, std::vector<std::uint8_t>(width * 3, 255)};
    EXPECT_EQ(resized(resizer, white, 7, 7), std::vector<std::uint8_t>(49, 255)) << width;
  }
}

TEST(PillowResize, DoesNotDependOnWhatWasResizedBefore) {
  std::mt19937 random(2);
  const Image image = noise(50, 40, 1, random);
  PillowResizer fresh;
  const std::vector<std::uint8_t> expected = resized(fresh, image, 20, 30);
  PillowResizer used;
  // More sizes than it keeps taps for, so that the first ones have been replaced.
  for (std::size_t width = 1; width < 100; ++width) {
    const Image other = noise(width, width + 1, 3, random);
    (void)resized(used, other, 20, 30);
  }
  EXPECT_EQ(resized(used, image, 20, 30), expected);
  EXPECT_EQ(resized(used, image, 20, 30), expected);
}

TEST(PillowTaps, WeighAHalvedLineAsPillowDoes) {
  // The triangle around 1 reaches to -1 and 3: weights 3/4, 3/4, 1/4 for the inputs 0, 1, 2, then divided by
  // their sum.
  const ResizeTaps taps = pillow_taps(4, 2);
  EXPECT_EQ(taps.first, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(taps.counts, (std::vector<std::size_t>{3, 3}));
  const double one = 1 << 22;
  EXPECT_EQ(taps.weights[0], rounded(one * 3 / 7));
  EXPECT_EQ(taps.weights[1], rounded(one * 3 / 7));
  EXPECT_EQ(taps.weights[2], rounded(one * 1 / 7));
}

}  // namespace
}  // namespace stagemark
