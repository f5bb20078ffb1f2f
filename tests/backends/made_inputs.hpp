#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "stagemark/backend/preprocessor.hpp"

namespace stagemark {

/// Of the square images that the small network gets, unless a test says otherwise.
inline constexpr std::size_t input_side = 48;

/// Pixels as they are, from 0 to 1. Of as many channels as the test wants.
class ScaledPixels final : public Preprocessor {
 public:
  explicit ScaledPixels(std::size_t channels = 3) : channels_(channels) {}
  [[nodiscard]] InputShape shape() const noexcept override { return {channels_, input_side, input_side}; }
  void run(const Image& image, std::span<float> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(image.pixels[i]) / 255.0F;
  }

 private:
  std::size_t channels_;
};

/// The image's first sample everywhere.
class FirstSample final : public Preprocessor {
 public:
  explicit FirstSample(std::size_t height = 4) : height_(height) {}
  [[nodiscard]] InputShape shape() const noexcept override { return {3, height_, height_}; }
  void run(const Image& image, std::span<float> out) const override {
    std::fill(out.begin(), out.end(), static_cast<float>(image.pixels.at(0)));
  }

 private:
  std::size_t height_;
};

/// The pixels are taken as CHW.
inline Image noise(unsigned seed, std::size_t height = input_side) {
  std::mt19937 random(seed);
  Image result{height, height, 3, std::vector<std::uint8_t>(3 * height * height)};
  for (std::uint8_t& sample : result.pixels) sample = static_cast<std::uint8_t>(random());
  return result;
}

}  // namespace stagemark
