#include "images/pillow_resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>

// The loops are plain, for the compiler to vectorise. On x86-64 it makes a second copy for AVX-512, chosen
// when the program is loaded: measured 0.4 ms against 0.9 ms for a grey image of 1400x1000. There is none for
// AVX2, where GCC 12 spills the sums and is slower than with the baseline's registers. Sanitizers cannot cope
// with such copies, and a test of the baseline's own code defines STAGEMARK_BASELINE_LANES.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(STAGEMARK_BASELINE_LANES)
#define STAGEMARK_WIDE_LANES __attribute__((target_clones("arch=x86-64-v4", "default")))
#else
#define STAGEMARK_WIDE_LANES
#endif
// What these functions call must become part of them, or it would be compiled for the baseline.
#if defined(__GNUC__)
#define STAGEMARK_ALWAYS_INLINE __attribute__((always_inline)) inline
#else
#define STAGEMARK_ALWAYS_INLINE inline
#endif

namespace stagemark {
namespace {

constexpr int precision_bits = 32 - 8 - 2;
constexpr std::int32_t rounding = 1 << (precision_bits - 1);
/// Rows that the horizontal pass handles at once: turned, each column of such a strip is contiguous.
constexpr std::size_t strip_rows = 16;
/// Columns that the vertical pass handles at once.
constexpr std::size_t block_columns = 32;
constexpr std::size_t most_recent_taps = 64;

/// Pillow's way, halves up; what is below 0 becomes 0.
std::size_t rounded(double value) {
  return static_cast<std::size_t>(std::max(value + 0.5, 0.0));  // NOLINT(bugprone-incorrect-roundings): as Pillow does
}

// No weight is negative, so that only the upper end can be left, by the rounding of very many weights.
STAGEMARK_ALWAYS_INLINE std::uint8_t clip8(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::min(sum >> precision_bits, 255));
}

using Lanes = std::uint8_t __attribute__((vector_size(strip_rows)));
using Tile = std::array<Lanes, strip_rows>;
static_assert(strip_rows == 16);

/// Rows of bytes become columns: four times, the first half of the rows is interleaved with the second.
STAGEMARK_ALWAYS_INLINE void transpose(Tile& tile) {
  for (int pass = 0; pass < 4; ++pass) {
    Tile next;  // NOLINT(*-member-init): set by the next lines
    for (std::size_t i = 0; i < strip_rows / 2; ++i) {
      const Lanes a = tile[i];
      const Lanes b = tile[i + strip_rows / 2];
      next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    tile = next;
  }
}

STAGEMARK_ALWAYS_INLINE void turn(const std::array<const std::uint8_t*, strip_rows>& rows, std::size_t length,
                                  std::uint8_t* __restrict columns) {
  std::size_t i = 0;
  for (; i + strip_rows <= length; i += strip_rows) {
    Tile tile;  // NOLINT(*-member-init): set by the next line
    for (std::size_t row = 0; row < strip_rows; ++row) std::memcpy(&tile[row], rows[row] + i, strip_rows);
    transpose(tile);
    std::memcpy(columns + i * strip_rows, tile.data(), sizeof(tile));
  }
  for (; i < length; ++i) {
    for (std::size_t row = 0; row < strip_rows; ++row) columns[i * strip_rows + row] = rows[row][i];
  }
}

STAGEMARK_ALWAYS_INLINE void turn_back(const std::uint8_t* __restrict columns, std::size_t length,
                                       std::uint8_t* __restrict rows) {
  std::size_t i = 0;
  for (; i + strip_rows <= length; i += strip_rows) {
    Tile tile;  // NOLINT(*-member-init): set by the next line
    std::memcpy(tile.data(), columns + i * strip_rows, sizeof(tile));
    transpose(tile);
    for (std::size_t row = 0; row < strip_rows; ++row) std::memcpy(rows + row * length + i, &tile[row], strip_rows);
  }
  for (; i < length; ++i) {
    for (std::size_t row = 0; row < strip_rows; ++row) rows[row * length + i] = columns[i * strip_rows + row];
  }
}

template <std::size_t Channels>
STAGEMARK_ALWAYS_INLINE void narrow(const std::uint8_t* __restrict columns, const ResizeTaps& taps,
                                    std::uint8_t* __restrict narrowed) {
  for (std::size_t x = 0; x < taps.out; ++x) {
    const std::int32_t* const weights = &taps.weights[x * taps.stride];
    const std::size_t count = taps.counts[x];
    for (std::size_t channel = 0; channel < Channels; ++channel) {
      const std::uint8_t* column = columns + (taps.first[x] * Channels + channel) * strip_rows;
      std::array<std::int32_t, strip_rows> sums;  // NOLINT(*-member-init): set by the next line
      sums.fill(rounding);
      for (std::size_t tap = 0; tap < count; ++tap) {
        const std::int32_t weight = weights[tap];
        for (std::size_t row = 0; row < strip_rows; ++row) sums[row] += weight * column[row];
        column += Channels * strip_rows;
      }
      std::uint8_t* const to = narrowed + (x * Channels + channel) * strip_rows;
      for (std::size_t row = 0; row < strip_rows; ++row) to[row] = clip8(sums[row]);
    }
  }
}

/// The horizontal pass over one strip. `columns` and `turned` are scratch for the strip before and after.
STAGEMARK_WIDE_LANES void narrow_strip(const std::array<const std::uint8_t*, strip_rows>& rows, std::size_t channels,
                                       const ResizeTaps& taps, std::uint8_t* columns, std::uint8_t* turned,
                                       std::uint8_t* out) {
  turn(rows, taps.in * channels, columns);
  if (channels == 1) {
    narrow<1>(columns, taps, turned);
  } else {
    narrow<3>(columns, taps, turned);
  }
  turn_back(turned, taps.out * channels, out);
}

/// The vertical pass for one output row. `rows` holds `weights.size()` rows of `length` samples.
STAGEMARK_WIDE_LANES void blend_rows(const std::uint8_t* __restrict rows, std::size_t length,
                                     const std::int32_t* weights, std::size_t count, std::uint8_t* __restrict out) {
  std::size_t x = 0;
  for (; x + block_columns <= length; x += block_columns) {
    std::array<std::int32_t, block_columns> sums;  // NOLINT(*-member-init): set by the next line
    sums.fill(rounding);
    for (std::size_t tap = 0; tap < count; ++tap) {
      const std::int32_t weight = weights[tap];
      const std::uint8_t* const row = rows + tap * length + x;
      for (std::size_t i = 0; i < block_columns; ++i) sums[i] += weight * row[i];
    }
    for (std::size_t i = 0; i < block_columns; ++i) out[x + i] = clip8(sums[i]);
  }
  for (; x < length; ++x) {
    std::int32_t sum = rounding;
    for (std::size_t tap = 0; tap < count; ++tap) sum += weights[tap] * rows[tap * length + x];
    out[x] = clip8(sum);
  }
}

}  // namespace

ResizeTaps pillow_taps(std::size_t in, std::size_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = filter_scale;  // the triangle's own support is 1
  const double inverse_scale = 1.0 / filter_scale;

  ResizeTaps taps;
  taps.in = in;
  taps.out = out;
  taps.stride = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  taps.first.resize(out);
  taps.counts.resize(out);
  taps.weights.resize(out * taps.stride);
  std::vector<double> exact(taps.stride);
  for (std::size_t i = 0; i < out; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto first = rounded(center - support);
    const auto last = std::min(rounded(center + support), in);
    double total = 0;
    for (std::size_t x = first; x < last; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * inverse_scale);
      exact[x - first] = distance < 1.0 ? 1.0 - distance : 0.0;
      total += exact[x - first];
    }
    for (std::size_t x = 0; x < last - first; ++x) {
      const double weight = total != 0.0 ? exact[x] / total : exact[x];
      taps.weights[i * taps.stride + x] = static_cast<std::int32_t>(rounded(weight * (1 << precision_bits)));
    }
    taps.first[i] = first;
    taps.counts[i] = last - first;
  }
  return taps;
}

