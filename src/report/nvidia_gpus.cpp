#include <dlfcn.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "stagemark/report/environment.hpp"

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

  [[nodiscard]] OrReason<std::uint64_t> memory_bytes(Device device) const {
    using Call = int(Device, Memory*);
    Memory memory{};
    if (!invoke<Call>("nvmlDeviceGetMemoryInfo", device, &memory)) return OrReason<std::uint64_t>::absent(silence);
    return std::uint64_t{memory.total};
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
    // Of another user, or fallen off the bus: not one to measure on.
    if (device == nullptr) continue;
    gpus.push_back({index, driver.model(device), driver.driver(), driver.memory_bytes(device), driver.details(device)});
  }
  return gpus;
}

}  // namespace stagemark
