#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <opencv2/imgcodecs.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "images/golden.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

using testing::golden_directory;
using testing::golden_images;

const std::filesystem::path committed_goldens = std::filesystem::path(STAGEMARK_TESTS_DIR) / "images/golden";

using Pixels = std::vector<std::uint8_t>;

/// Bytes of integers in a stated order, for files written by hand.
std::string big(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFFU);
  return text;
}
std::string little(std::uint32_t value, int bytes) {
  const std::string text = big(value, bytes);
  return {text.rbegin(), text.rend()};
}

struct TiffEntry {
  std::uint32_t tag, value;
};

/// A TIFF file of one strip.
std::string tiff(const std::vector<TiffEntry>& more, std::uint32_t width, std::uint32_t height,
                 const std::string& pixels) {
  std::vector<TiffEntry> entries = {{256, width}, {257, height}, {258, 8},
                                    {259, 1},     {262, 1},      {273, 8},
                                    {277, 1},     {278, height}, {279, static_cast<std::uint32_t>(pixels.size())}};
  for (const TiffEntry& given : more) {
    std::erase_if(entries, [&](const TiffEntry& entry) { return entry.tag == given.tag; });
    entries.push_back(given);
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
  std::string file = "II*" + std::string(1, '\0') + little(static_cast<std::uint32_t>(8 + pixels.size()), 4) + pixels;
  file += little(static_cast<std::uint32_t>(entries.size()), 2);
  for (const TiffEntry& entry : entries) {
    file += little(entry.tag, 2) + little(3, 2) + little(1, 4) + little(entry.value, 2) + little(0, 2);
  }
  return file + little(0, 4);
}

std::string bmp(std::int32_t width, std::int32_t height, std::uint32_t bits, const std::string& pixels) {
  return "BM" + little(static_cast<std::uint32_t>(54 + pixels.size()), 4) + little(0, 4) + little(54, 4) +
         little(40, 4) + little(static_cast<std::uint32_t>(width), 4) + little(static_cast<std::uint32_t>(height), 4) +
         little(1, 2) + little(bits, 2) + std::string(24, '\0') + pixels;
}

std::string encoded(const cv::Mat& pixels, const std::string& extension, const std::vector<int>& parameters = {}) {
  std::vector<std::uint8_t> bytes;
  EXPECT_TRUE(cv::imencode(extension, pixels, bytes, parameters));
  return {bytes.begin(), bytes.end()};
}

/// Grey noise: hard to compress, so that cutting a file cuts pixels off.
cv::Mat grey_noise(int width, int height) {
  cv::Mat pixels(height, width, CV_8UC1);
  std::uint32_t state = 1;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x)
      pixels.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24U);
  }
  return pixels;
}

class ImageSourceTest : public ::testing::Test {
 protected:
  Image load(const std::string& content, ImageSourceOptions options = {}) const {
    return make_image_source(options)->load(directory_.write("image", content));
  }

  /// Why the content is refused; empty if it is not.
  std::string refusal(const std::string& content, ImageSourceOptions options = {}) const {
    try {
      (void)load(content, options);
    } catch (const InputError& error) {
      return error.what();
    }
    return {};
  }

  TemporaryDirectory directory_;
};

TEST_F(ImageSourceTest, ReadsAGreyFileAsOneChannel) {
  const cv::Mat pixels = grey_noise(7, 5);
  for (const std::string extension : {".png", ".bmp", ".tiff", ".pgm"}) {
    const Image image = load(encoded(pixels, extension));
    EXPECT_EQ(image.width, 7U) << extension;
    EXPECT_EQ(image.height, 5U) << extension;
    EXPECT_EQ(image.channels, 1U) << extension;
    EXPECT_EQ(image.pixels, Pixels(pixels.begin<std::uint8_t>(), pixels.end<std::uint8_t>())) << extension;
  }
}

TEST_F(ImageSourceTest, ReadsColourInTheOrderRedGreenBlue) {
  cv::Mat blue_green_red(1, 2, CV_8UC3);
  blue_green_red.at<cv::Vec3b>(0, 0) = {3, 2, 1};
  blue_green_red.at<cv::Vec3b>(0, 1) = {6, 5, 4};
  for (const std::string extension : {".png", ".bmp", ".tiff", ".ppm"}) {
    const Image image = load(encoded(blue_green_red, extension));
    EXPECT_EQ(image.channels, 3U) << extension;
    EXPECT_EQ(image.pixels, (Pixels{1, 2, 3, 4, 5, 6})) << extension;
  }
}

