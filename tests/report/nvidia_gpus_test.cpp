#include <gtest/gtest.h>

#include "stagemark/report/environment.hpp"

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

}  // namespace
}  // namespace stagemark
