#pragma once

#include <filesystem>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "stagemark/machine/environment.hpp"

namespace stagemark::testing {

/// Two cores with two threads each, of a machine made of files.
class MadeMachine {
 public:
  MadeMachine() {
    std::string cpuinfo;
    for (int cpu = 0; cpu < 4; ++cpu) {
      cpuinfo += "processor\t: " + std::to_string(cpu) +
                 "\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Platinum 8481C\nphysical id\t: 0\n"
                 "cpu MHz\t\t: 2700.000\ncore id\t\t: " +
                 std::to_string(cpu / 2) + "\nflags\t\t: fpu sse4_2 avx2 avx512f avx512_vnni amx_int8\n\n";
    }
    set("proc/cpuinfo", cpuinfo);
    set("proc/loadavg", "0.10 0.20 0.30 1/100 4242\n");
    set("proc/meminfo", "MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:    8388608 kB\n");
    set("proc/self/status", "Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n");
    set("proc/self/cgroup", "0::/\n");
    set("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    set("etc/os-release",
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n");
    set("proc/sys/kernel/randomize_va_space", "2\n");
    set("proc/self/maps", "7f00-7f01 r-xp 0 fd:00 1 /usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3\n");
    set("proc/self/environ", "HOME=/root");
    set("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    set("sys/devices/system/node/node0/cpulist", "0-3\n");
    set("sys/devices/system/cpu/smt/active", "1\n");
    set("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
    set("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  }

  void set(const std::string& file, const std::string& text) { root_.write(file, text); }
  void remove(const std::string& file) { std::filesystem::remove_all(root_.path() / file); }
  [[nodiscard]] const std::filesystem::path& root() const { return root_.path(); }
  [[nodiscard]] Environment captured(const EnvironmentContext& context = {}) const {
    return capture_environment(context, root());
  }

 private:
  TemporaryDirectory root_;
};

}  // namespace stagemark::testing
