#include "quantity.hpp"

#include <gtest/gtest.h>

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
  EXPECT_FALSE(parse_count_or_share("--x", "3").exceeded_by(3, 100));
  EXPECT_TRUE(parse_count_or_share("--x", "3").exceeded_by(4, 100));
  EXPECT_FALSE(parse_count_or_share("--x", "5%").exceeded_by(5, 100));
  EXPECT_TRUE(parse_count_or_share("--x", "5%").exceeded_by(6, 100));
  for (const char* text : {"", "%", "-1", "101%", "x", "1.5"}) {
    EXPECT_THROW((void)parse_count_or_share("--x", text), UsageError) << text;
  }
}

}  // namespace
}  // namespace stagemark