const ResizeTaps& PillowResizer::taps(std::size_t in, std::size_t out) {
  const auto known = std::find_if(recent_.begin(), recent_.end(),
                                  [=](const ResizeTaps& taps) { return taps.in == in && taps.out == out; });
  if (known != recent_.end()) return *known;
  if (recent_.size() < most_recent_taps) return recent_.emplace_back(pillow_taps(in, out));
  ResizeTaps& replaced = recent_[oldest_];
  oldest_ = (oldest_ + 1) % most_recent_taps;
  return replaced = pillow_taps(in, out);
}

std::span<const std::uint8_t> PillowResizer::resize(const Image& image, Size size) {
  const std::size_t channels = image.channels;
  const std::size_t length = size.width * channels;
  // Of the rows, only those that the vertical pass needs are narrowed.
  std::size_t first_row = 0;
  std::size_t row_count = image.height;
  if (image.height != size.height) {
    const ResizeTaps& vertical = taps(image.height, size.height);
    first_row = vertical.first.front();
    row_count = vertical.first.back() + vertical.counts.back() - first_row;
  }
  const std::uint8_t* rows = image.pixels.data() + first_row * image.width * channels;

  if (image.width != size.width) {
    const ResizeTaps& horizontal = taps(image.width, size.width);
    const std::size_t strips = (row_count + strip_rows - 1) / strip_rows;
    columns_.resize(std::max(columns_.size(), image.width * channels * strip_rows));
    turned_.resize(std::max(turned_.size(), length * strip_rows));
    narrowed_.resize(std::max(narrowed_.size(), strips * strip_rows * length));
    for (std::size_t strip = 0; strip < strips; ++strip) {
      std::array<const std::uint8_t*, strip_rows> strip_row{};
      for (std::size_t i = 0; i < strip_rows; ++i) {
        // The last strip repeats the last row; what comes of it is not read.
        strip_row[i] = rows + std::min(strip * strip_rows + i, row_count - 1) * image.width * channels;
      }
      narrow_strip(strip_row, channels, horizontal, columns_.data(), turned_.data(),
                   narrowed_.data() + strip * strip_rows * length);
    }
    rows = narrowed_.data();
  }
  if (image.height == size.height) return {rows, length * size.height};

  const ResizeTaps& vertical = taps(image.height, size.height);
  resized_.resize(std::max(resized_.size(), length * size.height));
  for (std::size_t y = 0; y < size.height; ++y) {
    blend_rows(rows + (vertical.first[y] - first_row) * length, length, &vertical.weights[y * vertical.stride],
               vertical.counts[y], resized_.data() + y * length);
  }
  return {resized_.data(), length * size.height};
}

}  // namespace stagemark
