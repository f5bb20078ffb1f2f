#include "cpu_frequency.hpp"

#include <algorithm>
#include <locale>
#include <sstream>
#include <string_view>
#include <vector>

#include "cpu_allowance.hpp"
#include "machine_files.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

/// The driver's figure is in kHz.
double highest_of_driver(const fs::path& root, const std::vector<std::size_t>& cpus) {
  double highest = 0;
  for (const std::size_t cpu : cpus) {
    const fs::path file = root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "cpufreq/scaling_cur_freq";
    const auto kilohertz = number_in(read_line(file).value_or(std::string()));
    if (kilohertz) highest = std::max(highest, static_cast<double>(*kilohertz) / 1000);
  }
  return highest;
}

double highest_of_cpuinfo(const fs::path& root, const std::vector<std::size_t>& cpus) {
  double highest = 0;
  bool usable = true;
  const std::string cpuinfo = read_text(root / "proc/cpuinfo").value_or(std::string());
  for (const std::string_view line : lines_of(cpuinfo)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, colon));
    const std::string_view value = line.substr(colon + 1);
    if (name == "processor") {
      const auto cpu = number_in(value);
      usable = cpus.empty() || (cpu && std::ranges::find(cpus, *cpu) != cpus.end());
    } else if (name == "cpu MHz" && usable) {
      std::istringstream in{std::string(value)};
      in.imbue(std::locale::classic());
      double mhz = 0;
      if (in >> mhz) highest = std::max(highest, mhz);
    }
  }
  return highest;
}

}  // namespace

std::optional<FrequencyReading> read_frequency(const fs::path& root) {
  const std::vector<std::size_t> cpus = read_cpu_allowance(root).cpus;
  if (const double mhz = highest_of_driver(root, cpus); mhz > 0) return FrequencyReading{"scaling_cur_freq", mhz};
  if (const double mhz = highest_of_cpuinfo(root, cpus); mhz > 0) return FrequencyReading{"/proc/cpuinfo", mhz};
  return std::nullopt;
}

}  // namespace stagemark
