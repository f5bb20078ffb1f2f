#pragma once

#include <cstdint>

namespace stagemark {

/// Most memory that this process has held so far, in bytes.
std::uint64_t peak_rss_bytes();

}  // namespace stagemark
