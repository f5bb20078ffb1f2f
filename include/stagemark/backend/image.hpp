#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace stagemark {

/// A decoded image: 8 bits per sample, rows without padding, interleaved channels: 1 (grey) or 3 (RGB, in that order).
struct Image {
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t channels = 0;
  std::vector<std::uint8_t> pixels;  ///< height * width * channels
  /// Made from grey with 16 bits per sample by keeping the high byte, where Pillow would clip to white: a run warns of it.
  bool lost_low_byte = false;
};

/// Turns files into images. Implementations are safe to call from one thread at a time.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  /// \throws InputError if the file cannot be read as an image; the message names the reason, not the path.
  [[nodiscard]] virtual Image load(const std::filesystem::path& file) const = 0;
};

}  // namespace stagemark
