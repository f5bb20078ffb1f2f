#include "stagemark/machine/environment.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <locale>
#include <map>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "compute_libraries.hpp"
#include "cpu_allowance.hpp"
#include "cpu_frequency.hpp"
#include "machine_files.hpp"
#include "stagemark/core/sha256.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

constexpr const char* cpuinfo_file = "proc/cpuinfo";
constexpr const char* not_measured = "nothing was measured";

OrReason<std::string> or_unreadable(std::optional<std::string> value, const char* file) {
  return OrReason<std::string>::of(std::move(value), std::string("/").append(file).append(" does not tell"));
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

/// Features by their names in /proc/cpuinfo, for x86 and ARM.
std::vector<std::string> instruction_sets(std::string_view cpuinfo) {
  constexpr std::array interesting = {"sse4_2",   "avx",      "avx2",     "fma",         "f16c",        "avx_vnni",
                                      "avx512f",  "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
                                      "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",    "asimd",       "asimdhp",
                                      "asimddp",  "i8mm",     "bf16",     "sve",         "sve2",        "sme"};
  const auto listed = value_of(cpuinfo, "flags", ':');
  const std::vector<std::string> all =
      words_of(listed ? *listed : value_of(cpuinfo, "Features", ':').value_or(std::string()));
  std::vector<std::string> found;
  for (const char* name : interesting) {
    if (std::ranges::find(all, name) != all.end()) found.emplace_back(name);
  }
  return found;
}

std::size_t logical_cpus(std::string_view cpuinfo) {
  std::size_t count = 0;
  for (const std::string_view line : lines_of(cpuinfo)) {
    count += static_cast<std::size_t>(trimmed(line.substr(0, line.find(':'))) == "processor");
  }
  return count > 0 ? count : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
}

/// Package and core of each CPU that is online, as far as /proc/cpuinfo tells.
using CoresByCpu = std::map<std::size_t, std::pair<std::string, std::string>>;

CoresByCpu cores_by_cpu(std::string_view cpuinfo) {
  CoresByCpu cores;
  std::optional<unsigned long long> cpu;
  std::string package;
  for (const std::string_view line : lines_of(cpuinfo)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, colon));
    const std::string value(trimmed(line.substr(colon + 1)));
    if (name == "processor") cpu = number_in(value);
    if (name == "physical id") package = value;
    if (name == "core id" && cpu) cores.try_emplace(*cpu, package, value);
  }
  return cores;
}

/// Different cores among those of the CPUs; of all CPUs where none are given.
OrReason<std::size_t> core_count(const CoresByCpu& cores, const std::vector<std::size_t>& cpus) {
  std::set<std::pair<std::string, std::string>> different;
  for (const auto& [cpu, core] : cores) {
    if (cpus.empty() || std::ranges::find(cpus, cpu) != cpus.end()) different.insert(core);
  }
  if (different.empty()) return OrReason<std::size_t>::absent("/proc/cpuinfo does not tell");
  return different.size();
}

OrReason<bool> smt(const fs::path& root, const CpuEnvironment& cpu) {
  if (const auto active = read_line(root / "sys/devices/system/cpu/smt/active")) return *active == "1";
  if (cpu.physical_cores) return cpu.logical_cpus > *cpu.physical_cores;
  return OrReason<bool>::absent("neither /sys nor /proc/cpuinfo tells");
}

OrReason<bool> turbo(const fs::path& root) {
  if (const auto off = read_line(root / "sys/devices/system/cpu/intel_pstate/no_turbo")) return *off == "0";
  if (const auto on = read_line(root / "sys/devices/system/cpu/cpufreq/boost")) return *on == "1";
  return OrReason<bool>::absent("the frequency driver does not tell");
}

OrReason<std::array<double, 3>> load_average(const fs::path& root) {
  const auto line = read_line(root / "proc/loadavg");
  std::array<double, 3> load{};
  std::istringstream in(line.value_or(std::string()));
  in.imbue(std::locale::classic());
  if (in >> load[0] >> load[1] >> load[2]) return load;
  return OrReason<std::array<double, 3>>::absent("/proc/loadavg does not tell");
}

/// Nodes that have CPUs: all of them, and those of the given CPUs.
std::pair<std::size_t, std::size_t> numa_nodes(const fs::path& root, const std::vector<std::size_t>& cpus) {
  std::size_t all = 0;
  std::size_t used = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root / "sys/devices/system/node", error)) {
    if (!entry.path().filename().string().starts_with("node")) continue;
    const auto list = cpus_in_list(read_line(entry.path() / "cpulist").value_or(std::string()));
    if (!list) continue;  // memory alone
    ++all;
    used += static_cast<std::size_t>(
        std::ranges::any_of(*list, [&](std::size_t cpu) { return std::ranges::find(cpus, cpu) != cpus.end(); }));
  }
  return {all, used};
}

