#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stagemark/backend/runtime_configuration.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/machine/finding.hpp"

namespace stagemark {
namespace {

std::string shown(double value) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(3);
  out << value;
  return out.str();
}

std::string whole(double value) { return std::to_string(std::lround(value)); }

template <class Texts>
std::string joined(const Texts& texts) {
  std::string result;
  for (const std::string& text : texts) result += (result.empty() ? "" : ", ") + text;
  return result;
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

/// Looks at one part after the other and collects what it finds.
class Diagnosis {
 public:
  explicit Diagnosis(const Environment& environment) : environment_(environment) {
    for (const auto& [purpose, count] : environment.threads) threads_ = std::max(threads_, count);
  }

  std::vector<Finding> findings() && {
    look_at_libraries();
    look_at_build();
    look_at_variables();
    look_at_load();
    look_at_threads();
    look_at_frequency();
    look_at_memory();
    look_at_system();
    for (const GpuEnvironment& gpu : environment_.gpu) look_at_gpu(gpu);
    std::ranges::stable_sort(findings_, std::ranges::greater{}, &Finding::severity);
    return std::move(findings_);
  }

 private:
  void add(Severity severity, const char* id, std::string sentence, std::string remedy) {
    findings_.push_back({severity, id, std::move(sentence), std::move(remedy)});
  }

  void look_at_libraries() {
    if (!environment_.compute_libraries) return;
    const ComputeLibraries& libraries = *environment_.compute_libraries;
    if (libraries.blas && *libraries.blas == "reference" && !an_engine_brings_blas()) {
      // Measured: 775 ms an image with one thread, against 85 ms with OpenBLAS.
      add(Severity::problem, "reference_blas",
          "matrices are multiplied by the reference BLAS (" + *libraries.blas_file +
              "): a ResNet-50 takes nine times as long",
          "install libopenblas0-pthread, and see that 'update-alternatives --display libblas.so.3-" + architecture() +
              "' or LD_LIBRARY_PATH names no other");
    }
    std::vector<std::string> runtimes;
    for (const char* name : {"libgomp", "libomp", "libiomp5"}) {
      const bool loaded = std::ranges::any_of(libraries.files, [&](const std::string& file) {
        const std::string_view base = std::string_view(file).substr(file.rfind('/') + 1);
        return base.starts_with(name);
      });
      if (loaded) runtimes.emplace_back(name);
    }
    if (runtimes.size() > 1) {
      add(Severity::warning, "two_openmp",
          std::to_string(runtimes.size()) + " OpenMP runtimes are loaded (" + joined(runtimes) +
              "): each keeps threads of its own, and together they are more than there are CPUs",
          "build the engines against one of them, or measure each engine with a program of its own (`worker`)");
    }
  }

  [[nodiscard]] bool an_engine_brings_blas() const {
    if (!environment_.configuration) return false;
    return std::ranges::any_of(*environment_.configuration,
                               [](const auto& engine) { return from_names(engine.second).own_blas.has_value(); });
  }

  /// As Debian names it; Debian's path of the library has it.
  [[nodiscard]] std::string architecture() const {
    const std::string& file = *environment_.compute_libraries->blas_file;
    constexpr std::string_view ending = "-linux-gnu";
    const std::size_t end = file.find(ending);
    if (end == std::string::npos) return "x86_64-linux-gnu";
    const std::size_t begin = file.rfind('/', end) + 1;
    return file.substr(begin, end + ending.size() - begin);
  }

  void look_at_build() {
    if (environment_.build) {
      const BuildEnvironment& build = *environment_.build;
      if (!build.sanitizers.empty()) {
        add(Severity::problem, "debug_build", "stagemark was built with sanitizers (" + build.sanitizers + ")",
            "build it without: cmake --preset release");
      } else if (!build.optimised) {
        add(Severity::problem, "debug_build", "stagemark was built without optimisation",
            "build it with: cmake --preset release");
      } else if (build.assertions) {
        add(Severity::warning, "debug_build", "stagemark was built with assertions",
            "build it without: cmake --preset release");
      }
    }
    if (!environment_.configuration) return;
    for (const auto& [engine, facts] : *environment_.configuration) {
      if (from_names(facts).build_type != "Debug") continue;
      add(Severity::problem, "debug_build", "the runtime of " + engine + " is a debug build",
          "install its release build");
    }
  }

  [[nodiscard]] const std::string* variable(std::string_view name) const {
    if (!environment_.variables) return nullptr;
    const auto found = std::ranges::find(*environment_.variables, name, &std::pair<std::string, std::string>::first);
    return found == environment_.variables->end() ? nullptr : &found->second;
  }

  void look_at_variables() {
    if (!environment_.variables || environment_.variables->empty()) return;
    for (const char* name : {"ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"}) {
      const std::string* mode = variable(name);
      if (mode == nullptr || *mode == "STRICT" || *mode == "strict") continue;
      add(Severity::problem, "reduced_precision",
          std::string(name) + "=" + *mode + " lets oneDNN compute FP32 in fewer bits: FP32 is not what is measured",
          "unset it");
    }
    if (const std::string* tf32 = variable("NVIDIA_TF32_OVERRIDE"); tf32 != nullptr && *tf32 == "1") {
      add(Severity::problem, "reduced_precision",
          "NVIDIA_TF32_OVERRIDE=1 makes every FP32 product on the GPU one of TF32: FP32 is not what is measured",
          "unset it");
    }
    for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS",
                             "OPENBLAS_CORETYPE"}) {
      const std::string* limit = variable(name);
      if (limit == nullptr || *limit == "ALL" || *limit == "DEFAULT") continue;
      add(Severity::warning, "limited_instructions",
          std::string(name) + "=" + *limit + " keeps a library from the instruction sets that this CPU has",
          "unset it, unless that is what you measure");
    }
    for (const char* name : {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"}) {
      const std::string* text = variable(name);
      const auto count = text == nullptr ? std::nullopt : number(*text);
      if (!count || *count >= threads_) continue;
      add(Severity::warning, "thread_variable",
          std::string(name) + "=" + *text + " contradicts the " + std::to_string(threads_) +
              " threads asked for: which of them counts is each library's own choice",
          "unset it, or give `threads` " + *text);
    }
    std::vector<std::string> all;
    for (const auto& [name, value] : *environment_.variables) all.emplace_back(name).append("=").append(value);
    add(Severity::information, "variables", "variables that steer the libraries are set: " + joined(all),
        "set the same wherever you compare, or none");
  }

  void look_at_load() {
    // From a quarter of a CPU for each CPU in use, the benchmark meets the other work much of the time. What runs on
    // CPUs that the benchmark leaves free does not count.
    constexpr double busy_share = 0.25;
    const CpuEnvironment& cpu = environment_.cpu;
    const std::size_t used = threads_ == 0 ? cpu.usable_cpus : std::min(threads_, cpu.usable_cpus);
    const double bearable = static_cast<double>(cpu.usable_cpus - used) + busy_share * static_cast<double>(used);
    const std::string usable = std::to_string(cpu.usable_cpus);
    if (cpu.usable_cpus > 0 && cpu.load_average && cpu.load_average->front() >= bearable) {
      add(Severity::warning, "busy",
          "the load average is " + shown(cpu.load_average->front()) + " on " + usable +
              " usable CPUs: other work disturbs the times",
          "stop it or wait");
    }
    // Of that load the benchmark itself makes up no more than its threads, because one approach runs at a time.
    const auto own = static_cast<double>(threads_ == 0 ? cpu.usable_cpus : threads_);
    if (cpu.usable_cpus > 0 && cpu.load_average_after && cpu.load_average_after->front() >= own + bearable) {
      add(Severity::warning, "busy_during_run",
          "after the run the load average is " + shown(cpu.load_average_after->front()) + " on " + usable +
              " usable CPUs, more than the run itself makes: other work disturbed the times",
          "measure again when it is over");
    }
  }

  void look_at_threads() {
    const CpuEnvironment& cpu = environment_.cpu;
    if (cpu.quota && cpu.affinity_cpus && *cpu.quota < static_cast<double>(*cpu.affinity_cpus)) {
      add(Severity::warning, "cpu_quota",
          "a cgroup quota of " + shown(*cpu.quota) +
              " CPUs stops the process when it is used up, so that the slowest times are the quota's",
          "give whole CPUs by affinity instead (docker: --cpuset-cpus)");
    }
    for (const auto& [purpose, count] : environment_.threads) {
      if (count <= cpu.usable_cpus) continue;
      add(Severity::warning, "too_many_threads",
          std::to_string(count) + " threads (" + purpose + ") share " + std::to_string(cpu.usable_cpus) +
              " usable CPUs",
          "use no more than there are: `threads` " + std::to_string(cpu.usable_cpus));
    }
    if (cpu.usable_cores && threads_ > *cpu.usable_cores && threads_ <= cpu.usable_cpus) {
      add(Severity::warning, "shared_cores",
          std::to_string(threads_) + " threads share " + std::to_string(*cpu.usable_cores) +
              " cores (SMT): two on one core wait for one another's arithmetic",
          "give `threads` " + std::to_string(*cpu.usable_cores));
    }
    if (cpu.usable_numa_nodes && *cpu.usable_numa_nodes > 1) {
      add(Severity::warning, "numa",
          "the usable CPUs belong to " + std::to_string(*cpu.usable_numa_nodes) +
              " NUMA nodes: where memory lies is chance, and differs from process to process",
          "stay on one: numactl --cpunodebind=0 --membind=0 stagemark ...");
    }
    if (!cpu.flags.empty()) {
      std::string in_use;
      if (environment_.configuration) {
        for (const auto& [engine, facts] : *environment_.configuration) {
          const auto capability = from_names(facts).cpu_capability;
          if (capability) in_use.append("; ").append(engine).append("'s own kernels use ").append(*capability);
        }
      }
      add(Severity::information, "instruction_sets", "instruction sets: " + joined(cpu.flags) + in_use,
          "compare only with machines that have the same");
    }
  }

  void look_at_frequency() {
    const CpuEnvironment& cpu = environment_.cpu;
    if (cpu.governor && *cpu.governor != "performance") {
      add(Severity::warning, "governor",
          "the CPU frequency governor is '" + *cpu.governor + "': times change with the load",
          "set it to 'performance': cpupower frequency-set -g performance");
    }
    if (cpu.turbo && *cpu.turbo) {
      add(Severity::information, "turbo",
          "turbo is on: how far above its nominal frequency the CPU runs depends on its temperature and on what else "
          "runs",
          "for times that repeat turn it off: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 > "
          "/sys/devices/system/cpu/cpufreq/boost");
    }
    // 5 % is the gate's default margin: a clock that changes by more can decide by itself.
    constexpr double bearable = 0.05;
    if (!cpu.frequency || !cpu.frequency->lowest_mhz || !cpu.frequency->highest_mhz) return;
    const double lowest = *cpu.frequency->lowest_mhz;
    const double highest = *cpu.frequency->highest_mhz;
    const double drift = 1 - lowest / highest;
    if (drift <= bearable) return;
    add(Severity::warning, "frequency_drift",
        "during the run the CPU's clock went from " + whole(lowest) + " to " + whole(highest) + " MHz (" +
            shown(100 * drift) + " %)",
        "let it cool, turn turbo off, set the governor to 'performance'");
  }

  void look_at_memory() {
    // What the images of a round may take by default (256 MB), and twice a ResNet-50 with its activations.
    constexpr std::uint64_t enough = 1ULL << 30U;
    constexpr std::uint64_t mebibyte = 1ULL << 20U;
    const auto& available = environment_.memory.available_bytes;
    if (!available || *available >= enough) return;
    add(Severity::warning, "low_memory",
        std::to_string(*available / mebibyte) +
            " MB of memory are available: a process that is swapped out, or ended "
            "for want of memory, tells nothing",
        "close what uses it, or give less to images with `round_memory`");
  }

  void look_at_system() {
    if (environment_.os.virtualised) {
      const auto& frequency = environment_.cpu.frequency;
      const bool nominal = frequency && frequency->source == "/proc/cpuinfo";
      add(Severity::information, "virtualised",
          std::string("this is a virtual machine: others on the same host take time without showing") +
              (nominal ? ", and the clock of " + whole(frequency->before_mhz) +
                             " MHz that it is shown may be the nominal one, whatever the real one does"
                       : ""),
          "compare in turns, within one run; for times that repeat use a machine of your own");
    }
    if (environment_.os.address_randomisation && *environment_.os.address_randomisation != "off") {
      add(Severity::information, "aslr",
          "addresses are drawn anew for each process (ASLR): its memory layout makes a process a little faster or "
          "slower",
          "keep it on and let `processes` average over it");
    }
  }

  void look_at_gpu(const GpuEnvironment& gpu) {
    const std::string name = "GPU " + std::to_string(gpu.index) + " (" + gpu.model + ")";
    const std::string option = " -i " + std::to_string(gpu.index);
    if (gpu.throttle_reasons) {
      constexpr std::array slowing = {"sw_power_cap", "hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown",
                                      "hw_power_brake_slowdown"};
      std::vector<std::string> seen;
      for (const std::string& reason : *gpu.throttle_reasons) {
        if (std::ranges::find(slowing, reason) != slowing.end()) seen.push_back(reason);
      }
      if (!seen.empty()) {
        add(Severity::warning, "gpu_throttled", name + " runs below its clock: " + joined(seen),
            "cool it, raise its power limit, or lock a clock that it can hold: nvidia-smi" + option + " -lgc MHZ");
      }
    }
    if (gpu.persistence && !*gpu.persistence) {
      add(Severity::warning, "gpu_persistence",
          "persistence mode of " + name +
              " is off: the driver loads anew for the first process, and forgets its clocks",
          "nvidia-smi" + option + " -pm 1");
    }
    if (gpu.other_processes && *gpu.other_processes > 0) {
      add(Severity::warning, "gpu_shared",
          name + " is in use by " + std::to_string(*gpu.other_processes) +
              (*gpu.other_processes == 1 ? " other process" : " other processes"),
          "stop it, or use another GPU; nvidia-smi lists them");
    }
    if (gpu.mig && *gpu.mig) {
      add(Severity::information, "gpu_mig", name + " is cut into instances (MIG): an instance is measured, not the GPU",
          "compare only with instances of the same size");
    }
    if (gpu.ecc && *gpu.ecc) {
      add(Severity::information, "gpu_ecc",
          "memory of " + name + " is checked (ECC), which takes some bandwidth on GDDR",
          "compare only with GPUs that have it on, too");
    }
    look_at_gpu_clocks(gpu, name, option);
  }

  void look_at_gpu_clocks(const GpuEnvironment& gpu, const std::string& name, const std::string& option) {
    if (!gpu.clocks || !gpu.clocks->sm_mhz || !gpu.clocks->max_sm_mhz) return;
    // The driver does not tell whether the clock is locked; one that is limited by a setting says so.
    const bool set = gpu.throttle_reasons && std::ranges::find(*gpu.throttle_reasons, "applications_clocks_setting") !=
                                                 gpu.throttle_reasons->end();
    if (set) return;
    add(Severity::information, "gpu_clocks",
        "the clock of " + name + " is " + std::to_string(*gpu.clocks->sm_mhz) + " MHz now, and may go up to " +
            std::to_string(*gpu.clocks->max_sm_mhz) + " MHz",
        "for times that repeat lock it: nvidia-smi" + option + " -lgc MHZ (undone by -rgc)");
  }

  const Environment& environment_;
  std::size_t threads_ = 0;  ///< the most of any purpose
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> diagnose(const Environment& environment) { return Diagnosis(environment).findings(); }

}  // namespace stagemark
