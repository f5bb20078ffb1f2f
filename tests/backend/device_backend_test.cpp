#include "stagemark/backend/device_backend.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

#include "fakes/asynchronous_backend.hpp"

namespace stagemark {
namespace {

using fakes::AsynchronousBackend;
using fakes::ManualClock;

StageTimes times_of(AsynchronousBackend& device, TimingMode mode) {
  StageTimer timer(mode, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  timer.time(Stage::total, [&] { device.predict(images, out, timer); });
  return timer.take();
}

TEST(DeviceBackend, EndsEachStageWhenTheDeviceHasFinishedIt) {
  const ManualClock clock;
  AsynchronousBackend device;
  const StageTimes times = times_of(device, TimingMode::stages);
  EXPECT_EQ(times[Stage::preprocessing], Nanoseconds{10});
  EXPECT_EQ(times[Stage::upload], Nanoseconds{21});
  EXPECT_EQ(times[Stage::feature_extraction], Nanoseconds{301});
  EXPECT_EQ(times[Stage::classification], Nanoseconds{41});
  EXPECT_EQ(times[Stage::download], Nanoseconds{6});
  EXPECT_FALSE(times.has(Stage::inference));
  EXPECT_EQ(device.waits, 4U);
}

TEST(DeviceBackend, WaitsOnceInATotalOnlyPassAndCountsAllTheWork) {
  const ManualClock clock;
  AsynchronousBackend device;
  device.wait_cost = Nanoseconds{7};
  const StageTimes times = times_of(device, TimingMode::total_only);
  EXPECT_EQ(device.waits, 1U);
  EXPECT_EQ(times[Stage::total], Nanoseconds{10 + 21 + 301 + 41 + 6 + 7});
  EXPECT_FALSE(times.has(Stage::upload));
}

TEST(DeviceBackend, TimesTheWholeNetworkBetweenTwoWaitsAndWithoutTheUpload) {
  const ManualClock clock;
  AsynchronousBackend device;
  const StageTimes times = times_of(device, TimingMode::whole_network);
  EXPECT_EQ(times[Stage::inference], Nanoseconds{301 + 41});
  EXPECT_FALSE(times.has(Stage::feature_extraction));
}

TEST(DeviceBackend, WaitsForWhatWasLaunchedBeforeItLetsAnExceptionPass) {
  class CannotClassify final : public AsynchronousBackend {
   protected:
    int classify(const int&) override { throw std::runtime_error("no head"); }
  };
  const ManualClock clock;
  CannotClassify device;
  EXPECT_THROW((void)times_of(device, TimingMode::total_only), std::runtime_error);
  EXPECT_GT(device.waits, 0U);
  EXPECT_GE(ManualClock::clock().now(), Nanoseconds{10 + 20 + 300});
}

}  // namespace
}  // namespace stagemark
