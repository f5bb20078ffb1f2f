#include "suite/peak_memory.hpp"

#include <sys/resource.h>

namespace stagemark {

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;
}

}  // namespace stagemark