TEST_F(ImageSourceTest, GivesAJpegTheChannelsItHas) {
  const cv::Mat grey = grey_noise(32, 16);
  EXPECT_EQ(load(encoded(grey, ".jpg")).channels, 1U);
  cv::Mat colour;
  cv::merge(std::vector<cv::Mat>{grey, grey, grey}, colour);
  EXPECT_EQ(load(encoded(colour, ".jpg")).channels, 3U);
  EXPECT_EQ(load(encoded(colour, ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1})).channels, 3U);
}

TEST_F(ImageSourceTest, DropsAlphaWithoutBlending) {
  cv::Mat pixels(1, 1, CV_8UC4);
  pixels.at<cv::Vec4b>(0, 0) = {30, 20, 10, 0};
  EXPECT_EQ(load(encoded(pixels, ".png")).pixels, (Pixels{10, 20, 30}));
}

TEST_F(ImageSourceTest, KeepsTheHighByteOfSixteenBits) {
  cv::Mat grey(1, 3, CV_16UC1);
  grey.at<std::uint16_t>(0, 0) = 0x00FF;
  grey.at<std::uint16_t>(0, 1) = 0x1234;
  grey.at<std::uint16_t>(0, 2) = 0xFFFF;
  for (const std::string extension : {".png", ".tiff", ".pgm"}) {
    const Image image = load(encoded(grey, extension));
    EXPECT_EQ(image.pixels, (Pixels{0, 0x12, 0xFF})) << extension;
    EXPECT_EQ(image.sixteen_bit_range, (SampleRange{.lowest = 0x00FF, .highest = 0xFFFF})) << extension;
  }
  cv::Mat colour(1, 1, CV_16UC3);
  colour.at<cv::Vec3w>(0, 0) = {0x3344, 0x2255, 0x11FF};
  EXPECT_EQ(load(encoded(colour, ".png")).pixels, (Pixels{0x11, 0x22, 0x33}));
  EXPECT_FALSE(load(encoded(colour, ".png")).sixteen_bit_range);
}

TEST_F(ImageSourceTest, ClipsOrRefusesSixteenBitGreyIfAskedTo) {
  cv::Mat grey(1, 2, CV_16UC1);
  grey.at<std::uint16_t>(0, 0) = 200;
  grey.at<std::uint16_t>(0, 1) = 4000;
  const std::string content = encoded(grey, ".png");
  ImageSourceOptions options;
  options.sixteen_bit_grey = SixteenBitGrey::clip;
  EXPECT_EQ(load(content, options).pixels, (Pixels{200, 255}));
  EXPECT_FALSE(load(content, options).sixteen_bit_range);
  options.sixteen_bit_grey = SixteenBitGrey::refuse;
  EXPECT_NE(refusal(content, options).find("16 bits per sample"), std::string::npos);
  EXPECT_EQ(load(encoded(grey_noise(2, 2), ".png"), options).channels, 1U);
}

TEST_F(ImageSourceTest, ScalesAPgmFileToItsLargestValue) {
  EXPECT_EQ(load("P2\n# a comment\n3 1\n100\n0 50 100\n").pixels, (Pixels{0, 128, 255}));  // 127.5, half to even
  EXPECT_EQ(load("P5 3 1 100 " + std::string("\0\x32\x64", 3)).pixels, (Pixels{0, 128, 255}));
  EXPECT_EQ(load("P5 2 1 4095 " + big(4095, 2) + big(2048, 2)).pixels, (Pixels{255, 0x80}));
  EXPECT_EQ(load("P6 1 1 255 " + std::string("\1\2\3")).pixels, (Pixels{1, 2, 3}));
}

TEST_F(ImageSourceTest, ReadsBlackFromTheOnesOfABitmap) {
  EXPECT_EQ(load("P1 4 1 1 0\n10").pixels, (Pixels{0, 255, 0, 255}));
  EXPECT_EQ(load("P4 9 1 " + std::string("\xA0\x80")).pixels, (Pixels{0, 255, 0, 255, 255, 255, 255, 255, 0}));
}

