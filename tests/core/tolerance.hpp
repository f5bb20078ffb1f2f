#pragma once

namespace stagemark {

/// Of a number that differs from its golden by rounding alone.
inline constexpr double tight = 1e-12;

}  // namespace stagemark
