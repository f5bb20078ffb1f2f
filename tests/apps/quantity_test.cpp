#include "quantity.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

TEST(Quantity, ReadsSizesInPowersOf1024) {
  EXPECT_EQ(parse_bytes("--x", "4096B"), 4096U);
  EXPECT_EQ(parse_bytes("--x", "64KB"), 65'536U);
  EXPECT_EQ(parse_bytes("--x", "256MB"), std::size_t{256} << 20U);
}

TEST(Quantity, RefusesASizeWithoutAUnitOrOutOfRange) {
  for (const char* text : {"", "MB", "12", "-1MB", "0MB", "1.5MB", "99999999999999999999GB", "12XB"}) {
    EXPECT_THROW((void)parse_bytes("--x", text), UsageError) << text;
  }
}

TEST(Quantity, TakesALimitAsACountOrAsAShare) {
  EXPECT_EQ(std::get<std::size_t>(parse_count_or_share("--x", "3")), 3U);
  EXPECT_DOUBLE_EQ(std::get<double>(parse_count_or_share("--x", "5%")), 0.05);
  for (const char* text : {"", "%", "-1", "101%", "x", "1.5"}) {
    EXPECT_THROW((void)parse_count_or_share("--x", text), UsageError) << text;
  }
}

TEST(Quantity, ReadsADuration) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("--x", "500ms"), 500ms);
  EXPECT_EQ(parse_duration("--x", "90s"), 90s);
  EXPECT_EQ(parse_duration("--x", "5m"), 5min);
  EXPECT_EQ(parse_duration("--x", "2h"), 2h);
  for (const char* wrong : {"", "5", "ms", "0s", "-1s", "1.5s", "5 s", "5d", "99999999999999999999s", "2592000001ms",
                            "2592001s", "3000000h"}) {
    EXPECT_THROW((void)parse_duration("--x", wrong), UsageError) << wrong;
  }
}

TEST(Quantity, ReadsARate) {
  EXPECT_EQ(parse_rate("--rate", "12.5"), 12.5);
  EXPECT_EQ(parse_rate("--rate", "1e4"), 10'000);
  for (const char* wrong : {"", "0", "-1", "nan", "inf", "12/s", " 12", "ten"}) {
    EXPECT_THROW((void)parse_rate("--rate", wrong), UsageError) << wrong;
  }
}

TEST(Quantity, ReadsAServiceLevelAndWritesItAlike) {
  using namespace std::chrono_literals;
  const auto level = [](const char* text) { return parse_service_level("--service-level", text); };
  EXPECT_EQ(level("p99=50ms"), (ServiceLevel{.quantile = 0.99, .bound = 50ms}));
  EXPECT_EQ(level("p95=250ms"), (ServiceLevel{.quantile = 0.95, .bound = 250ms}));
  EXPECT_DOUBLE_EQ(level("p99.9=1s").quantile, 0.999);
  EXPECT_EQ(level("p50=0.5m").bound, 30s);
  EXPECT_EQ(level("p99=1.5ms").bound, 1'500us);
  for (const char* text : {"p99=50ms", "p95=250ms", "p99.9=1s", "p99.99=2.5s", "p99=0.8ms"}) {
    EXPECT_EQ(to_string(level(text)), text);
  }
  EXPECT_EQ(to_string(level("p99=800us")), "p99=0.8ms");
}

TEST(Quantity, RefusesAServiceLevelThatPromisesNothing) {
  for (const char* wrong :
       {"",          "p",        "p=",        "=",         "p99",        "p99=",      "99=50ms",   "p99=50",
        "p100=50ms", "p0=50ms",  "p-1=50ms",  "p101=50ms", "pnan=50ms",  "pinf=1s",   "p99=-50ms", "p99=0ms",
        "p99=nanms", "p99=infs", "p99=ms",    "p99=50 ms", "p 99=50ms",  "p99 =50ms", "P99=50ms",  "p99=50ms,",
        "p99=50h",   "p99=1e9s", "p99=0.1ns", "p99%=50ms", "p99=50ms=1s"}) {
    try {
      (void)parse_service_level("--service-level", wrong);
      ADD_FAILURE() << wrong;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.where(), "--service-level");
      EXPECT_EQ(error.problem(), "'" + std::string(wrong) + "' is not a service level");
    }
  }
}

TEST(Quantity, ReadsAWidthAndAHeight) {
  EXPECT_EQ(parse_size("--resize", "320x240"), std::pair(std::size_t{320}, std::size_t{240}));
  for (const char* wrong : {"", "224", "x", "224x", "x224", "224x224x3", "224 x 224", "-1x5", "2.5x2"}) {
    EXPECT_THROW((void)parse_size("--resize", wrong), UsageError) << wrong;
  }
}

TEST(Quantity, ReadsThreeNumbers) {
  EXPECT_EQ(parse_three_numbers("--mean", "0.5,-1,2e-1"), (std::array<float, 3>{0.5F, -1.0F, 0.2F}));
  for (const char* wrong : {"", "1", "1,2", "1,2,3,4", "1,2,", ",,", "1;2;3", "a,b,c", "1, 2, 3"}) {
    EXPECT_THROW((void)parse_three_numbers("--mean", wrong), UsageError) << wrong;
  }
}

}  // namespace
}  // namespace stagemark