// tests/images/golden/make_image_goldens.py says what is there.
TEST_F(ImageSourceTest, EqualsPillowOnEveryKindOfFile) {
  const auto source = make_image_source({.sixteen_bit_grey = SixteenBitGrey::clip});
  std::size_t compared = 0;
  for (const auto& file : std::filesystem::directory_iterator(committed_goldens / "formats")) {
    if (file.path().extension() == ".npy") continue;
    const Image image = source->load(file.path());
    Pixels spread;
    for (std::size_t i = 0; i < image.width * image.height * 3; ++i) {
      spread.push_back(image.pixels[image.channels == 1 ? i / 3 : i]);
    }
    EXPECT_EQ(spread, testing::read_npy<std::uint8_t>(file.path().string() + ".npy")) << file.path();
    ++compared;
  }
  EXPECT_EQ(compared, 38U);
}

TEST_F(ImageSourceTest, AppliesTheOrientationOfATiffFile) {
  const Image upright = load(tiff({{274, 6}}, 3, 2, "\1\2\3\4\5\6"));
  EXPECT_EQ(upright.width, 2U);
  EXPECT_EQ(upright.pixels, (Pixels{4, 1, 5, 2, 6, 3}));
}

TEST_F(ImageSourceTest, IgnoresTheOrientationOfAJpegFile) {
  if (golden_images().empty()) GTEST_SKIP() << "no goldens in " << golden_directory();
  EXPECT_EQ(make_image_source()->load(golden_directory() / "exif_rotate_6.jpg").width, 400U);
}

TEST_F(ImageSourceTest, TellsWhyAFileIsNoImage) {
  EXPECT_NE(refusal("").find("empty"), std::string::npos);
  EXPECT_NE(refusal("hello").find("not a PNG, JPEG, BMP, TIFF or PGM"), std::string::npos);
  EXPECT_NE(refusal("<html>").find("not a PNG, JPEG, BMP, TIFF or PGM"), std::string::npos);
  EXPECT_NE(refusal("P5 0 4 255 ").find("no pixels"), std::string::npos);
  EXPECT_NE(refusal(bmp(0, 1, 24, "")).find("no pixels"), std::string::npos);
  EXPECT_NE(refusal("P5 x 4 255 ").find("where a number should be"), std::string::npos);
  EXPECT_NE(refusal("P5 9999999999 4 255 ").find("too large"), std::string::npos);
  EXPECT_NE(refusal("P5 1 1 70000 \1").find("not in [1, 65535]"), std::string::npos);
}

TEST_F(ImageSourceTest, RefusesWhatPillowWouldReadDifferently) {
  EXPECT_NE(refusal(bmp(2, 1, 16, "\1\2\3\4")).find("16 bits per pixel"), std::string::npos);
  EXPECT_NE(refusal(tiff({{338, 2}}, 1, 1, "\1")).find("alpha channel"), std::string::npos);
  EXPECT_NE(refusal(encoded(cv::Mat(2, 2, CV_32FC1, cv::Scalar(1)), ".tiff")).find("32 bits per sample"),
            std::string::npos);
  EXPECT_EQ(refusal(TemporaryDirectory::read(committed_goldens / "cmyk.jpg")), "JPEG images in CMYK are not supported");
  for (const std::uint32_t photometric : {5U, 8U}) {
    EXPECT_EQ(refusal(tiff({{262, photometric}}, 1, 1, "\1")), "TIFF images in CMYK or CIELab are not supported");
  }
  for (const std::uint32_t bits : {2U, 4U, 12U}) {
    EXPECT_EQ(refusal(tiff({{258, bits}}, 1, 1, "\1\2")),
              "TIFF images with " + std::to_string(bits) + " bits per sample are not supported");
  }
}

// Pillow 9.4 turns 8 bits round and leaves 16 as they are, or does not know the file.
TEST_F(ImageSourceTest, TurnsWhiteZeroRoundAsPillowDoesAndRefusesItWherePillowShowsTheNegative) {
  EXPECT_EQ(load(tiff({{262, 0}}, 4, 1, "\x01\x0A\xC8\xFF")).pixels, (Pixels{254, 245, 55, 0}));
  const std::string wide("\x00\x00\x34\x12\x00\xFF\xFF\xFF", 8);
  EXPECT_EQ(load(tiff({{258, 16}}, 4, 1, wide)).pixels, (Pixels{0, 0x12, 0xFF, 0xFF}));
  for (const SixteenBitGrey rule : {SixteenBitGrey::shift, SixteenBitGrey::clip}) {
    EXPECT_EQ(refusal(tiff({{258, 16}, {262, 0}}, 4, 1, wide), {.sixteen_bit_grey = rule}),
              "TIFF images with 16 bits per sample of which 0 is white are not supported");
  }
}

