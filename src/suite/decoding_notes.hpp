#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace stagemark {

/// What decoding the data set's images told, by their index.
struct DecodingNotes {
  std::map<std::size_t, std::string> broken;  ///< cannot be decoded, and why
  std::set<std::size_t> without_low_byte;     ///< Image::lost_low_byte
};

}  // namespace stagemark
