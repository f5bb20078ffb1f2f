#include "workers/own_worker.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "stagemark/core/error.hpp"
#include "stagemark/workers/worker.hpp"

namespace stagemark {
namespace {

/// One test, since what it changes stays changed for the whole process.
TEST(OwnWorker, IsRefusedUntilTheProgramHasSaidThatItCanBecomeOne) {
  EXPECT_THROW((void)own_worker(), UsageError);

  std::array<char, 8> name = {"program"};
  std::array<char, 19> argument = {"--stagemark-worker"};
  std::array<char*, 2> argv = {name.data(), argument.data()};
  EXPECT_FALSE(asked_to_be_worker(1, argv.data(), WorkerJob::suite));
  const WorkerCommand command = own_worker();
  EXPECT_EQ(command.executable, std::filesystem::canonical("/proc/self/exe"));
  ASSERT_EQ(command.arguments.size(), 1U);
  EXPECT_EQ(command.arguments[0], argument.data());
  EXPECT_TRUE(asked_to_be_worker(2, argv.data(), WorkerJob::suite));
  EXPECT_THROW((void)own_worker(), UsageError) << "a worker starts no workers";
}

}  // namespace
}  // namespace stagemark
