#include "stagemark/machine/environment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "fakes/temporary_directory.hpp"
#include "machine/made_machine.hpp"

namespace stagemark {
namespace {

using namespace std::string_literals;
using testing::MadeMachine;

bool mentions(const std::vector<std::string>& texts, std::string_view word) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return text.find(word) != std::string::npos; });
}

TEST(CaptureEnvironment, ReadsTheMachine) {
  const Environment environment =
      MadeMachine().captured({.gpu = {}, .libraries = {{"opencv", "4.6"}}, .threads = {{"network", 2}}});
  EXPECT_EQ(*environment.cpu.model, "Intel(R) Xeon(R) Platinum 8481C");
  EXPECT_EQ(*environment.cpu.vendor, "GenuineIntel");
  EXPECT_EQ(environment.cpu.logical_cpus, 4U);
  EXPECT_EQ(environment.cpu.usable_cpus, 4U);
  EXPECT_EQ(*environment.cpu.physical_cores, 2U);
  EXPECT_TRUE(*environment.cpu.smt);
  EXPECT_EQ(environment.cpu.flags, (std::vector<std::string>{"sse4_2", "avx2", "avx512f", "avx512_vnni", "amx_int8"}));
  EXPECT_EQ(*environment.cpu.governor, "performance");
  EXPECT_TRUE(*environment.cpu.turbo);
  EXPECT_EQ(*environment.cpu.load_average, (std::array{0.1, 0.2, 0.3}));
  EXPECT_EQ(*environment.memory.total_bytes, 16ULL << 30U);
  EXPECT_EQ(*environment.memory.available_bytes, 8ULL << 30U);
  EXPECT_EQ(*environment.os.name, "Debian GNU/Linux");
  EXPECT_EQ(*environment.os.version, "12");
  EXPECT_EQ(*environment.os.kernel, "6.1.0-18-amd64");
  EXPECT_FALSE(environment.os.virtualised);
  EXPECT_EQ(*environment.cpu.affinity_cpus, 4U);
  EXPECT_EQ(*environment.cpu.usable_cores, 2U);
  EXPECT_FALSE(environment.cpu.quota);
  EXPECT_EQ(*environment.cpu.numa_nodes, 1U);
  EXPECT_EQ(*environment.cpu.usable_numa_nodes, 1U);
  EXPECT_EQ(environment.cpu.frequency->source, "/proc/cpuinfo");
  EXPECT_EQ(environment.cpu.frequency->before_mhz, 2700);
  EXPECT_FALSE(environment.cpu.frequency->after_mhz);
  EXPECT_EQ(*environment.memory.transparent_huge_pages, "madvise");
  EXPECT_EQ(*environment.os.address_randomisation, "full");
  EXPECT_EQ(environment.libraries.size(), 1U);
  EXPECT_TRUE(environment.warnings.empty());
}

TEST(CaptureEnvironment, GivesReasonsWhereNothingCanBeRead) {
  const TemporaryDirectory empty;
  const Environment environment = capture_environment({}, empty.path());
  EXPECT_FALSE(environment.cpu.model);
  EXPECT_NE(environment.cpu.model.reason.find("/proc/cpuinfo"), std::string::npos);
  EXPECT_FALSE(environment.cpu.physical_cores);
  EXPECT_FALSE(environment.cpu.smt);
  EXPECT_FALSE(environment.cpu.governor);
  EXPECT_FALSE(environment.cpu.turbo);
  EXPECT_FALSE(environment.cpu.load_average);
  EXPECT_FALSE(environment.memory.total_bytes);
  EXPECT_FALSE(environment.os.name);
  EXPECT_GE(environment.cpu.logical_cpus, 1U);
  EXPECT_GE(environment.cpu.usable_cpus, 1U);
  EXPECT_EQ(environment.fingerprint.size(), 16U);
}