OrReason<std::size_t> count_or_unknown(std::size_t count) {
  if (count == 0) return OrReason<std::size_t>::absent("/sys/devices/system/node does not tell");
  return count;
}

OrReason<CpuFrequency> frequency_before(const fs::path& root) {
  const auto reading = read_frequency(root);
  if (!reading) return OrReason<CpuFrequency>::absent("neither /sys nor /proc/cpuinfo tells");
  CpuFrequency frequency;
  frequency.source = reading->source;
  frequency.before_mhz = reading->mhz;
  frequency.after_mhz = frequency.lowest_mhz = frequency.highest_mhz = OrReason<double>::absent(not_measured);
  return frequency;
}

CpuEnvironment cpu_environment(const fs::path& root) {
  const std::string cpuinfo = read_text(root / cpuinfo_file).value_or(std::string());
  auto model = value_of(cpuinfo, "model name", ':');
  if (!model) model = read_line(root / "sys/firmware/devicetree/base/model");
  auto vendor = value_of(cpuinfo, "vendor_id", ':');
  if (!vendor) vendor = value_of(cpuinfo, "CPU implementer", ':');

  CpuEnvironment cpu;
  cpu.model = or_unreadable(std::move(model), cpuinfo_file);
  cpu.vendor = or_unreadable(std::move(vendor), cpuinfo_file);
  cpu.logical_cpus = logical_cpus(cpuinfo);
  const CpuAllowance allowance = read_cpu_allowance(root);
  cpu.usable_cpus = allowance.usable();
  cpu.affinity_cpus = allowance.affinity;
  cpu.quota = OrReason<double>::of(allowance.quota, "no cgroup sets one");
  const CoresByCpu cores = cores_by_cpu(cpuinfo);
  cpu.physical_cores = core_count(cores, {});
  cpu.usable_cores = core_count(cores, allowance.cpus);
  const auto [nodes, usable_nodes] = numa_nodes(root, allowance.cpus);
  cpu.numa_nodes = count_or_unknown(nodes);
  cpu.usable_numa_nodes = count_or_unknown(usable_nodes);
  cpu.smt = smt(root, cpu);
  cpu.flags = instruction_sets(cpuinfo);
  constexpr const char* governor = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  cpu.governor = or_unreadable(read_line(root / governor), governor);
  cpu.turbo = turbo(root);
  cpu.load_average = load_average(root);
  cpu.load_average_after = OrReason<std::array<double, 3>>::absent(not_measured);
  cpu.frequency = frequency_before(root);
  return cpu;
}

/// The word in brackets: "always [madvise] never".
OrReason<std::string> chosen_word(const fs::path& root, const char* file) {
  const std::string line = read_line(root / file).value_or(std::string());
  const std::size_t open = line.find('[');
  const std::size_t close = line.find(']', std::min(open, line.size()));
  if (close == std::string::npos) return or_unreadable(std::nullopt, file);
  return line.substr(open + 1, close - open - 1);
}

MemoryEnvironment memory_environment(const fs::path& root) {
  const std::string meminfo = read_text(root / "proc/meminfo").value_or(std::string());
  const auto bytes = [&](std::string_view name) -> OrReason<std::uint64_t> {
    const auto value = value_of(meminfo, name, ':');
    const auto kibibytes = value ? number_in(*value) : std::nullopt;
    if (!kibibytes) return OrReason<std::uint64_t>::absent("/proc/meminfo does not tell");
    return std::uint64_t{*kibibytes * 1024};
  };
  return {.total_bytes = bytes("MemTotal"),
          .available_bytes = bytes("MemAvailable"),
          .transparent_huge_pages = chosen_word(root, "sys/kernel/mm/transparent_hugepage/enabled")};
}

bool virtualised(const fs::path& root) {
  const std::string cpuinfo = read_text(root / cpuinfo_file).value_or(std::string());
  const std::vector<std::string> flags = words_of(value_of(cpuinfo, "flags", ':').value_or(std::string()));
  if (std::ranges::find(flags, "hypervisor") != flags.end()) return true;
  std::error_code error;
  if (fs::exists(root / "sys/hypervisor/type", error)) return true;
  // ARM has no such flag; the firmware's tables name the machine.
  constexpr std::array machines = {
      "QEMU",     "KVM", "VMware", "VirtualBox", "Virtual Machine", "HVM domU", "Bochs", "Google Compute Engine",
      "OpenStack"};
  const std::string product = read_line(root / "sys/class/dmi/id/product_name").value_or(std::string());
  return std::ranges::any_of(machines, [&](const char* name) { return product.find(name) != std::string::npos; });
}

OrReason<std::string> address_randomisation(const fs::path& root) {
  constexpr const char* file = "proc/sys/kernel/randomize_va_space";
  constexpr std::array<const char*, 3> meaning = {"off", "without the heap", "full"};
  const auto level = number_in(read_line(root / file).value_or(std::string()));
  if (!level || *level >= meaning.size()) return or_unreadable(std::nullopt, file);
  return std::string(meaning.at(*level));
}

