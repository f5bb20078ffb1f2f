#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "stagemark/backend/image.hpp"

namespace stagemark {

/// What decoding the data set's images told, by their index.
struct DecodingNotes {
  std::map<std::size_t, std::string> broken;       ///< cannot be decoded, and why
  std::map<std::size_t, SampleRange> sixteen_bit;  ///< have an Image::sixteen_bit_range
};

}  // namespace stagemark