TEST(CaptureEnvironment, SurvivesFilesOfNonsense) {
  MadeMachine machine;
  for (const char* file : {"proc/cpuinfo", "proc/loadavg", "proc/meminfo", "proc/self/status", "proc/self/cgroup",
                           "etc/os-release", "sys/fs/cgroup/cpu.max"}) {
    machine.set(file, "\xFF:::\n-1 :\n\0=\nmax"s);
  }
  const Environment environment = machine.captured();
  EXPECT_FALSE(environment.memory.total_bytes);
  EXPECT_GE(environment.cpu.usable_cpus, 1U);
}

TEST(CaptureEnvironment, SeesAHypervisor) {
  MadeMachine flagged;
  flagged.set("proc/cpuinfo", "processor: 0\nflags: fpu hypervisor avx\n");
  EXPECT_TRUE(flagged.captured().os.virtualised);
  MadeMachine xen;
  xen.set("sys/hypervisor/type", "xen\n");
  EXPECT_TRUE(xen.captured().os.virtualised);
  MadeMachine arm;
  arm.set("proc/cpuinfo", "processor: 0\nFeatures: fp asimd asimdhp sve\nCPU implementer: 0x41\n");
  arm.set("sys/class/dmi/id/product_name", "KVM Virtual Machine\n");
  EXPECT_TRUE(arm.captured().os.virtualised);
  EXPECT_EQ(arm.captured().cpu.flags, (std::vector<std::string>{"asimd", "asimdhp", "sve"}));
  EXPECT_EQ(*arm.captured().cpu.vendor, "0x41");
}

