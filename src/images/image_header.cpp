#include "images/image_header.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "images/pnm.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

[[noreturn]] void fail_truncated() { throw InputError("the image is truncated"); }

/// Reads integers at offsets; one outside the file means that the file is truncated.
class Bytes {
 public:
  Bytes(std::span<const std::uint8_t> bytes, std::endian order) : bytes_(bytes), order_(order) {}

  std::size_t size() const { return bytes_.size(); }
  std::uint8_t u8(std::uint64_t offset) const { return static_cast<std::uint8_t>(read(offset, 1)); }
  std::uint16_t u16(std::uint64_t offset) const { return static_cast<std::uint16_t>(read(offset, 2)); }
  std::uint32_t u32(std::uint64_t offset) const { return read(offset, 4); }

  bool starts_with(std::string_view text) const { return has(0, text); }
  bool has(std::uint64_t offset, std::string_view text) const {
    return offset <= bytes_.size() && bytes_.size() - offset >= text.size() &&
           std::equal(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  }

  void require(std::uint64_t offset, std::uint64_t count) const {
    if (offset > bytes_.size() || bytes_.size() - offset < count) fail_truncated();
  }

 private:
  std::uint32_t read(std::uint64_t offset, std::size_t count) const {
    require(offset, count);
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = order_ == std::endian::big ? i : count - 1 - i;
      value = (value << 8U) | bytes_[offset + at];
    }
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  std::endian order_;
};

constexpr std::string_view png_signature("\x89PNG\r\n\x1a\n", 8);

ImageHeader read_png(const Bytes& file) {
  if (!file.has(12, "IHDR")) throw InputError("the PNG file has no header");
  const ImageHeader header{ImageFormat::png, file.u32(16), file.u32(20)};
  for (std::uint64_t chunk = png_signature.size();; chunk += 12U + file.u32(chunk)) {
    file.require(chunk, 12);
    if (file.has(chunk + 4, "IEND")) return header;
  }
}

bool starts_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool has_no_content(std::uint8_t marker) {
  // In a scan: a stuffed zero, a restart; between segments also fill bytes.
  return marker == 0x00 || marker == 0x01 || marker == 0xFF || (marker >= 0xD0 && marker <= 0xD7);
}

ImageHeader read_jpeg(std::span<const std::uint8_t> bytes, const Bytes& file) {
  std::optional<ImageHeader> header;
  std::size_t at = 2;
  // The walk goes to the end-of-image marker: libjpeg would make up what is missing, and tell nobody but the
  // terminal.
  while (true) {
    file.require(at, 1);
    const void* const mark = std::memchr(&bytes[at], 0xFF, bytes.size() - at);
    if (mark == nullptr) fail_truncated();
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(mark) - bytes.data()) + 1;
    const std::uint8_t marker = file.u8(at);
    if (marker == 0xFF) continue;
    ++at;
    if (has_no_content(marker)) continue;
    if (marker == 0xD9) {
      if (!header) throw InputError("the JPEG file has no image");
      return *header;
    }
    const std::uint16_t length = file.u16(at);
    file.require(at, length);
    if (starts_frame(marker) && !header) {
      header = ImageHeader{ImageFormat::jpeg, file.u16(at + 5), file.u16(at + 3)};
      if (file.u8(at + 7) == 4) throw InputError("JPEG images in CMYK are not supported");
    }
    at += length;
  }
}

ImageHeader read_bmp(const Bytes& file) {
  const std::uint32_t pixels_at = file.u32(10);
  const bool is_core = file.u32(14) == 12;  // OS/2's header has 16-bit sizes
  const auto height = is_core ? std::int32_t{file.u16(20)} : std::bit_cast<std::int32_t>(file.u32(22));
  const auto width = is_core ? std::int32_t{file.u16(18)} : std::bit_cast<std::int32_t>(file.u32(18));
  if (width < 0) throw InputError("the BMP file has a negative width");
  // A negative height means that the rows stand from top to bottom.
  const ImageHeader header{ImageFormat::bmp, static_cast<std::uint64_t>(width),
                           static_cast<std::uint64_t>(std::llabs(height))};
  const std::uint16_t bits = is_core ? file.u16(24) : file.u16(28);
  const bool is_compressed = !is_core && file.u32(30) != 0;
  // Pillow spreads five bits over eight, OpenCV shifts them.
  if (bits == 16) throw InputError("BMP images with 16 bits per pixel are not supported");
  if (!is_compressed) file.require(pixels_at, (header.width * bits + 31) / 32 * 4 * header.height);
  return header;
}

