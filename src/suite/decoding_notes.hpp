#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "stagemark/backend/image.hpp"

namespace stagemark {

/// What decoding the data set's images told, by their index.
struct DecodingNotes {
  std::map<std::size_t, std::string> broken;     ///< cannot be decoded, and why
  std::set<std::size_t> without_low_byte;        ///< have an Image::sixteen_bit_range
  std::optional<SampleRange> sixteen_bit_range;  ///< of all of these

  void widen(const std::optional<SampleRange>& by) {
    if (!by) return;
    if (!sixteen_bit_range) sixteen_bit_range = by;
    sixteen_bit_range->widen(*by);
  }
};

}  // namespace stagemark
