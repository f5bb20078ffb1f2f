#pragma once

#include <stdexcept>

namespace stagemark {

/// \throws std::invalid_argument with what has to hold
inline void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

}  // namespace stagemark
