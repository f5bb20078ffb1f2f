#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stagemark {

enum class ImageFormat : std::uint8_t { png, jpeg, bmp, tiff, pnm };

/// What a file says of itself before anything is decoded.
struct ImageHeader {
  ImageFormat format = ImageFormat::png;
  std::uint64_t width = 0;
  std::uint64_t height = 0;
};

/// Recognises the format by content and reads the size, without a decoder and in bounded memory.
/// \throws InputError if `file` is not an image of these formats, has no pixels, ends before they do, or is of a kind
///         that Pillow would read differently
ImageHeader read_image_header(std::span<const std::uint8_t> file);

}  // namespace stagemark