TEST_F(ImageSourceTest, RefusesSignedSamples) {
  EXPECT_NE(refusal(tiff({{339, 2}}, 1, 1, "\1")).find("8 or 16 bits"), std::string::npos);
}

TEST_F(ImageSourceTest, TellsAMissingFileFromADirectory) {
  const auto source = make_image_source();
  try {
    (void)source->load(directory_.path() / "missing");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "there is no such file");
  }
  try {
    (void)source->load(directory_.path());
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "it is a directory, not a file");
  }
  EXPECT_THROW((void)source->load("/dev/zero"), InputError);
}

TEST_F(ImageSourceTest, RefusesEveryFormatCutShortAnywhere) {
  const cv::Mat pixels = grey_noise(40, 30);
  const std::vector<std::string> contents = {
      encoded(pixels, ".png"), encoded(pixels, ".jpg"), encoded(pixels, ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1}),
      encoded(pixels, ".bmp"), encoded(pixels, ".pgm"), tiff({}, 40, 30, std::string(1200, 'x')),
      "P2 3 1 255 100 100 100"};
  for (const std::string& content : contents) {
    ASSERT_EQ(refusal(content), "");
    // The last number of a text file is still a number with a digit less, and a TIFF file ends in a link that
    // says 0.
    const std::size_t spare = 5;
    for (std::size_t length = 0; length + spare < content.size(); length += 1 + content.size() / 97) {
      EXPECT_NE(refusal(content.substr(0, length)), "") << content.substr(0, 4) << " cut at " << length;
    }
  }
}

TEST_F(ImageSourceTest, RefusesAJpegThatIsCutInItsPixelsAsTruncated) {
  const std::string content = encoded(grey_noise(200, 200), ".jpg");
  EXPECT_EQ(refusal(content.substr(0, content.size() / 2)), "the image is truncated");
  EXPECT_EQ(refusal(content.substr(0, content.size() - 1)), "the image is truncated");
  EXPECT_EQ(refusal(content + "what follows the image does not matter"), "");
}

TEST_F(ImageSourceTest, RefusesAPngWithADamagedChunk) {
  std::string content = encoded(grey_noise(100, 100), ".png");
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 0x55);
  EXPECT_EQ(refusal(content), "the image is damaged: it cannot be decoded");
}

// What was made ready for the pixels must not pass for them.
TEST_F(ImageSourceTest, RefusesAHeaderThatOnlyTheDecoderFindsDamaged) {
  std::string png = encoded(grey_noise(9, 9), ".png");
  png[29] = static_cast<char>(png[29] ^ 0x55);  // its checksum
  EXPECT_EQ(refusal(png), "the image is damaged: it cannot be decoded");
  std::string jpeg = encoded(grey_noise(9, 9), ".jpg");
  jpeg[jpeg.find("\xFF\xC0") + 4] = 77;  // bits per sample
  EXPECT_EQ(refusal(jpeg), "the image is damaged: it cannot be decoded");
}

TEST_F(ImageSourceTest, RefusesGiganticImagesByTheirHeader) {
  // 30 bytes that ask for 14 GB.
  EXPECT_NE(refusal(encoded(grey_noise(2, 2), ".png").replace(16, 8, big(120'000, 4) + big(120'000, 4)))
                .find("120000x120000 pixels"),
            std::string::npos);
  EXPECT_NE(refusal(tiff({}, 65535, 65535, "x")).find("65535x65535 pixels"), std::string::npos);
  EXPECT_NE(refusal(encoded(grey_noise(2, 2), ".png").replace(16, 8, big(3'000'000, 4) + big(1, 4))).find("a side of"),
            std::string::npos);
}

