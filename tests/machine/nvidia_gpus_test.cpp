#include <gtest/gtest.h>

#include "stagemark/machine/environment.hpp"

namespace stagemark {
namespace {

TEST(NvidiaGpus, AreNoneWhereThereIsNoDriver) { EXPECT_TRUE(nvidia_gpus("libno-such-driver.so.1").empty()); }

TEST(NvidiaGpus, AreThoseThatTheDriverCanReach) {
  const std::vector<GpuEnvironment> gpus = nvidia_gpus(STAGEMARK_FAKE_NVML);
  ASSERT_EQ(gpus.size(), 1U);
  EXPECT_EQ(gpus[0].index, 0U);
  EXPECT_EQ(gpus[0].model, "NVIDIA H200");
  EXPECT_EQ(*gpus[0].driver, "560.35.03");
  EXPECT_EQ(*gpus[0].memory_bytes, 150'000'000'000U);
  EXPECT_TRUE(gpus[0].details.empty());
}

TEST(NvidiaGpus, TellTheirState) {
  const std::vector<GpuEnvironment> gpus = nvidia_gpus(STAGEMARK_FAKE_NVML);
  ASSERT_EQ(gpus.size(), 1U);
  const GpuEnvironment& gpu = gpus[0];
  EXPECT_EQ(*gpu.memory_used_bytes, 1'000'000'000U);
  EXPECT_EQ(*gpu.clocks->sm_mhz, 345U);
  EXPECT_EQ(*gpu.clocks->memory_mhz, 2619U);
  EXPECT_EQ(*gpu.clocks->max_sm_mhz, 1980U);
  EXPECT_EQ(*gpu.clocks->max_memory_mhz, 3201U);
  EXPECT_FALSE(gpu.clocks->application_sm_mhz);
  EXPECT_EQ(*gpu.throttle_reasons, (std::vector<std::string>{"sw_power_cap", "hw_thermal_slowdown"}));
  EXPECT_FALSE(*gpu.persistence);
  EXPECT_TRUE(*gpu.ecc);
  EXPECT_FALSE(*gpu.mig);
  EXPECT_EQ(*gpu.other_processes, 2U);  // without this one
}

TEST(NvidiaGpus, AreWatchedDuringARun) {
  EnvironmentContext context;
  context.gpu = nvidia_gpus(STAGEMARK_FAKE_NVML);
  context.gpu[0].throttle_reasons = std::vector<std::string>{"gpu_idle", "sw_power_cap"};
  MachineWatch watch(capture_environment(context), "/", STAGEMARK_FAKE_NVML);
  EXPECT_EQ(*watch.finish().gpu[0].throttle_reasons,
            (std::vector<std::string>{"gpu_idle", "sw_power_cap", "hw_thermal_slowdown"}));
}

}  // namespace
}  // namespace stagemark
