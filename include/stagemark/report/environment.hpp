#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/report/or_reason.hpp"

namespace stagemark {

/// Values by name, in the order to show them. A JSON object.
template <class T>
using NamedValues = std::vector<std::pair<std::string, T>>;

/// The processor, as far as a measurement depends on it.
struct CpuEnvironment {
  OrReason<std::string> model;
  OrReason<std::string> vendor;
  std::size_t logical_cpus = 0;  ///< online
  std::size_t usable_cpus = 0;   ///< what affinity and cgroup quota leave to this process
  OrReason<std::size_t> physical_cores;
  OrReason<bool> smt;              ///< more than one hardware thread per core is online
  std::vector<std::string> flags;  ///< instruction sets that matter to inference, those that are there
  OrReason<std::string> governor;  ///< of CPU 0
  OrReason<bool> turbo;
  OrReason<std::array<double, 3>> load_average;  ///< 1, 5 and 15 minutes

  bool operator==(const CpuEnvironment&) const = default;
};

struct MemoryEnvironment {
  OrReason<std::uint64_t> total_bytes;
  OrReason<std::uint64_t> available_bytes;

  bool operator==(const MemoryEnvironment&) const = default;
};

/// One accelerator; filled by whoever can ask its driver.
struct GpuEnvironment {
  std::size_t index = 0;
  std::string model;
  OrReason<std::string> driver;
  OrReason<std::uint64_t> memory_bytes;
  NamedValues<std::string> details;  ///< compute capability, clocks and the like

  bool operator==(const GpuEnvironment&) const = default;
};

struct OsEnvironment {
  OrReason<std::string> name;     ///< e.g. "Debian GNU/Linux"
  OrReason<std::string> version;  ///< e.g. "12"
  OrReason<std::string> kernel;   ///< release, e.g. "6.1.0-18-amd64"
  bool virtualised = false;       ///< a hypervisor shows itself

  bool operator==(const OsEnvironment&) const = default;
};

/// Where a run took place. Libraries are the subject of a comparison, not part of the machine.
struct Environment {
  CpuEnvironment cpu;
  MemoryEnvironment memory;
  std::vector<GpuEnvironment> gpu;
  OsEnvironment os;
  NamedValues<std::string> libraries;  ///< version by name
  NamedValues<std::size_t> threads;    ///< thread counts by purpose, e.g. "network", "preprocessing"
  std::vector<std::string> warnings;   ///< what may spoil a measurement here
  std::string fingerprint;             ///< `fingerprint_of` this machine

  bool operator==(const Environment&) const = default;
};

/// What only the caller knows of the place.
struct EnvironmentContext {
  std::vector<GpuEnvironment> gpu;
  NamedValues<std::string> libraries;
  NamedValues<std::size_t> threads;
};

/// Reads the machine from /proc and /sys. What cannot be read is absent with the reason; nothing throws for
/// it. \param root stands for `/`, so that a test can show another machine
Environment capture_environment(const EnvironmentContext& context, const std::filesystem::path& root = "/");

/// The NVIDIA GPUs that their driver tells of, in its order; none where there is no driver.
/// \param library NVIDIA's management library, loaded at run time
std::vector<GpuEnvironment> nvidia_gpus(const std::string& library = "libnvidia-ml.so.1");

/// CPUs that this process may use at once: its affinity mask, cut by the CPU quota of its cgroup (v1 or v2)
/// and of the cgroups above it, rounded down (more threads than the quota feeds are stopped again and again).
/// At least 1.
std::size_t usable_cpus(const std::filesystem::path& root = "/");

/// First 16 hexadecimal digits of the SHA-256 over what makes two machines comparable: CPU model, usable
/// CPUs, threads, GPU models and drivers, virtualised or not, OS name and version. Libraries, model and tool
/// do not count.
std::string fingerprint_of(const Environment& environment);

}  // namespace stagemark
