#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/machine/environment.hpp"

namespace stagemark {
namespace {

/// The part of NVIDIA's management library (NVML, nvml.h) that is needed here, loaded at run time: it comes with the
/// driver, so that it is there exactly where there is something to ask.
class ManagementLibrary {
 public:
  using Device = void*;
  struct Memory {
    unsigned long long total, free, used;
  };
  struct Process {
    unsigned pid;
    unsigned long long used_memory;
    unsigned gpu_instance, compute_instance;
  };

  explicit ManagementLibrary(const std::string& file) : library_(dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL)) {
    using Call = int();
    ready_ = library_ && invoke<Call>("nvmlInit_v2");
  }
  ManagementLibrary(const ManagementLibrary&) = delete;
  ManagementLibrary& operator=(const ManagementLibrary&) = delete;
  ~ManagementLibrary() {
    using Call = int();
    if (ready_) (void)invoke<Call>("nvmlShutdown");
  }

  [[nodiscard]] unsigned device_count() const {
    using Call = int(unsigned*);
    unsigned count = 0;
    return ready_ && invoke<Call>("nvmlDeviceGetCount_v2", &count) ? count : 0;
  }

  [[nodiscard]] OrReason<std::string> driver() const {
    using Call = int(char*, unsigned);
    std::array<char, 96> text{};
    if (!invoke<Call>("nvmlSystemGetDriverVersion", text.data(), static_cast<unsigned>(text.size()))) return not_told();
    return std::string(text.data());
  }

  [[nodiscard]] Device device(unsigned index) const {
    using Call = int(unsigned, Device*);
    Device device = nullptr;
    return invoke<Call>("nvmlDeviceGetHandleByIndex_v2", index, &device) ? device : nullptr;
  }

  [[nodiscard]] std::string model(Device device) const {
    using Call = int(Device, char*, unsigned);
    std::array<char, 128> text{};
    if (!invoke<Call>("nvmlDeviceGetName", device, text.data(), static_cast<unsigned>(text.size()))) return "unknown";
    return text.data();
  }

  /// All of it, and what is in use.
  [[nodiscard]] std::pair<OrReason<std::uint64_t>, OrReason<std::uint64_t>> memory_bytes(Device device) const {
    using Call = int(Device, Memory*);
    Memory memory{};
    if (!invoke<Call>("nvmlDeviceGetMemoryInfo", device, &memory)) {
      return {OrReason<std::uint64_t>::absent(silence), OrReason<std::uint64_t>::absent(silence)};
    }
    return {std::uint64_t{memory.total}, std::uint64_t{memory.used}};
  }

  [[nodiscard]] GpuClocks clocks(Device device) const {
    const auto ask = [&](const char* function, int kind) {
      using Call = int(Device, int, unsigned*);
      unsigned megahertz = 0;
      return invoke<Call>(function, device, kind, &megahertz) ? OrReason<std::size_t>(megahertz)
                                                              : OrReason<std::size_t>::absent(silence);
    };
    constexpr int sm = 1;
    constexpr int memory = 2;
    return {.sm_mhz = ask("nvmlDeviceGetClockInfo", sm),
            .memory_mhz = ask("nvmlDeviceGetClockInfo", memory),
            .max_sm_mhz = ask("nvmlDeviceGetMaxClockInfo", sm),
            .max_memory_mhz = ask("nvmlDeviceGetMaxClockInfo", memory),
            .application_sm_mhz = ask("nvmlDeviceGetApplicationsClock", sm),
            .application_memory_mhz = ask("nvmlDeviceGetApplicationsClock", memory)};
  }

  [[nodiscard]] OrReason<std::vector<std::string>> throttle_reasons(Device device) const {
    using Call = int(Device, unsigned long long*);
    constexpr std::array names = {"gpu_idle",
                                  "applications_clocks_setting",
                                  "sw_power_cap",
                                  "hw_slowdown",
                                  "sync_boost",
                                  "sw_thermal_slowdown",
                                  "hw_thermal_slowdown",
                                  "hw_power_brake_slowdown",
                                  "display_clock_setting"};
    unsigned long long bits = 0;
    // The newer name is tried first, because the older one is to be removed.
    if (!invoke<Call>("nvmlDeviceGetCurrentClocksEventReasons", device, &bits) &&
        !invoke<Call>("nvmlDeviceGetCurrentClocksThrottleReasons", device, &bits)) {
      return OrReason<std::vector<std::string>>::absent(silence);
    }
    std::vector<std::string> reasons;
    for (std::size_t bit = 0; bit < names.size(); ++bit) {
      if ((bits >> bit & 1U) != 0) reasons.emplace_back(names.at(bit));
    }
    return reasons;
  }

