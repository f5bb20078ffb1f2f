#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stagemark/backend/image.hpp"

namespace stagemark {

/// The taps of Pillow's triangle filter along one axis: output `i` is the weighted sum of `counts[i]` inputs
/// from `first[i]` on, with 22-bit fixed-point weights at `weights[i * stride]`.
struct ResizeTaps {
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t stride = 0;
  std::vector<std::size_t> first;
  std::vector<std::size_t> counts;
  std::vector<std::int32_t> weights;
};

/// Pillow's precompute_coeffs() and normalize_coeffs_8bpc() (Resample.c) for the bilinear filter.
ResizeTaps pillow_taps(std::size_t in, std::size_t out);

/// Pillow's Image.resize((width, height), BILINEAR) on 8-bit images, bit for bit: support scaled by the
/// reduction, horizontal pass, rounding to 8 bits, vertical pass; a pass that would change no size is left
/// out. Keeps its scratch memory and the taps of recent sizes. Not thread-safe: one object per thread.
class PillowResizer {
 public:
  struct Size {
    std::size_t width = 0;
    std::size_t height = 0;
  };

  /// The resized pixels, interleaved as in `image`; valid until the next call or while `image` lives,
  /// whichever ends first. `image` must have 1 or 3 channels, its pixels, and no zero side.
  std::span<const std::uint8_t> resize(const Image& image, Size size);

 private:
  const ResizeTaps& taps(std::size_t in, std::size_t out);

  std::vector<ResizeTaps> recent_;  ///< a ring once it is full
  std::size_t oldest_ = 0;
  std::vector<std::uint8_t> columns_;  ///< a strip of the image, turned
  std::vector<std::uint8_t> turned_;   ///< the same strip, narrowed
  std::vector<std::uint8_t> narrowed_;
  std::vector<std::uint8_t> resized_;
};

}  // namespace stagemark