TEST_F(ImageSourceTest, RefusesABombOfEveryFormatByItsHeader) {
  std::string jpeg = encoded(grey_noise(8, 8), ".jpg");
  jpeg.replace(jpeg.find("\xFF\xC0") + 5, 4, big(60'000, 2) + big(60'000, 2));
  std::string compressed = bmp(60'000, 60'000, 8, "x");
  compressed.replace(30, 4, little(1, 4));
  const std::string png = encoded(grey_noise(2, 2), ".png").replace(16, 8, big(60'000, 4) + big(60'000, 4));
  for (const std::string& bomb : {png, jpeg, compressed, tiff({}, 60'000, 60'000, "x")}) {
    EXPECT_EQ(refusal(bomb), "the image has 60000x60000 pixels, and more than 178956970 are refused");
  }
  for (const std::string& bomb :
       {bmp(60'000, 60'000, 24, "x"), std::string("P2 60000 60000 255 1 2 3"), std::string("P4 60000 60000 \1"),
        std::string("P5 60000 60000 255 \1"), std::string("P6 60000 60000 65535 \1")}) {
    EXPECT_EQ(refusal(bomb), "the image is truncated");
  }
}

TEST_F(ImageSourceTest, TakesImagesUpToTheAskedSize) {
  ImageSourceOptions options;
  options.max_pixels = 20;
  EXPECT_EQ(refusal(encoded(grey_noise(5, 4), ".png"), options), "");
  EXPECT_EQ(refusal(encoded(grey_noise(7, 3), ".png"), options),
            "the image has 7x3 pixels, and more than 20 are refused");
}

TEST_F(ImageSourceTest, NeitherCrashesNorWritesOnDamagedFiles) {
  const cv::Mat pixels = grey_noise(24, 20);
  std::vector<std::string> contents = {tiff({}, 24, 20, std::string(480, 'x'))};
  for (const std::string extension : {".png", ".jpg", ".bmp", ".pgm", ".tiff"})
    contents.push_back(encoded(pixels, extension));
  ::testing::internal::CaptureStderr();
  std::uint32_t state = 7;
  int readable = 0;
  for (const std::string& content : contents) {
    for (int i = 0; i < 60; ++i) {
      std::string damaged = content;
      for (int j = 0; j < 3; ++j) {
        state = state * 1664525U + 1013904223U;
        damaged[(state >> 8U) % damaged.size()] = static_cast<char>(state >> 24U);
      }
      readable += refusal(damaged, {.max_pixels = 10'000}).empty() ? 1 : 0;
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_GT(readable, 0);
  EXPECT_LT(readable, 360);
}

TEST_F(ImageSourceTest, GivesStandardErrorBackAfterwards) {
  ::testing::internal::CaptureStderr();
  EXPECT_NE(refusal(bmp(2, 2, 24, std::string(16, 'x')).replace(30, 4, little(1, 4))), "");
  ASSERT_EQ(write(STDERR_FILENO, "heard", 5), 5);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "heard");
}

TEST_F(ImageSourceTest, PassesTheDecodersMessagesIfAskedTo) {
  std::string content = encoded(grey_noise(100, 100), ".png");
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 0x55);
  ::testing::internal::CaptureStderr();
  EXPECT_NE(refusal(content, {.decoder_messages = DecoderMessages::pass}), "");
  EXPECT_NE(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(ImageSourceTest, ReadsBackWhatWritePngWrote) {
  const Image grey{3, 2, 1, {1, 2, 3, 4, 5, 6}};
  const Image colour{1, 2, 3, {1, 2, 3, 4, 5, 6}};
  for (const Image& image : {grey, colour}) {
    write_png(directory_.path() / "image.png", image);
    const Image read = make_image_source()->load(directory_.path() / "image.png");
    EXPECT_EQ(read.width, image.width);
    EXPECT_EQ(read.height, image.height);
    EXPECT_EQ(read.channels, image.channels);
    EXPECT_EQ(read.pixels, image.pixels);
  }
}

TEST_F(ImageSourceTest, WritesNoPngThatIsNone) {
  EXPECT_THROW(write_png(directory_.path() / "missing" / "image.png", {1, 1, 1, {0}}), OutputError);
  EXPECT_THROW(write_png(directory_.path() / "image.png", {0, 1, 1, {}}), std::invalid_argument);
  EXPECT_THROW(write_png(directory_.path() / "image.png", {1, 1, 3, {0}}), std::invalid_argument);
}

}  // namespace
}  // namespace stagemark