  [[nodiscard]] OrReason<bool> persistence(Device device) const {
    using Call = int(Device, int*);
    int mode = 0;
    if (!invoke<Call>("nvmlDeviceGetPersistenceMode", device, &mode)) return OrReason<bool>::absent(silence);
    return mode != 0;
  }

  /// The present state of a mode, which a change affects only at the next reset.
  template <class Mode>
  [[nodiscard]] OrReason<bool> current_mode(const char* function, Device device) const {
    using Call = int(Device, Mode*, Mode*);
    Mode current = 0;
    Mode pending = 0;
    if (!invoke<Call>(function, device, &current, &pending)) return OrReason<bool>::absent(silence);
    return current != 0;
  }
  [[nodiscard]] OrReason<bool> ecc(Device device) const { return current_mode<int>("nvmlDeviceGetEccMode", device); }
  [[nodiscard]] OrReason<bool> mig(Device device) const {
    return current_mode<unsigned>("nvmlDeviceGetMigMode", device);
  }

  [[nodiscard]] OrReason<std::size_t> other_processes(Device device) const {
    using Call = int(Device, unsigned*, Process*);
    std::array<Process, 256> processes{};
    auto count = static_cast<unsigned>(processes.size());
    if (!invoke<Call>("nvmlDeviceGetComputeRunningProcesses_v3", device, &count, processes.data()) &&
        !invoke<Call>("nvmlDeviceGetComputeRunningProcesses_v2", device, &count, processes.data())) {
      return OrReason<std::size_t>::absent(silence);
    }
    const auto own = static_cast<unsigned>(getpid());
    const auto listed = std::span(processes).first(std::min<std::size_t>(count, processes.size()));
    return static_cast<std::size_t>(
        std::ranges::count_if(listed, [&](const Process& process) { return process.pid != own; }));
  }

  [[nodiscard]] NamedValues<std::string> details(Device device) const {
    using Call = int(Device, int*, int*);
    int major = 0;
    int minor = 0;
    if (!invoke<Call>("nvmlDeviceGetCudaComputeCapability", device, &major, &minor)) return {};
    return {{"compute_capability", std::to_string(major) + "." + std::to_string(minor)}};
  }

 private:
  struct Close {
    void operator()(void* library) const { dlclose(library); }
  };
  static constexpr const char* silence = "the driver does not tell";

  static OrReason<std::string> not_told() { return OrReason<std::string>::absent(silence); }

  /// Whether there is such a function and it succeeded.
  template <class Call, class... Arguments>
  [[nodiscard]] bool invoke(const char* name, Arguments... arguments) const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how POSIX hands out functions
    auto* const function = reinterpret_cast<Call*>(dlsym(library_.get(), name));
    return function != nullptr && function(arguments...) == 0;
  }

  std::unique_ptr<void, Close> library_;
  bool ready_ = false;
};

}  // namespace

std::vector<GpuEnvironment> nvidia_gpus(const std::string& library) {
  const ManagementLibrary driver(library);
  std::vector<GpuEnvironment> gpus;
  for (unsigned index = 0; index < driver.device_count(); ++index) {
    auto* const device = driver.device(index);
    // A device that is another user's or has left the bus is passed over: nothing can be measured on it.
    if (device == nullptr) continue;
    auto [memory, used] = driver.memory_bytes(device);
    gpus.push_back({.index = index,
                    .model = driver.model(device),
                    .driver = driver.driver(),
                    .memory_bytes = std::move(memory),
                    .details = driver.details(device),
                    .memory_used_bytes = std::move(used),
                    .clocks = driver.clocks(device),
                    .throttle_reasons = driver.throttle_reasons(device),
                    .persistence = driver.persistence(device),
                    .ecc = driver.ecc(device),
                    .mig = driver.mig(device),
                    .other_processes = driver.other_processes(device)});
  }
  return gpus;
}

}  // namespace stagemark
