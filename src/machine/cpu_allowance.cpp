#include "cpu_allowance.hpp"

#include <algorithm>
#include <cmath>
#include <thread>

#include "machine_files.hpp"
#include "stagemark/machine/environment.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

/// The CPUs that the process may run on; empty where that is not told.
std::vector<std::size_t> affinity(const fs::path& root) {
  const auto status = read_text(root / "proc/self/status");
  const auto list = status ? value_of(*status, "Cpus_allowed_list", ':') : std::nullopt;
  return list ? cpus_in_list(*list).value_or(std::vector<std::size_t>()) : std::vector<std::size_t>();
}

std::optional<double> ratio(const std::optional<unsigned long long>& quota,
                            const std::optional<unsigned long long>& period) {
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

/// cgroup v2: `cpu.max` holds "QUOTA PERIOD" or "max PERIOD".
std::optional<double> unified_quota(const fs::path& group) {
  const auto line = read_line(group / "cpu.max");
  if (!line) return std::nullopt;
  const std::size_t space = line->find(' ');
  if (space == std::string::npos) return std::nullopt;
  return ratio(number_in(line->substr(0, space)), number_in(line->substr(space)));
}

/// cgroup v1: a quota of -1 is none.
std::optional<double> legacy_quota(const fs::path& group) {
  const auto quota = read_line(group / "cpu.cfs_quota_us");
  const auto period = read_line(group / "cpu.cfs_period_us");
  if (!quota || !period) return std::nullopt;
  return ratio(number_in(*quota), number_in(*period));
}

/// The smallest quota of the group and of all above it, up to where the hierarchy is mounted. In a container
/// the path may belong to the host: then the mount itself, which is the container's group, is all there is to
/// find.
template <class Quota>
std::optional<double> smallest_quota(const fs::path& mount, const fs::path& group, Quota quota_of) {
  std::optional<double> smallest;
  for (fs::path path = group.relative_path();; path = path.parent_path()) {
    const std::optional<double> quota = quota_of(mount / path);
    if (quota) smallest = std::min(*quota, smallest.value_or(*quota));
    if (path.empty()) return smallest;
  }
}

bool has_cpu_controller(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
  }
  return false;
}

std::optional<double> quota(const fs::path& root) {
  const fs::path mounts = root / "sys/fs/cgroup";
  std::optional<double> smallest;
  const auto consider = [&](std::optional<double> found) {
    if (found) smallest = std::min(*found, smallest.value_or(*found));
  };
  // Lines "HIERARCHY:CONTROLLERS:PATH"; the unified hierarchy is "0::PATH".
  const std::string groups = read_text(root / "proc/self/cgroup").value_or("0::/");
  for (const std::string_view line : lines_of(groups)) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const fs::path group(trimmed(line.substr(second + 1)));
    if (controllers.empty()) {
      consider(smallest_quota(mounts, group, unified_quota));
    } else if (has_cpu_controller(controllers)) {
      consider(smallest_quota(mounts / "cpu", group, legacy_quota));
      consider(smallest_quota(mounts / "cpu,cpuacct", group, legacy_quota));
    }
  }
  return smallest;
}

}  // namespace

std::size_t CpuAllowance::usable() const {
  if (!quota || *quota >= static_cast<double>(affinity)) return affinity;
  return std::max<std::size_t>(static_cast<std::size_t>(std::floor(*quota)), 1);
}

CpuAllowance read_cpu_allowance(const fs::path& root) {
  CpuAllowance allowance;
  allowance.cpus = affinity(root);
  // hardware_concurrency counts the affinity mask too.
  allowance.affinity =
      std::max<std::size_t>(allowance.cpus.empty() ? std::thread::hardware_concurrency() : allowance.cpus.size(), 1);
  allowance.quota = quota(root);
  return allowance;
}

std::size_t usable_cpus(const fs::path& root) { return read_cpu_allowance(root).usable(); }

}  // namespace stagemark
