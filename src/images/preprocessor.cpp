#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "images/pillow_resize.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

constexpr std::size_t plane_count = 3;
constexpr std::size_t longest_output_side = 65535;
/// As many as an image may have that is decoded.
constexpr std::size_t most_resized_pixels = ImageSourceOptions{}.max_pixels;

void check(const PreprocessingOptions& options) {
  const auto check_side = [](std::size_t side) {
    if (side > 0 && side <= longest_output_side) return;
    throw UsageError("a side of " + std::to_string(side) + " pixels cannot be made", "resize",
                     "give sizes from 1 to " + std::to_string(longest_output_side));
  };
  check_side(options.width);
  check_side(options.height);
  if (options.shorter_side) {
    check_side(*options.shorter_side);
    if (*options.shorter_side < std::max(options.width, options.height)) {
      throw UsageError("an image whose shorter side is " + std::to_string(*options.shorter_side) +
                           " pixels may have no " + std::to_string(options.width) + "x" +
                           std::to_string(options.height) + " to cut out",
                       "keep-aspect", "give at least " + std::to_string(std::max(options.width, options.height)));
    }
  }
  for (const float mean : options.mean) {
    if (!std::isfinite(mean)) throw UsageError("a mean must be finite", "mean", "give three numbers");
  }
  for (const float deviation : options.standard_deviation) {
    // Not a number is not above 0 either.
    if (!std::isgreater(deviation, 0.0F) || std::isinf(deviation)) {
      throw UsageError("a standard deviation of " + std::to_string(deviation) + " cannot be divided by", "std",
                       "give three numbers above 0");
    }
  }
}

void check(const Image& image) {
  if (image.width == 0 || image.height == 0 || (image.channels != 1 && image.channels != plane_count) ||
      image.pixels.size() != image.width * image.height * image.channels) {
    throw std::invalid_argument("a preprocessor needs an image with pixels, of 1 or 3 channels");
  }
}

/// What the network sees of a resized image: rows within a larger picture.
struct Cut {
  std::span<const std::uint8_t> pixels;  ///< from the first sample of the first row on
  std::size_t row_length = 0;            ///< samples from row to row
};

/// Where a part begins in the middle of a whole. As torchvision, whose round() takes halves to the even number.
std::size_t centred(std::size_t whole, std::size_t part) {
  const std::size_t rest = whole - part;
  return rest / 2 + (rest % 4 == 3 ? 1 : 0);
}

/// torchvision's Resize and CenterCrop. Valid until the next call on the same thread, and no longer than `image`.
Cut resize_and_cut(const Image& image, const PreprocessingOptions& options) {
  thread_local PillowResizer resizer;
  if (!options.shorter_side) {
    return {resizer.resize(image, {options.width, options.height}), options.width * image.channels};
  }
  const std::size_t shorter = std::min(image.width, image.height);
  const PillowResizer::Size size = {*options.shorter_side * image.width / shorter,
                                    *options.shorter_side * image.height / shorter};
  if (size.width > most_resized_pixels / size.height) {
    throw std::invalid_argument("an image of " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                                " pixels is too long to keep its aspect ratio");
  }
  const std::size_t row_length = size.width * image.channels;
  const std::size_t first =
      centred(size.height, options.height) * row_length + centred(size.width, options.width) * image.channels;
  return {resizer.resize(image, size).subspan(first), row_length};
}

class TorchvisionPreprocessor : public Preprocessor {
 public:
  explicit TorchvisionPreprocessor(const PreprocessingOptions& options) : options_(options) {
    for (std::size_t plane = 0; plane < plane_count; ++plane) {
      for (std::size_t value = 0; value < 256; ++value) {
        // In float32 and in this order, as ToTensor and Normalize do it.
        const float scaled = static_cast<float>(value) / 255.0F;
        const float centered = scaled - options.mean[plane];
        normalised_[plane][value] = centered / options.standard_deviation[plane];
      }
    }
  }

  InputShape shape() const noexcept override { return {plane_count, options_.height, options_.width}; }

  void run(const Image& image, std::span<float> out) const override {
    check(image);
    if (out.size() != shape().elements()) {
      throw std::invalid_argument("a preprocessor needs room for its whole output");
    }
    const Cut cut = resize_and_cut(image, options_);
    float* to = out.data();
    for (std::size_t plane = 0; plane < plane_count; ++plane) {
      const std::array<float, 256>& table = normalised_[plane];
      for (std::size_t y = 0; y < options_.height; ++y) {
        const std::uint8_t* const from = cut.pixels.data() + y * cut.row_length + (image.channels == 1 ? 0 : plane);
        for (std::size_t x = 0; x < options_.width; ++x) *to++ = table[from[x * image.channels]];
      }
    }
  }

 private:
  PreprocessingOptions options_;
  std::array<std::array<float, 256>, plane_count> normalised_{};
};

}  // namespace

std::shared_ptr<const Preprocessor> make_preprocessor(const PreprocessingOptions& options) {
  check(options);
  return std::make_shared<TorchvisionPreprocessor>(options);
}

Image resize_image(const Image& image, const PreprocessingOptions& options) {
  check(options);
  check(image);
  const Cut cut = resize_and_cut(image, options);
  Image result{options.width, options.height, plane_count, {}};
  result.pixels.reserve(options.width * options.height * plane_count);
  for (std::size_t y = 0; y < options.height; ++y) {
    const std::uint8_t* const row = cut.pixels.data() + y * cut.row_length;
    for (std::size_t x = 0; x < options.width; ++x) {
      for (std::size_t plane = 0; plane < plane_count; ++plane) {
        result.pixels.push_back(row[x * image.channels + (image.channels == 1 ? 0 : plane)]);
      }
    }
  }
  return result;
}

}  // namespace stagemark
