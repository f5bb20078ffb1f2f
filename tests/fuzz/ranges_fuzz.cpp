// Any bytes as activation ranges: ranges or a ModelError, and ranges that read back the same when written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "fuzz/memory_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/activation_ranges.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stagemark;
  const fuzz::MemoryFile file(data, size);
  try {
    const ActivationRanges ranges = read_activation_ranges(file.path());
    const fuzz::MemoryFile copy(data, 0);
    write_activation_ranges(copy.path(), ranges);
    const ActivationRanges again = read_activation_ranges(copy.path());
    if (again.size() != ranges.size()) std::abort();
    for (const auto& [name, range] : ranges) {
      const auto found = again.find(name);
      if (found == again.end() || found->second.low != range.low || found->second.high != range.high) std::abort();
    }
  } catch (const ModelError&) {
    // what are no ranges
  }
  return 0;
}