TEST(CaptureEnvironment, WarnsOfWhatSpoilsAMeasurement) {
  MadeMachine machine;
  machine.set("proc/loadavg", "1.00 0.20 0.30 1/100 4242\n");  // a quarter of four CPUs
  machine.set("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  machine.set("sys/fs/cgroup/cpu.max", "250000 100000\n");
  const std::vector<std::string> warnings =
      machine.captured({.gpu = {}, .libraries = {}, .threads = {{"network", 3}}}).warnings;
  EXPECT_EQ(warnings.size(), 4U);
  EXPECT_TRUE(mentions(warnings, "load average is 1"));
  EXPECT_TRUE(mentions(warnings, "'powersave'"));
  EXPECT_TRUE(mentions(warnings, "quota of 2.5 CPUs"));
  EXPECT_TRUE(mentions(warnings, "3 threads (network) share 2"));
}

TEST(CaptureEnvironment, CountsOnlyTheCoresAndNodesOfItsAffinity) {
  MadeMachine machine;
  machine.set("sys/devices/system/node/node0/cpulist", "0-1\n");
  machine.set("sys/devices/system/node/node1/cpulist", "2-3\n");
  machine.set("sys/devices/system/node/node2/cpulist", "\n");  // memory alone
  EXPECT_EQ(*machine.captured().cpu.numa_nodes, 2U);
  EXPECT_EQ(*machine.captured().cpu.usable_numa_nodes, 2U);
  machine.set("proc/self/status", "Cpus_allowed_list:\t2-3\n");
  EXPECT_EQ(*machine.captured().cpu.usable_numa_nodes, 1U);
  EXPECT_EQ(*machine.captured().cpu.usable_cores, 1U);
  EXPECT_EQ(*machine.captured().cpu.physical_cores, 2U);
}

TEST(CaptureEnvironment, PrefersTheFrequencyDriverAndTheFastestUsableCpu) {
  MadeMachine machine;
  machine.set("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "800000\n");
  machine.set("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "3100000\n");
  machine.set("sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "3900000\n");
  machine.set("proc/self/status", "Cpus_allowed_list:\t0-2\n");
  EXPECT_EQ(machine.captured().cpu.frequency->source, "scaling_cur_freq");
  EXPECT_EQ(machine.captured().cpu.frequency->before_mhz, 3100);
}

TEST(CaptureEnvironment, FindsTheLibrariesThatCompute) {
  MadeMachine machine;
  machine.set("proc/self/maps",
              "7f00-7f01 r-xp 00000000 fd:00 1 /usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3\n"
              "7f01-7f02 rw-p 00000000 fd:00 1 /usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3\n"
              "7f02-7f03 r-xp 00000000 fd:00 1 /usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0\n"
              "7f03-7f04 r-xp 00000000 fd:00 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
              "7fff-8000 rw-p 00000000 00:00 0 [stack]\n");
  const Environment environment = machine.captured();
  EXPECT_EQ(environment.compute_libraries->files,
            (std::vector<std::string>{"/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0",
                                      "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3"}));
  EXPECT_EQ(*environment.compute_libraries->blas, "OpenBLAS");
}

TEST(CaptureEnvironment, NamesTheBlasThatIsUsedAndNotAnotherThatIsLoaded) {
  MadeMachine machine;
  machine.set("proc/self/maps",
              "7f00-7f01 r-xp 0 fd:00 1 /usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0\n"
              "7f02-7f03 r-xp 0 fd:00 1 /usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so\n");
  EnvironmentContext context;
  for (const auto& [file, name] : {std::pair("/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0", "reference"),
                                   {"/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3", "OpenBLAS"},
                                   {"/usr/lib/x86_64-linux-gnu/blis-openmp/libblas.so.4", "BLIS"},
                                   {"/opt/intel/mkl/lib/libmkl_rt.so.2", "MKL"},
                                   {"/usr/lib64/libflexiblas.so.3.3", "FlexiBLAS"},
                                   {"/opt/own/libtorch_cpu.so", "another: libtorch_cpu.so"}}) {
    context.blas_file = std::string(file);
    EXPECT_EQ(*machine.captured(context).compute_libraries->blas, name) << file;
  }
}

TEST(CaptureEnvironment, KeepsOnlyTheVariablesThatSteerComputation) {
  MadeMachine machine;
  machine.set("proc/self/environ", "PASSWORD=secret\0OMP_NUM_THREADS=2\0HOME=/root\0ONEDNN_MAX_CPU_ISA=AVX2\0"s);
  EXPECT_EQ(*machine.captured().variables,
            (NamedValues<std::string>{{"OMP_NUM_THREADS", "2"}, {"ONEDNN_MAX_CPU_ISA", "AVX2"}}));
}

TEST(MachineWatch, RemembersTheExtremesThatItSaw) {
  MadeMachine machine;
  MachineWatch watch(machine.captured(), machine.root(), "libno-such-driver.so.1", std::chrono::seconds(0));
  for (const char* kilohertz : {"3000000", "2400000", "2900000"}) {
    machine.set("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", kilohertz);
    watch.look();
  }
  machine.set("proc/loadavg", "4.50 0.20 0.30 1/100 4242\n");
  const Environment environment = watch.finish();
  EXPECT_EQ(environment.cpu.frequency->before_mhz, 2700);
  EXPECT_EQ(*environment.cpu.frequency->lowest_mhz, 2400);
  EXPECT_EQ(*environment.cpu.frequency->highest_mhz, 3000);
  EXPECT_EQ(*environment.cpu.frequency->after_mhz, 2900);
  EXPECT_EQ(environment.cpu.frequency->readings, 4U);
  EXPECT_EQ(environment.cpu.load_average->front(), 0.1);
  EXPECT_EQ(environment.cpu.load_average_after->front(), 4.5);
  EXPECT_TRUE(mentions(environment.warnings, "from 2400 to 3000 MHz"));
}

TEST(MachineWatch, LooksNoMoreOftenThanItIsAllowed) {
  const MadeMachine machine;
  MachineWatch watch(machine.captured(), machine.root(), "libno-such-driver.so.1", std::chrono::hours(1));
  for (int i = 0; i < 3; ++i) watch.look();
  EXPECT_EQ(watch.finish().cpu.frequency->readings, 2U);  // the first, and the last
}

TEST(BlasFileInUse, IsAFileOrAReason) {
  const OrReason<std::string> file = blas_file_in_use();
  EXPECT_TRUE(file ? std::filesystem::exists(*file) : !file.reason.empty());
}

TEST(UsableCpus, FollowsTheAffinity) {
  MadeMachine machine;
  for (const auto& [list, count] : {std::pair("0", 1U), {"0-1", 2U}, {"0,2-3,7", 4U}, {"0-63,128-191", 128U}}) {
    machine.set("proc/self/status", std::string("Cpus_allowed_list:\t") + list + "\n");
    EXPECT_EQ(usable_cpus(machine.root()), count) << list;
  }
}

TEST(UsableCpus, FollowsTheQuotaOfTheUnifiedHierarchy) {
  MadeMachine machine;
  for (const auto& [quota, count] : {std::pair("max 100000", 4U),
                                     {"200000 100000", 2U},
                                     {"350000 100000", 3U},
                                     {"50000 100000", 1U},
                                     {"800000 100000", 4U}}) {
    machine.set("sys/fs/cgroup/cpu.max", std::string(quota) + "\n");
    EXPECT_EQ(usable_cpus(machine.root()), count) << quota;
  }
}

TEST(UsableCpus, FollowsTheTightestQuotaOnTheWayUp) {
  MadeMachine machine;
  machine.set("proc/self/cgroup", "0::/user.slice/work.scope\n");
  machine.set("sys/fs/cgroup/user.slice/cpu.max", "200000 100000\n");
  machine.set("sys/fs/cgroup/user.slice/work.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(usable_cpus(machine.root()), 2U);
  machine.set("sys/fs/cgroup/user.slice/work.scope/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable_cpus(machine.root()), 1U);
}

TEST(UsableCpus, FindsTheQuotaOfAContainerThatSeesItsHostsPath) {
  MadeMachine machine;
  machine.set("proc/self/cgroup", "0::/../../docker/0123456789\n");
  machine.set("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(usable_cpus(machine.root()), 2U);
}

TEST(UsableCpus, FollowsTheQuotaOfTheFirstHierarchy) {
  MadeMachine machine;
  machine.set("proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/docker/1\n3:cpuset:/b\n");
  machine.set("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  machine.set("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cpus(machine.root()), 4U);
  machine.set("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us", "300000\n");
  machine.set("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cpus(machine.root()), 3U);
}

TEST(UsableCpus, IsAtLeastOneHere) { EXPECT_GE(usable_cpus(), 1U); }

TEST(Fingerprint, IsOfTheMachineAlone) {
  const MadeMachine machine;
  const std::string before = machine.captured({.gpu = {}, .libraries = {{"opencv", "4.6"}}, .threads = {}}).fingerprint;
  EXPECT_EQ(before.size(), 16U);
  EXPECT_EQ(before.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(machine.captured({.gpu = {}, .libraries = {{"opencv", "4.10"}}, .threads = {}}).fingerprint, before);
  MadeMachine busy;
  busy.set("proc/loadavg", "3.10 0.20 0.30 1/100 4242\n");
  busy.set("proc/meminfo", "MemTotal: 16384 kB\nMemAvailable: 1 kB\n");
  EXPECT_EQ(busy.captured().fingerprint, before);
}

TEST(Fingerprint, ChangesWithWhatTimesDependOn) {
  const std::string before = MadeMachine().captured().fingerprint;
  MadeMachine fewer;
  fewer.set("proc/self/status", "Cpus_allowed_list:\t0-1\n");
  EXPECT_NE(fewer.captured().fingerprint, before);
  MadeMachine other;
  other.set("proc/cpuinfo", "processor: 0\nmodel name: AMD EPYC\n");
  EXPECT_NE(other.captured().fingerprint, before);
  MadeMachine newer;
  newer.set("etc/os-release", "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\n");
  EXPECT_NE(newer.captured().fingerprint, before);
  EXPECT_NE(MadeMachine().captured({.gpu = {}, .libraries = {}, .threads = {{"network", 2}}}).fingerprint, before);
  EnvironmentContext with_gpu;
  with_gpu.gpu.push_back(
      {.index = 0, .model = "H200", .driver = std::string("550"), .memory_bytes = {}, .details = {}});
  const std::string gpu = MadeMachine().captured(with_gpu).fingerprint;
  EXPECT_NE(gpu, before);
  with_gpu.gpu[0].driver = std::string("560");
  EXPECT_NE(MadeMachine().captured(with_gpu).fingerprint, gpu);
}

}  // namespace
}  // namespace stagemark
