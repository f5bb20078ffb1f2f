// Any bytes as a trace of arrivals: an InputError, or times that ascend from 0 and can be written so that they read back
// the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/load/arrivals.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stagemark;
  try {
    const OpenLoop trace = parse_trace({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    if (trace.scheduled.empty() || trace.scheduled.front() != Nanoseconds(0)) std::abort();
    if (!std::ranges::is_sorted(trace.scheduled)) std::abort();
    std::string text;
    for (const Nanoseconds at : trace.scheduled) text += decimal(std::chrono::duration<double>(at).count(), 9) + "\r\n";
    const OpenLoop again = parse_trace(text, "again.csv");
    if (again.scheduled.size() != trace.scheduled.size()) std::abort();
    for (std::size_t i = 0; i < again.scheduled.size(); ++i) {
      // Of a double, 10^7 s have a nanosecond and a half in their last digit.
      if (std::chrono::abs(again.scheduled[i] - trace.scheduled[i]) > Nanoseconds(8)) std::abort();
    }
  } catch (const InputError&) {
    // what is not a trace
  }
  return 0;
}
