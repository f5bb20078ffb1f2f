#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/core/or_reason.hpp"
#include "stagemark/machine/finding.hpp"

namespace stagemark {

/// Values by name, in the order to show them. A JSON object.
template <class T>
using NamedValues = std::vector<std::pair<std::string, T>>;

/// The clock of the fastest CPU that the process may use: the others may well be asleep.
struct CpuFrequency {
  std::string source;  ///< the file that tells
  double before_mhz = 0;
  OrReason<double> after_mhz;
  OrReason<double> lowest_mhz;   ///< between turns
  OrReason<double> highest_mhz;  ///< between turns
  std::size_t readings = 0;      ///< between turns

  bool operator==(const CpuFrequency&) const = default;
};

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
  OrReason<std::array<double, 3>> load_average;  ///< 1, 5 and 15 minutes, before
  OrReason<std::array<double, 3>> load_average_after;
  OrReason<std::size_t> affinity_cpus;      ///< what affinity alone leaves
  OrReason<std::size_t> usable_cores;       ///< that these share
  OrReason<double> quota;                   ///< CPUs' worth of time that a cgroup allows
  OrReason<std::size_t> numa_nodes;         ///< of the machine
  OrReason<std::size_t> usable_numa_nodes;  ///< to which the CPUs of the affinity mask belong
  OrReason<CpuFrequency> frequency;

  bool operator==(const CpuEnvironment&) const = default;
};

struct MemoryEnvironment {
  OrReason<std::uint64_t> total_bytes;
  OrReason<std::uint64_t> available_bytes;
  OrReason<std::string> transparent_huge_pages;  ///< "always", "madvise" or "never"

  bool operator==(const MemoryEnvironment&) const = default;
};

/// Clocks of a GPU in MHz.
struct GpuClocks {
  OrReason<std::size_t> sm_mhz;
  OrReason<std::size_t> memory_mhz;
  OrReason<std::size_t> max_sm_mhz;
  OrReason<std::size_t> max_memory_mhz;
  OrReason<std::size_t> application_sm_mhz;  ///< asked for by its administrator
  OrReason<std::size_t> application_memory_mhz;

  bool operator==(const GpuClocks&) const = default;
};

/// One accelerator; filled by whoever can ask its driver.
struct GpuEnvironment {
  std::size_t index = 0;
  std::string model;
  OrReason<std::string> driver;
  OrReason<std::uint64_t> memory_bytes;
  NamedValues<std::string> details;  ///< compute capability and the like
  OrReason<std::uint64_t> memory_used_bytes = {};
  OrReason<GpuClocks> clocks = {};
  OrReason<std::vector<std::string>> throttle_reasons = {};  ///< seen now or between turns
  OrReason<bool> persistence = {};                           ///< the driver stays loaded while nobody uses the GPU
  OrReason<bool> ecc = {};
  OrReason<bool> mig = {};                     ///< cut into instances
  OrReason<std::size_t> other_processes = {};  ///< that compute on it

  bool operator==(const GpuEnvironment&) const = default;
};

struct OsEnvironment {
  OrReason<std::string> name;                   ///< e.g. "Debian GNU/Linux"
  OrReason<std::string> version;                ///< e.g. "12"
  OrReason<std::string> kernel;                 ///< release, e.g. "6.1.0-18-amd64"
  bool virtualised = false;                     ///< a hypervisor shows itself
  OrReason<std::string> address_randomisation;  ///< "off", "without the heap" or "full"

  bool operator==(const OsEnvironment&) const = default;
};

/// How this program was compiled.
struct BuildEnvironment {
  std::string compiler;
  bool optimised = false;
  bool assertions = false;
  std::string sanitizers;  ///< empty where there are none

  bool operator==(const BuildEnvironment&) const = default;
};

/// Libraries that decide how fast a network computes, as this process has loaded them: files, links resolved.
struct ComputeLibraries {
  OrReason<std::string> blas;       ///< the implementation, e.g. "OpenBLAS", "reference"
  OrReason<std::string> blas_file;  ///< that provides `sgemm_`
  std::vector<std::string> files;   ///< all BLAS, LAPACK, OpenMP and oneDNN libraries

