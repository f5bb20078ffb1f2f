#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <span>

namespace stagemark {

/// What a PBM, PGM or PPM file (P1 to P6) says of itself.
struct PnmHeader {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  std::size_t channels = 1;
  std::uint32_t largest_value = 1;  ///< what stands for white
  bool is_bitmap = false;           ///< one bit per pixel, 1 is black
  bool is_binary = false;
  std::size_t pixels_at = 0;
};

bool is_pnm(std::span<const std::uint8_t> file);

/// \throws InputError if the header is damaged or the file too short for its pixels
PnmHeader read_pnm_header(std::span<const std::uint8_t> file);

/// The pixels as Pillow reads them: scaled to 255 or, grey whose largest value needs 16 bits, to 65535. OpenCV
/// scales only the text variants, and rounds them differently. Channels in OpenCV's order.
cv::Mat decode_pnm(std::span<const std::uint8_t> file);

}  // namespace stagemark
