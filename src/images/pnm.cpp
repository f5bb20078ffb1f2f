#include "images/pnm.hpp"

#include <cmath>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

bool is_space(std::uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }
bool is_digit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }

/// Walks through the file; its end means that the file is truncated.
class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> file, std::size_t at) : file_(file), at_(at) {}

  std::size_t at() const { return at_; }

  std::uint8_t byte() {
    require(1);
    return file_[at_++];
  }

  std::uint32_t two_bytes() {
    const std::uint32_t high = byte();
    return (high << 8U) | byte();
  }

  /// A decimal number after white space and comments.
  std::uint32_t number() {
    skip_space();
    std::uint32_t number = digit();
    for (int digits = 1; at_ < file_.size() && is_digit(file_[at_]); ++digits) {
      if (digits == 9) throw InputError("the PGM file has a number that is too large");
      number = number * 10 + digit();
    }
    return number;
  }

  std::uint32_t digit() {
    const std::uint8_t character = byte();
    if (!is_digit(character)) throw InputError("the PGM file has something else where a number should be");
    return character - std::uint32_t{'0'};
  }

  void skip_space() {
    for (require(1); is_space(file_[at_]) || file_[at_] == '#'; require(1)) {
      const bool is_comment = file_[at_++] == '#';
      while (is_comment && byte() != '\n') {
      }
    }
  }

  void require(std::uint64_t count) const {
    if (file_.size() - at_ < count) throw InputError("the image is truncated");
  }

 private:
  std::span<const std::uint8_t> file_;
  std::size_t at_;
};

/// One sample after the other, row by row.
template <class Sample, class Next>
cv::Mat fill(const PnmHeader& header, int type, Next&& next) {
  cv::Mat pixels(static_cast<int>(header.height), static_cast<int>(header.width), type);
  for (int y = 0; y < pixels.rows; ++y) {
    auto* const row = pixels.ptr<Sample>(y);
    for (std::size_t x = 0; x < header.width; ++x) {
      for (std::size_t channel = header.channels; channel-- > 0;) {
        row[x * header.channels + channel] = static_cast<Sample>(next(x));
      }
    }
  }
  return pixels;
}

}  // namespace

bool is_pnm(std::span<const std::uint8_t> file) {
  return file.size() > 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '6' && is_space(file[2]);
}

PnmHeader read_pnm_header(std::span<const std::uint8_t> file) {
  const std::uint8_t kind = file[1];
  Cursor cursor(file, 2);
  PnmHeader header;
  header.is_bitmap = kind == '1' || kind == '4';
  header.is_binary = kind >= '4';
  header.channels = kind == '3' || kind == '6' ? 3 : 1;
  header.width = cursor.number();
  header.height = cursor.number();
  if (!header.is_bitmap) header.largest_value = cursor.number();
  if (header.largest_value == 0 || header.largest_value > 65535) {
    throw InputError("the PGM file's largest value is not in [1, 65535]");
  }
  if (!is_space(cursor.byte())) throw InputError("the PGM file's header is damaged");
  header.pixels_at = cursor.at();
  const std::uint64_t samples = header.width * header.channels;
  const std::uint64_t row_bytes = header.is_bitmap             ? (samples + 7) / 8
                                  : header.largest_value > 255 ? samples * 2
                                                               : samples;
  // As text a sample takes at least one character.
  cursor.require((header.is_binary ? row_bytes : samples) * header.height);
  return header;
}

cv::Mat decode_pnm(std::span<const std::uint8_t> file) {
  const PnmHeader header = read_pnm_header(file);
  Cursor cursor(file, header.pixels_at);
  const bool is_wide = header.largest_value > 255;
  const bool keeps_sixteen_bits = is_wide && header.channels == 1;
  const double full = keeps_sixteen_bits ? 65535 : 255;
  const double largest = header.largest_value;
  const auto scale = [&](std::uint32_t value) { return std::min(full, std::nearbyint(value / largest * full)); };
  std::uint32_t bits = 0;
  const auto next = [&](std::size_t x) -> double {
    if (header.is_bitmap && header.is_binary) {
      bits = x % 8 == 0 ? cursor.byte() : bits << 1U;
      return (bits & 0x80U) != 0 ? 0 : full;
    }
    if (header.is_bitmap) {
      cursor.skip_space();
      return cursor.digit() != 0 ? 0 : full;
    }
    if (!header.is_binary) return scale(cursor.number());
    return scale(is_wide ? cursor.two_bytes() : cursor.byte());
  };
  const int channels = static_cast<int>(header.channels);
  return keeps_sixteen_bits ? fill<std::uint16_t>(header, CV_MAKETYPE(CV_16U, channels), next)
                            : fill<std::uint8_t>(header, CV_MAKETYPE(CV_8U, channels), next);
}

}  // namespace stagemark