  bool operator==(const ComputeLibraries&) const = default;
};

/// Where a run took place. Libraries are the subject of a comparison, not part of the machine.
struct Environment {
  CpuEnvironment cpu;
  MemoryEnvironment memory;
  std::vector<GpuEnvironment> gpu;
  OsEnvironment os;
  NamedValues<std::string> libraries;  ///< version by name
  NamedValues<std::size_t> threads;    ///< thread counts by purpose, e.g. "network", "preprocessing"
  std::vector<std::string>
      warnings;             ///< what may spoil a measurement here: the findings that are more than information
  std::string fingerprint;  ///< `fingerprint_of` this machine
  OrReason<BuildEnvironment> build;
  OrReason<ComputeLibraries> compute_libraries;
  OrReason<NamedValues<std::string>> variables;  ///< that steer those libraries, those that are set
  /// What each engine says of its runtime.
  OrReason<NamedValues<NamedValues<std::string>>> configuration;
  OrReason<std::vector<Finding>> findings;  ///< `diagnose` of all this

  bool operator==(const Environment&) const = default;
};

/// What only the caller knows of the place.
struct EnvironmentContext {
  std::vector<GpuEnvironment> gpu;
  NamedValues<std::string> libraries;
  NamedValues<std::size_t> threads;
  OrReason<BuildEnvironment> build = {};
  OrReason<std::string> blas_file = {};
  OrReason<NamedValues<NamedValues<std::string>>> configuration = {};
};

/// Reads the machine from /proc and /sys, and diagnoses it. What cannot be read is absent with the reason; nothing
/// throws for it. \param root stands for `/`, so that a test can show another machine
Environment capture_environment(const EnvironmentContext& context, const std::filesystem::path& root = "/");

inline constexpr const char* default_nvidia_library = "libnvidia-ml.so.1";

/// The NVIDIA GPUs that their driver tells of, in its order; none where there is no driver.
/// \param library NVIDIA's management library, loaded at run time
std::vector<GpuEnvironment> nvidia_gpus(const std::string& library = default_nvidia_library);

/// How the library was compiled, which is how the program was.
BuildEnvironment this_build();

/// The file from which this process has its BLAS: whoever provides `sgemm_` to all.
OrReason<std::string> blas_file_in_use();

/// What this process can tell of itself: GPUs, build, BLAS. Libraries and threads are the caller's to add.
EnvironmentContext context_of_this_process();

/// Looks at what changes while a run lasts. Never inside a measurement: between turns.
class MachineWatch {
 public:
  /// \param environment as it was captured before the run
  /// \param interval least time between two looks; more frequent ones are skipped
  explicit MachineWatch(Environment environment, std::filesystem::path root = "/",
                        std::string nvidia_library = default_nvidia_library,
                        std::chrono::steady_clock::duration interval = std::chrono::seconds(1));

  void look();

  /// The environment with what was seen, diagnosed again. Called once, after the run.
  [[nodiscard]] Environment finish();

 private:
  Environment environment_;
  std::filesystem::path root_;
  std::string nvidia_library_;
  std::chrono::steady_clock::duration interval_;
  std::chrono::steady_clock::time_point next_look_{};
};

/// CPUs that this process may use at once: its affinity mask, cut by the CPU quota of its cgroup (v1 or v2)
/// and of the cgroups above it, rounded down (more threads than the quota feeds are stopped again and again).
/// At least 1.
std::size_t usable_cpus(const std::filesystem::path& root = "/");

/// First 16 hexadecimal digits of the SHA-256 over what makes two machines comparable: CPU model, usable
/// CPUs, threads, GPU models and drivers, virtualised or not, OS name and version. Libraries, model and tool
/// do not count.
std::string fingerprint_of(const Environment& environment);

}  // namespace stagemark
