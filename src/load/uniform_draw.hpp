#pragma once

#include "stagemark/core/random.hpp"

namespace stagemark {

/// Uniform in [0, 1), of 53 bits.
inline double uniform_draw(SplitMix64& random) noexcept { return static_cast<double>(random.next() >> 11U) * 0x1p-53; }

}  // namespace stagemark
