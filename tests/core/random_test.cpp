#include "stagemark/core/random.hpp"

#include <gtest/gtest.h>

#include <set>

namespace stagemark {
namespace {

// The first outputs for the seed 1234567 of the reference implementation by Vigna (splitmix64.c).
TEST(SplitMix64, IsTheReferenceImplementation) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
  EXPECT_EQ(random.next(), 4593380528125082431U);
  EXPECT_EQ(random.next(), 16408922859458223821U);
}

TEST(SplitMix64, ReachesEveryNumberBelowTheBoundAndNoOther) {
  SplitMix64 random(0);
  std::set<std::size_t> seen;
  for (int draw = 0; draw < 1000; ++draw) seen.insert(random.below(7));
  EXPECT_EQ(seen, (std::set<std::size_t>{0, 1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace stagemark
