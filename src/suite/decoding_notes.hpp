#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "stagemark/backend/image.hpp"

namespace stagemark {

struct Dataset;
struct SuiteResult;

/// What decoding the data set's images told, by their index.
struct DecodingNotes {
  std::map<std::size_t, std::string> broken;       ///< cannot be decoded, and why
  std::map<std::size_t, SampleRange> sixteen_bit;  ///< have an Image::sixteen_bit_range

  void add(const DecodingNotes& more);
  /// Adds them to what a run reports of its data set.
  void tell(SuiteResult& result) const;
  /// \throws InputError: no image of the data set can be read
  [[noreturn]] void refuse_all(const Dataset& dataset) const;
};

}  // namespace stagemark