ImageHeader read_tiff(const Bytes& file) {
  enum Tag : std::uint16_t {
    image_width = 256,
    image_length = 257,
    bits_per_sample = 258,
    photometric = 262,
    extra_samples = 338
  };
  constexpr std::uint16_t type_short = 3;
  constexpr std::array<std::uint32_t, 5> photometric_read_as_pillow = {0, 1, 2, 3, 6};  // grey, RGB, palette, YCbCr
  constexpr std::array<std::uint32_t, 3> bits_read_as_pillow = {1, 8, 16};
  constexpr std::uint32_t zero_is_white = 0;
  constexpr std::uint32_t extra_unspecified = 0;
  const auto contains = [](const auto& known, std::uint32_t value) {
    return std::find(known.begin(), known.end(), value) != known.end();
  };
  const std::uint32_t directory = file.u32(4);
  const std::uint16_t entries = file.u16(directory);
  ImageHeader header{ImageFormat::tiff, 0, 0};
  bool is_negative = false;
  bool is_wide = false;
  for (std::uint16_t i = 0; i < entries; ++i) {
    const std::uint64_t entry = directory + std::uint64_t{2} + std::uint64_t{12} * i;
    const std::uint16_t tag = file.u16(entry);
    const bool is_short = file.u16(entry + 2) == type_short;
    const std::uint32_t value = is_short ? file.u16(entry + 8) : file.u32(entry + 8);
    // The larger one, should a hostile file say it twice.
    if (tag == Tag::image_width) header.width = std::max<std::uint64_t>(header.width, value);
    if (tag == Tag::image_length) header.height = std::max<std::uint64_t>(header.height, value);
    if (tag == Tag::photometric && !contains(photometric_read_as_pillow, value)) {
      throw InputError("TIFF images in CMYK or CIELab are not supported");
    }
    is_negative |= tag == Tag::photometric && value == zero_is_white;
    if (tag == Tag::bits_per_sample) {
      // Of more than two samples they stand elsewhere.
      const std::uint32_t bits = file.u32(entry + 4) > 2 ? file.u16(file.u32(entry + 8)) : value;
      if (!contains(bits_read_as_pillow, bits)) {
        throw InputError("TIFF images with " + std::to_string(bits) + " bits per sample are not supported");
      }
      is_wide |= bits == 16;
    }
    // libtiff multiplies the colours by it, Pillow does the opposite.
    if (tag == Tag::extra_samples && value != extra_unspecified) {
      throw InputError("TIFF images with an alpha channel are not supported");
    }
  }
  // With fewer bits libtiff and Pillow turn them round; with 16 neither does, and the network would see the negative.
  if (is_negative && is_wide) {
    throw InputError("TIFF images with 16 bits per sample of which 0 is white are not supported");
  }
  return header;
}

ImageHeader read_any(std::span<const std::uint8_t> bytes) {
  const Bytes big(bytes, std::endian::big);
  const Bytes little(bytes, std::endian::little);
  if (bytes.empty()) throw InputError("the file is empty");
  if (big.starts_with(png_signature)) return read_png(big);
  if (big.starts_with("\xFF\xD8\xFF")) return read_jpeg(bytes, big);
  if (big.starts_with("BM")) return read_bmp(little);
  if (big.starts_with({"II*\0", 4})) return read_tiff(little);
  if (big.starts_with({"MM\0*", 4})) return read_tiff(big);
  if (is_pnm(bytes)) {
    const PnmHeader header = read_pnm_header(bytes);
    return {ImageFormat::pnm, header.width, header.height};
  }
  throw InputError("the content is not a PNG, JPEG, BMP, TIFF or PGM image");
}

}  // namespace

ImageHeader read_image_header(std::span<const std::uint8_t> file) {
  const ImageHeader header = read_any(file);
  if (header.width == 0 || header.height == 0) throw InputError("the image has no pixels");
  return header;
}

}  // namespace stagemark
