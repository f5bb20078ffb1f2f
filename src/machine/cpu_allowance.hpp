#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

namespace stagemark {

/// What of the machine's processors is left to this process.
struct CpuAllowance {
  std::size_t affinity = 1;       ///< how many CPUs it may run on
  std::vector<std::size_t> cpus;  ///< which; empty where it is not known
  std::optional<double> quota;    ///< CPU seconds per second, where a cgroup limits them
  /// The smaller of both, rounded down, at least 1.
  [[nodiscard]] std::size_t usable() const;
};

CpuAllowance read_cpu_allowance(const std::filesystem::path& root);

}  // namespace stagemark
