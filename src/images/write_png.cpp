#include <cstdint>
#include <fstream>
#include <ios>
#include <opencv2/core/mat.hpp>
#include <opencv2/imgcodecs.hpp>
#include <stdexcept>
#include <vector>

#include "images/quiet_stderr.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

std::vector<std::uint8_t> encode(const Image& image) {
  cv::Mat pixels(static_cast<int>(image.height), static_cast<int>(image.width),
                 image.channels == 1 ? CV_8UC1 : CV_8UC3);
  const std::size_t row_bytes = image.width * image.channels;
  for (int y = 0; y < pixels.rows; ++y) {
    const std::uint8_t* const from = &image.pixels[static_cast<std::size_t>(y) * row_bytes];
    std::uint8_t* const to = pixels.ptr(y);
    // To OpenCV's BGR.
    for (std::size_t i = 0; i < row_bytes; ++i) to[i] = image.channels == 1 ? from[i] : from[i - i % 3 + (2 - i % 3)];
  }
  std::vector<std::uint8_t> bytes;
  const QuietStderr quiet;
  try {
    if (!cv::imencode(".png", pixels, bytes)) bytes.clear();
  } catch (const cv::Exception&) {
    bytes.clear();
  }
  return bytes;
}

}  // namespace

std::vector<std::uint8_t> encode_png(const Image& image) {
  if (image.width == 0 || image.height == 0 || (image.channels != 1 && image.channels != 3) ||
      image.pixels.size() != image.width * image.height * image.channels) {
    throw std::invalid_argument("PNG needs an image with pixels, of 1 or 3 channels");
  }
  std::vector<std::uint8_t> bytes = encode(image);
  if (bytes.empty()) throw OutputError("the image cannot be encoded as PNG");
  return bytes;
}

void write_png(const std::filesystem::path& file, const Image& image) {
  const std::vector<std::uint8_t> bytes = encode_png(image);
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) {
    throw OutputError("the file cannot be written", file.string(), "check that the directory exists and has room");
  }
}

}  // namespace stagemark
