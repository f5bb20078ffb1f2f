#include <algorithm>
#include <array>
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
constexpr std::size_t longest_side = 65535;

class TorchvisionPreprocessor : public Preprocessor {
 public:
  explicit TorchvisionPreprocessor(const PreprocessingOptions& options) : size_{options.width, options.height} {
    for (std::size_t plane = 0; plane < plane_count; ++plane) {
      for (std::size_t value = 0; value < 256; ++value) {
        // In float32 and in this order, as ToTensor and Normalize do it.
        const float scaled = static_cast<float>(value) / 255.0F;
        const float centered = scaled - options.mean[plane];
        normalised_[plane][value] = centered / options.standard_deviation[plane];
      }
    }
  }

  InputShape shape() const noexcept override { return {plane_count, size_.height, size_.width}; }

  void run(const Image& image, std::span<float> out) const override {
    if (image.width == 0 || image.height == 0 || (image.channels != 1 && image.channels != plane_count) ||
        image.pixels.size() != image.width * image.height * image.channels) {
      throw std::invalid_argument("a preprocessor needs an image with pixels, of 1 or 3 channels");
    }
    if (out.size() != shape().elements()) {
      throw std::invalid_argument("a preprocessor needs room for its whole output");
    }
    thread_local PillowResizer resizer;
    const std::span<const std::uint8_t> resized = resizer.resize(image, size_);
    const std::size_t plane_size = size_.width * size_.height;
    for (std::size_t plane = 0; plane < plane_count; ++plane) {
      const std::array<float, 256>& table = normalised_[plane];
      const std::uint8_t* const from = resized.data() + (image.channels == 1 ? 0 : plane);
      float* const to = out.data() + plane * plane_size;
      for (std::size_t i = 0; i < plane_size; ++i) to[i] = table[from[i * image.channels]];
    }
  }

 private:
  PillowResizer::Size size_;
  std::array<std::array<float, 256>, plane_count> normalised_{};
};

}  // namespace

std::shared_ptr<const Preprocessor> make_preprocessor(const PreprocessingOptions& options) {
  for (const std::size_t side : {options.width, options.height}) {
    if (side == 0 || side > longest_side) {
      throw UsageError("an input of " + std::to_string(options.width) + "x" + std::to_string(options.height) +
                           " pixels cannot be made",
                       "resize", "give sizes from 1 to " + std::to_string(longest_side));
    }
  }
  for (const float deviation : options.standard_deviation) {
    if (!(deviation > 0)) {
      throw UsageError("a standard deviation of " + std::to_string(deviation) + " cannot be divided by", "std",
                       "give values above 0");
    }
  }
  return std::make_shared<TorchvisionPreprocessor>(options);
}

}  // namespace stagemark
