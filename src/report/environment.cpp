#include "stagemark/report/environment.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <locale>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <thread>

#include "cpu_allowance.hpp"
#include "machine_files.hpp"
#include "stagemark/core/sha256.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

constexpr const char* cpuinfo_file = "proc/cpuinfo";

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

OrReason<std::size_t> physical_cores(std::string_view cpuinfo) {
  std::set<std::pair<std::string, std::string>> cores;
  std::string package;
  for (const std::string_view line : lines_of(cpuinfo)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, colon));
    const std::string value(trimmed(line.substr(colon + 1)));
    if (name == "physical id") package = value;
    if (name == "core id") cores.emplace(package, value);
  }
  if (cores.empty()) return OrReason<std::size_t>::absent("/proc/cpuinfo does not tell");
  return cores.size();
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
  cpu.usable_cpus = usable_cpus(root);
  cpu.physical_cores = physical_cores(cpuinfo);
  cpu.smt = smt(root, cpu);
  cpu.flags = instruction_sets(cpuinfo);
  constexpr const char* governor = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  cpu.governor = or_unreadable(read_line(root / governor), governor);
  cpu.turbo = turbo(root);
  cpu.load_average = load_average(root);
  return cpu;
}

MemoryEnvironment memory_environment(const fs::path& root) {
  const std::string meminfo = read_text(root / "proc/meminfo").value_or(std::string());
  const auto bytes = [&](std::string_view name) -> OrReason<std::uint64_t> {
    const auto value = value_of(meminfo, name, ':');
    const auto kibibytes = value ? number_in(*value) : std::nullopt;
    if (!kibibytes) return OrReason<std::uint64_t>::absent("/proc/meminfo does not tell");
    return std::uint64_t{*kibibytes * 1024};
  };
  return {.total_bytes = bytes("MemTotal"), .available_bytes = bytes("MemAvailable")};
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
          .virtualised = virtualised(root)};
}

std::string shown(double value) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(3);
  out << value;
  return out.str();
}

std::vector<std::string> warnings_of(const Environment& environment, const CpuAllowance& allowance) {
  // From here on, a benchmark that uses every CPU meets the other work on one of them much of the time.
  constexpr double busy_share = 0.25;
  std::vector<std::string> warnings;
  const CpuEnvironment& cpu = environment.cpu;
  const std::string usable = std::to_string(cpu.usable_cpus);
  if (cpu.load_average && cpu.load_average->front() >= busy_share * static_cast<double>(cpu.usable_cpus)) {
    warnings.push_back("the load average is " + shown(cpu.load_average->front()) + " on " + usable +
                       " usable CPUs: other work disturbs the times; stop it or wait");
  }
  if (cpu.governor && *cpu.governor != "performance") {
    warnings.push_back("the CPU frequency governor is '" + *cpu.governor +
                       "': times change with the load; set it to 'performance'");
  }
  if (allowance.quota && *allowance.quota < static_cast<double>(allowance.affinity)) {
    warnings.push_back("a cgroup quota of " + shown(*allowance.quota) +
                       " CPUs stops the process when it is used up, so that the slowest times are the quota's; give "
                       "whole CPUs by affinity instead");
  }
  for (const auto& [purpose, count] : environment.threads) {
    if (count <= cpu.usable_cpus) continue;
    std::string& warning = warnings.emplace_back(std::to_string(count));
    warning.append(" threads (").append(purpose).append(") share ").append(usable);
    warning.append(" usable CPUs: use no more than there are");
  }
  return warnings;
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
  environment.warnings = warnings_of(environment, read_cpu_allowance(root));
  environment.fingerprint = fingerprint_of(environment);
  return environment;
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

}  // namespace stagemark