OsEnvironment os_environment(const fs::path& root) {
  constexpr const char* release_file = "etc/os-release";
  constexpr const char* kernel_file = "proc/sys/kernel/osrelease";
  const std::string release = read_text(root / release_file).value_or(std::string());
  const auto unquoted = [&](std::string_view name) {
    auto value = value_of(release, name, '=');
    if (value) std::erase_if(*value, [](char character) { return character == '"' || character == '\''; });
    return or_unreadable(std::move(value), release_file);
  };
  return {.name = unquoted("NAME"),
          .version = unquoted("VERSION_ID"),
          .kernel = or_unreadable(read_line(root / kernel_file), kernel_file),
          .virtualised = virtualised(root),
          .address_randomisation = address_randomisation(root)};
}

/// What the findings say that a reader of the table must know.
std::vector<std::string> warnings_of(const std::vector<Finding>& findings) {
  std::vector<std::string> warnings;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::information) continue;
    warnings.push_back(finding.sentence + "; " + finding.remedy);
  }
  return warnings;
}

void diagnose_again(Environment& environment) {
  environment.findings = diagnose(environment);
  environment.warnings = warnings_of(*environment.findings);
}

}  // namespace

Environment capture_environment(const EnvironmentContext& context, const fs::path& root) {
  Environment environment;
  environment.cpu = cpu_environment(root);
  environment.memory = memory_environment(root);
  environment.gpu = context.gpu;
  environment.os = os_environment(root);
  environment.libraries = context.libraries;
  environment.threads = context.threads;
  environment.build = context.build;
  environment.compute_libraries = compute_libraries(root, context.blas_file);
  environment.variables = compute_variables(root);
  environment.configuration = context.configuration;
  environment.fingerprint = fingerprint_of(environment);
  diagnose_again(environment);
  return environment;
}

MachineWatch::MachineWatch(Environment environment, fs::path root, std::string nvidia_library,
                           std::chrono::steady_clock::duration interval)
    : environment_(std::move(environment)),
      root_(std::move(root)),
      nvidia_library_(std::move(nvidia_library)),
      interval_(interval) {}

void MachineWatch::look() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  next_look_ = now + interval_;
  if (auto& frequency = environment_.cpu.frequency.value) {
    if (const auto reading = read_frequency(root_)) {
      frequency->lowest_mhz = std::min(reading->mhz, frequency->lowest_mhz.value.value_or(reading->mhz));
      frequency->highest_mhz = std::max(reading->mhz, frequency->highest_mhz.value.value_or(reading->mhz));
      ++frequency->readings;
    }
  }
  if (environment_.gpu.empty()) return;
  for (const GpuEnvironment& seen : nvidia_gpus(nvidia_library_)) {
    const auto gpu = std::ranges::find(environment_.gpu, seen.index, &GpuEnvironment::index);
    if (gpu == environment_.gpu.end() || !gpu->throttle_reasons || !seen.throttle_reasons) continue;
    for (const std::string& reason : *seen.throttle_reasons) {
      std::vector<std::string>& reasons = *gpu->throttle_reasons.value;
      if (std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(reason);
    }
  }
}

Environment MachineWatch::finish() {
  next_look_ = {};
  look();
  environment_.cpu.load_average_after = load_average(root_);
  if (auto& frequency = environment_.cpu.frequency.value) {
    if (const auto reading = read_frequency(root_)) frequency->after_mhz = reading->mhz;
  }
  diagnose_again(environment_);
  return environment_;
}

std::string fingerprint_of(const Environment& environment) {
  // One fact a line; a fact that is unknown counts as such.
  std::string facts;
  const auto add = [&](std::string_view name, const std::string& value) {
    facts.append(name).append("=").append(value).append("\n");
  };
  const auto known = [](const OrReason<std::string>& value) { return value ? *value : std::string("?"); };
  add("cpu", known(environment.cpu.model));
  add("usable_cpus", std::to_string(environment.cpu.usable_cpus));
  for (const auto& [purpose, count] : environment.threads) add("threads " + purpose, std::to_string(count));
  for (const GpuEnvironment& gpu : environment.gpu) add("gpu", gpu.model + " " + known(gpu.driver));
  add("virtualised", environment.os.virtualised ? "yes" : "no");
  add("os", known(environment.os.name) + " " + known(environment.os.version));

  Sha256 hash;
  hash.update(std::as_bytes(std::span(facts)));
  constexpr std::size_t digits = 16;
  return hash.finish().substr(0, digits);
}

EnvironmentContext context_of_this_process() {
  EnvironmentContext context;
  context.gpu = nvidia_gpus();
  context.build = this_build();
  context.blas_file = blas_file_in_use();
  return context;
}

}  // namespace stagemark
