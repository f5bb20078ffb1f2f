#include "stagemark/machine/finding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "machine/made_machine.hpp"
#include "stagemark/machine/environment.hpp"

namespace stagemark {
namespace {

using namespace std::string_literals;
using testing::MadeMachine;

std::optional<Finding> find(const Environment& environment, std::string_view id) {
  const std::vector<Finding> findings = diagnose(environment);
  const auto found = std::ranges::find(findings, id, &Finding::id);
  return found == findings.end() ? std::nullopt : std::optional(*found);
}

/// Of the finding, where there is one.
std::optional<Severity> severity(const Environment& environment, std::string_view id) {
  const auto finding = find(environment, id);
  return finding ? std::optional(finding->severity) : std::nullopt;
}

EnvironmentContext with_threads(std::size_t threads) {
  EnvironmentContext context;
  context.threads = {{"network", threads}, {"preprocessing", 1}};
  return context;
}

GpuEnvironment made_gpu() {
  GpuEnvironment gpu;
  gpu.model = "H200";
  gpu.throttle_reasons = std::vector<std::string>{"gpu_idle"};
  gpu.persistence = true;
  gpu.ecc = false;
  gpu.mig = false;
  gpu.other_processes = std::size_t{0};
  return gpu;
}

Environment with_gpu(GpuEnvironment gpu) {
  EnvironmentContext context;
  context.gpu = {std::move(gpu)};
  return MadeMachine().captured(context);
}

constexpr auto absent = std::optional<Severity>();

TEST(Diagnose, FindsNothingWrongOnAMachineThatIsFine) {
  EnvironmentContext context = with_threads(2);
  context.gpu = {made_gpu()};
  context.build = BuildEnvironment{.compiler = "GCC", .optimised = true, .assertions = false, .sanitizers = ""};
  const Environment environment = MadeMachine().captured(context);
  for (const Finding& finding : diagnose(environment)) EXPECT_EQ(finding.severity, Severity::information) << finding.id;
  EXPECT_TRUE(environment.warnings.empty());
}

TEST(Diagnose, SaysNothingOfAnEnvironmentThatNobodyCaptured) { EXPECT_TRUE(diagnose(Environment()).empty()); }

TEST(Diagnose, PutsTheGravestFirstAndWarnsOfAllThatIsMoreThanInformation) {
  MadeMachine machine;
  machine.set("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  EnvironmentContext context;
  context.blas_file = "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0"s;
  const Environment environment = machine.captured(context);
  const std::vector<Finding>& findings = *environment.findings;
  EXPECT_EQ(findings.front().id, "reference_blas");
  EXPECT_TRUE(std::ranges::is_sorted(findings, std::ranges::greater{}, &Finding::severity));
  EXPECT_EQ(findings, diagnose(environment));
  ASSERT_EQ(environment.warnings.size(), 2U);
  EXPECT_EQ(environment.warnings[0], findings[0].sentence + "; " + findings[0].remedy);
}

TEST(Diagnose, EveryFindingHasASentenceAndARemedy) {
  MadeMachine machine;
  machine.set("proc/cpuinfo", "processor: 0\nflags: avx hypervisor\n");
  machine.set("proc/self/environ", "OMP_NUM_THREADS=1\0DNNL_MAX_CPU_ISA=SSE41\0"s);
  machine.set("proc/loadavg", "9 9 9 1/100 1\n");
  for (const Finding& finding : diagnose(machine.captured(with_threads(9)))) {
    EXPECT_FALSE(finding.sentence.empty()) << finding.id;
    EXPECT_FALSE(finding.remedy.empty()) << finding.id;
  }
}

TEST(Diagnose, TheReferenceBlasIsAProblemUnlessAnEngineBringsItsOwn) {
  EnvironmentContext context;
  EXPECT_EQ(severity(MadeMachine().captured(context), "reference_blas"), absent);  // OpenBLAS
  context.blas_file = "/usr/lib/aarch64-linux-gnu/blas/libblas.so.3.12.1"s;
  const Environment environment = MadeMachine().captured(context);
  EXPECT_EQ(severity(environment, "reference_blas"), Severity::problem);
  EXPECT_NE(find(environment, "reference_blas")->sentence.find("nine times"), std::string::npos);
  EXPECT_NE(find(environment, "reference_blas")->remedy.find("libblas.so.3-aarch64-linux-gnu"), std::string::npos);
  context.configuration = NamedValues<NamedValues<std::string>>{{"libtorch", {{"own_blas", "MKL"}}}};
  EXPECT_EQ(severity(MadeMachine().captured(context), "reference_blas"), absent);
}

TEST(Diagnose, TwoOpenMpRuntimesAreOneTooMany) {
  MadeMachine machine;
  machine.set("proc/self/maps", "1-2 r-xp 0 fd:00 1 /usr/lib/libgomp.so.1.0.0\n");
  EXPECT_EQ(severity(machine.captured(), "two_openmp"), absent);
  machine.set("proc/self/maps",
              "1-2 r-xp 0 fd:00 1 /usr/lib/libgomp.so.1.0.0\n3-4 r-xp 0 fd:00 1 /usr/lib/llvm-14/lib/libomp.so.5\n");
  EXPECT_EQ(severity(machine.captured(), "two_openmp"), Severity::warning);
}

TEST(Diagnose, SlowBuildsAreProblems) {
  EnvironmentContext context;
  const auto found = [&](bool optimised, bool assertions, const char* sanitizers) {
    context.build =
        BuildEnvironment{.compiler = "GCC", .optimised = optimised, .assertions = assertions, .sanitizers = sanitizers};
    return severity(MadeMachine().captured(context), "debug_build");
  };
  EXPECT_EQ(found(true, false, ""), absent);
  EXPECT_EQ(found(true, true, ""), Severity::warning);
  EXPECT_EQ(found(false, true, ""), Severity::problem);
  EXPECT_EQ(found(true, false, "address,undefined"), Severity::problem);
  context.build = {};
  context.configuration = NamedValues<NamedValues<std::string>>{{"libtorch", {{"build_type", "Debug"}}}};
  EXPECT_EQ(severity(MadeMachine().captured(context), "debug_build"), Severity::problem);
}

TEST(Diagnose, VariablesThatChangeWhatIsComputedAreProblems) {
  MadeMachine machine;
  for (const auto& [variable, expected] :
       {std::pair("ONEDNN_DEFAULT_FPMATH_MODE=BF16", std::optional(Severity::problem)),
        {"ONEDNN_DEFAULT_FPMATH_MODE=STRICT", absent},
        {"NVIDIA_TF32_OVERRIDE=1", Severity::problem},
        {"NVIDIA_TF32_OVERRIDE=0", absent}}) {
    machine.set("proc/self/environ", variable);
    EXPECT_EQ(severity(machine.captured(), "reduced_precision"), expected) << variable;
  }
}

TEST(Diagnose, VariablesThatForbidInstructionSetsAreWarnedOf) {
  MadeMachine machine;
  EXPECT_EQ(severity(machine.captured(), "limited_instructions"), absent);
  for (const auto& [variable, expected] : {std::pair("ONEDNN_MAX_CPU_ISA=AVX2", std::optional(Severity::warning)),
                                           {"ONEDNN_MAX_CPU_ISA=ALL", absent},
                                           {"ATEN_CPU_CAPABILITY=default", Severity::warning}}) {
    machine.set("proc/self/environ", variable);
    EXPECT_EQ(severity(machine.captured(), "limited_instructions"), expected) << variable;
    EXPECT_EQ(severity(machine.captured(), "variables"), Severity::information) << variable;
  }
  machine.set("proc/self/environ", "HOME=/root");
  EXPECT_EQ(severity(machine.captured(), "variables"), absent);
}

TEST(Diagnose, VariablesThatAskForFewerThreadsAreWarnedOf) {
  MadeMachine machine;
  for (const auto& [variable, expected] : {std::pair("OMP_NUM_THREADS=1", std::optional(Severity::warning)),
                                           {"OMP_NUM_THREADS=2", absent},
                                           {"OPENBLAS_NUM_THREADS=1", Severity::warning},
                                           {"OMP_NUM_THREADS=many", absent}}) {
    machine.set("proc/self/environ", variable);
    EXPECT_EQ(severity(machine.captured(with_threads(2)), "thread_variable"), expected) << variable;
  }
}

TEST(Diagnose, OtherWorkCountsOnlyWhereItMeetsTheBenchmark) {
  MadeMachine machine;  // four CPUs
  const auto found = [&](const char* load, std::size_t threads) {
    machine.set("proc/loadavg", std::string(load) + " 0 0 1/100 4242\n");
    return severity(machine.captured(with_threads(threads)), "busy");
  };
  EXPECT_EQ(found("0.99", 4), absent);
  EXPECT_EQ(found("1.00", 4), Severity::warning);  // a quarter of a CPU for each in use
  EXPECT_EQ(found("2.40", 2), absent);             // two CPUs are free
  EXPECT_EQ(found("2.50", 2), Severity::warning);
}

TEST(Diagnose, LoadAfterTheRunIsThatOfTheRunUnlessItIsMore) {
  MadeMachine machine;
  const auto found = [&](const char* load) {
    machine.set("proc/loadavg", "0 0 0 1/100 4242\n");
    MachineWatch watch(machine.captured(with_threads(4)), machine.root(), "libno-such-driver.so.1");
    machine.set("proc/loadavg", std::string(load) + " 0 0 1/100 4242\n");
    return severity(watch.finish(), "busy_during_run");
  };
  EXPECT_EQ(found("4.90"), absent);
  EXPECT_EQ(found("5.00"), Severity::warning);
}

TEST(Diagnose, AQuotaBelowTheCpusIsWarnedOf) {
  MadeMachine machine;
  machine.set("sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(severity(machine.captured(), "cpu_quota"), absent);
  machine.set("sys/fs/cgroup/cpu.max", "350000 100000\n");
  EXPECT_EQ(severity(machine.captured(), "cpu_quota"), Severity::warning);
}

TEST(Diagnose, ThreadsAreComparedWithCpusAndCores) {
  const MadeMachine machine;  // two cores with two threads each
  EXPECT_EQ(severity(machine.captured(with_threads(2)), "shared_cores"), absent);
  EXPECT_EQ(severity(machine.captured(with_threads(3)), "shared_cores"), Severity::warning);
  EXPECT_EQ(severity(machine.captured(with_threads(4)), "too_many_threads"), absent);
  EXPECT_EQ(severity(machine.captured(with_threads(5)), "too_many_threads"), Severity::warning);
  EXPECT_EQ(severity(machine.captured(with_threads(5)), "shared_cores"), absent);  // said once
}

TEST(Diagnose, SeveralNumaNodesAreWarnedOf) {
  MadeMachine machine;
  EXPECT_EQ(severity(machine.captured(), "numa"), absent);
  machine.set("sys/devices/system/node/node0/cpulist", "0-1\n");
  machine.set("sys/devices/system/node/node1/cpulist", "2-3\n");
  EXPECT_EQ(severity(machine.captured(), "numa"), Severity::warning);
}

TEST(Diagnose, SaysWhichInstructionSetsAreThereAndUsed) {
  EnvironmentContext context;
  context.configuration = NamedValues<NamedValues<std::string>>{{"libtorch", {{"cpu_capability", "AVX2"}}}};
  const std::string sentence = find(MadeMachine().captured(context), "instruction_sets")->sentence;
  EXPECT_NE(sentence.find("avx512_vnni, amx_int8"), std::string::npos);
  EXPECT_NE(sentence.find("libtorch's own kernels use AVX2"), std::string::npos);
  MadeMachine bare;
  bare.set("proc/cpuinfo", "processor: 0\nflags: fpu\n");
  EXPECT_EQ(severity(bare.captured(), "instruction_sets"), absent);
}

TEST(Diagnose, GovernorAndTurbo) {
  MadeMachine machine;
  EXPECT_EQ(severity(machine.captured(), "governor"), absent);
  EXPECT_EQ(severity(machine.captured(), "turbo"), Severity::information);
  machine.set("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n");
  machine.set("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  EXPECT_EQ(severity(machine.captured(), "governor"), Severity::warning);
  EXPECT_EQ(severity(machine.captured(), "turbo"), absent);
}

TEST(Diagnose, AClockThatDriftsByMoreThanFivePercentIsWarnedOf) {
  const auto found = [](const char* second) {
    MadeMachine machine;
    MachineWatch watch(machine.captured(), machine.root(), "libno-such-driver.so.1", std::chrono::seconds(0));
    for (const char* kilohertz : {"3000000", second}) {
      machine.set("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", kilohertz);
      watch.look();
    }
    return severity(watch.finish(), "frequency_drift");
  };
  EXPECT_EQ(found("2860000"), absent);
  EXPECT_EQ(found("2840000"), Severity::warning);
}

TEST(Diagnose, LittleMemoryIsWarnedOf) {
  MadeMachine machine;
  machine.set("proc/meminfo", "MemAvailable: 1048576 kB\n");
  EXPECT_EQ(severity(machine.captured(), "low_memory"), absent);
  machine.set("proc/meminfo", "MemAvailable: 1048575 kB\n");
  EXPECT_EQ(severity(machine.captured(), "low_memory"), Severity::warning);
}

TEST(Diagnose, AVirtualMachinesClockIsDoubted) {
  MadeMachine machine;
  EXPECT_EQ(severity(machine.captured(), "virtualised"), absent);
  machine.set("proc/cpuinfo", "processor: 0\ncpu MHz: 2600.000\nflags: fpu hypervisor\n");
  const auto finding = find(machine.captured(), "virtualised");
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->severity, Severity::information);
  EXPECT_NE(finding->sentence.find("2600 MHz"), std::string::npos);
}

TEST(Diagnose, AddressRandomisationIsInformation) {
  MadeMachine machine;
  EXPECT_EQ(severity(machine.captured(), "aslr"), Severity::information);
  machine.set("proc/sys/kernel/randomize_va_space", "0\n");
  EXPECT_EQ(severity(machine.captured(), "aslr"), absent);
}

TEST(Diagnose, AThrottledGpuIsWarnedOfAndAnIdleOneIsNot) {
  GpuEnvironment gpu = made_gpu();
  EXPECT_EQ(severity(with_gpu(gpu), "gpu_throttled"), absent);
  gpu.throttle_reasons = std::vector<std::string>{"applications_clocks_setting", "hw_thermal_slowdown"};
  EXPECT_EQ(severity(with_gpu(gpu), "gpu_throttled"), Severity::warning);
  EXPECT_EQ(find(with_gpu(gpu), "gpu_throttled")->sentence, "GPU 0 (H200) runs below its clock: hw_thermal_slowdown");
}

TEST(Diagnose, TheStateOfAGpu) {
  for (const char* id : {"gpu_persistence", "gpu_shared", "gpu_mig", "gpu_ecc", "gpu_clocks"}) {
    EXPECT_EQ(severity(with_gpu(made_gpu()), id), absent) << id;
  }
  GpuEnvironment gpu = made_gpu();
  gpu.persistence = false;
  gpu.ecc = true;
  gpu.mig = true;
  gpu.other_processes = std::size_t{2};
  gpu.clocks = GpuClocks();
  gpu.clocks.value->sm_mhz = std::size_t{345};
  gpu.clocks.value->max_sm_mhz = std::size_t{1980};
  const Environment environment = with_gpu(gpu);
  EXPECT_EQ(severity(environment, "gpu_persistence"), Severity::warning);
  EXPECT_EQ(severity(environment, "gpu_shared"), Severity::warning);
  EXPECT_EQ(severity(environment, "gpu_mig"), Severity::information);
  EXPECT_EQ(severity(environment, "gpu_ecc"), Severity::information);
  EXPECT_EQ(severity(environment, "gpu_clocks"), Severity::information);
  gpu.throttle_reasons = std::vector<std::string>{"applications_clocks_setting"};
  EXPECT_EQ(severity(with_gpu(gpu), "gpu_clocks"), absent);  // limited by a setting
}

}  // namespace
}  // namespace stagemark
