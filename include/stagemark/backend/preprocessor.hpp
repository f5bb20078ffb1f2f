#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "stagemark/backend/image.hpp"

namespace stagemark {

/// Shape of one image's input tensor, row-major CHW, float32.
struct InputShape {
  std::size_t channels = 3;
  std::size_t height = 224;
  std::size_t width = 224;
  [[nodiscard]] std::size_t elements() const noexcept { return channels * height * width; }
  bool operator==(const InputShape&) const = default;
};

/// How pixels become the input tensor. The defaults are torchvision's for ImageNet-trained networks.
struct PreprocessingOptions {
  std::size_t width = 224;
  std::size_t height = 224;
  /// Absent: resized to width x height, whatever the aspect ratio. Else: resized so that the shorter side is this long,
  /// then the centre is cut out.
  std::optional<std::size_t> shorter_side;
  std::array<float, 3> mean = {0.485F, 0.456F, 0.406F};
  std::array<float, 3> standard_deviation = {0.229F, 0.224F, 0.225F};
};

/// Turns an image into the input tensor. Immutable: one object serves any number of threads.
class Preprocessor {
 public:
  virtual ~Preprocessor() = default;

  [[nodiscard]] virtual InputShape shape() const noexcept = 0;

  /// Writes the tensor of `image` to `out`. \param out shape().elements() floats, CHW
  virtual void run(const Image& image, std::span<float> out) const = 0;
};

}  // namespace stagemark
