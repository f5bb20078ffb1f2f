#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// The smallest and the largest of some samples.
struct SampleRange {
  std::uint16_t lowest = 0;
  std::uint16_t highest = 0;

  void widen(const SampleRange& by) noexcept {
    lowest = by.lowest < lowest ? by.lowest : lowest;
    highest = by.highest > highest ? by.highest : highest;
  }
  bool operator==(const SampleRange&) const = default;
};

/// A decoded image: 8 bits per sample, rows without padding, interleaved channels: 1 (grey) or 3 (RGB, in that order).
struct Image {
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t channels = 0;
  std::vector<std::uint8_t> pixels;  ///< height * width * channels
  /// What the file holds, where this was made from grey with 16 bits per sample by keeping the high byte. Pillow would
  /// clip to white: a run warns of it.
  std::optional<SampleRange> sixteen_bit_range = {};
};

/// What to say of images that were grey with 16 bits per sample, of which the high byte was kept: the range that was seen,
/// and what to do where it is small, or that of most images.
/// \param ranges of the images that were, one each and at least one, `of` so many images
std::string sixteen_bit_warning(std::span<const SampleRange> ranges, std::size_t of);

/// What becomes of grey images with 16 bits per sample. Colour always keeps its high byte.
enum class SixteenBitGrey : std::uint8_t {
  shift,   ///< keeps the high byte
  clip,    ///< everything above 255 is white, as in Pillow's convert("RGB")
  refuse,  ///< not an image for us
};
template <>
inline constexpr EnumNames<SixteenBitGrey, 3> enum_names<SixteenBitGrey> = {
    {{SixteenBitGrey::shift, "shift"}, {SixteenBitGrey::clip, "pillow"}, {SixteenBitGrey::refuse, "refuse"}}};

/// What becomes of the lines that the decoders (libjpeg, libpng, OpenCV) print on standard error by
/// themselves.
enum class DecoderMessages : std::uint8_t {
  /// Lost, and with them all that any thread of the process writes to file descriptor 2 while a file is
  /// decoded.
  discard,
  pass,
};

/// How files become images.
struct ImageSourceOptions {
  /// Larger images are refused before memory is allocated for them. The default is where Pillow suspects a
  /// decompression bomb.
  std::size_t max_pixels = 178'956'970;
  SixteenBitGrey sixteen_bit_grey = SixteenBitGrey::shift;
  DecoderMessages decoder_messages = DecoderMessages::discard;
};

/// Turns files into images. Implementations are safe to call from one thread at a time.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  /// \throws InputError if the file cannot be read as an image; the message names the reason, not the path.
  [[nodiscard]] virtual Image load(const std::filesystem::path& file) const = 0;
};

}  // namespace stagemark
