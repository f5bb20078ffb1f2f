#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace stagemark {

/// The clock of the fastest CPU that the process may use: the one that computes, or did a moment ago.
struct FrequencyReading {
  std::string source;  ///< the file that told
  double mhz = 0;
};

/// From the frequency driver, else from /proc/cpuinfo; absent where neither tells.
std::optional<FrequencyReading> read_frequency(const std::filesystem::path& root);

}  // namespace stagemark
