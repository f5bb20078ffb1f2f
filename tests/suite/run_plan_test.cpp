#include "stagemark/suite/run_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace stagemark {
namespace {

std::vector<Round> plan(std::size_t images, std::size_t approaches, RunOptions options = {}) {
  return plan_rounds(images, approaches, options);
}

TEST(RunPlan, CutsASetIntoThirtyRoundsOfNearlyEqualSize) {
  const auto rounds = plan(624, 2);
  ASSERT_EQ(rounds.size(), 30U);
  for (const Round& round : rounds) {
    EXPECT_GE(round.last - round.first, 20U);
    EXPECT_LE(round.last - round.first, 21U);
  }
}

TEST(RunPlan, HoldsAtMostSixtyFourImagesInARound) {
  const auto rounds = plan(100'000, 2);
  EXPECT_EQ(rounds.size(), 1'563U);
  for (const Round& round : rounds) EXPECT_LE(round.last - round.first, 64U);
}

TEST(RunPlan, CoversEveryImageOnceInEachPass) {
  for (const std::size_t images : {1U, 4U, 5U, 16U, 64U, 65U, 624U, 1999U}) {
    std::map<std::size_t, std::vector<std::size_t>> seen;  // pass -> images
    for (const Round& round : plan(images, 3)) {
      for (std::size_t i = round.first; i < round.last; ++i) seen[round.pass].push_back(i);
    }
    for (const auto& [pass, indices] : seen) {
      ASSERT_EQ(indices.size(), images);
      for (std::size_t i = 0; i < images; ++i) ASSERT_EQ(indices[i], i);
    }
  }
}

TEST(RunPlan, MakesAsManyPassesAsThirtyRoundsNeed) {
  const auto rounds = plan(16, 2);
  EXPECT_EQ(rounds.size(), 30U);
  EXPECT_EQ(rounds.back().pass + 1, 10U);  // 3 rounds of 5 or 6 images a pass
  RunOptions once;
  once.passes = 1;
  EXPECT_EQ(plan(16, 2, once).size(), 3U);
}

TEST(RunPlan, MakesOnePassWhereThatIsFourFifthsOfTheRoundsWanted) {
  for (const auto& [images, rounds, passes] :
       {std::tuple(200U, 30U, 1U), std::tuple(120U, 24U, 1U), std::tuple(119U, 46U, 2U), std::tuple(4U, 30U, 30U)}) {
    const auto planned = plan(images, 3);
    EXPECT_EQ(planned.size(), rounds) << images;
    EXPECT_EQ(planned.back().pass + 1, passes) << images;
  }
}

TEST(RunPlan, GivesEachApproachEachPositionEquallyOften) {
  for (std::size_t approaches = 1; approaches <= 7; ++approaches) {
    RunOptions options;
    options.rounds = 84 * 5;  // a multiple of every block length
    options.passes = 1;
    const auto rounds = plan(84 * 25, approaches, options);
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> count;
    for (const Round& round : rounds) {
      ASSERT_EQ(std::set<std::size_t>(round.order.begin(), round.order.end()).size(), approaches);
      for (std::size_t position = 0; position < approaches; ++position) ++count[{position, round.order[position]}];
    }
    for (const auto& [key, times] : count) EXPECT_EQ(times, rounds.size() / approaches);
  }
}

TEST(RunPlan, LetsEachApproachFollowEachOtherEquallyOftenWithinARound) {
  for (std::size_t approaches = 3; approaches <= 7; ++approaches) {
    RunOptions options;
    options.rounds = 84 * 5;
    options.passes = 1;
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> follows;
    for (const Round& round : plan(84 * 25, approaches, options)) {
      for (std::size_t i = 1; i < approaches; ++i) ++follows[{round.order[i - 1], round.order[i]}];
    }
    const std::size_t expected = follows.begin()->second;
    EXPECT_EQ(follows.size(), approaches * (approaches - 1));
    for (const auto& [pair, times] : follows) EXPECT_EQ(times, expected);
  }
}

TEST(RunPlan, DrawsTheOrderFromTheSeed) {
  const auto orders = [](std::uint64_t seed) {
    RunOptions options;
    options.seed = seed;
    std::vector<std::vector<std::size_t>> result;
    for (const Round& round : plan(624, 4, options)) result.push_back(round.order);
    return result;
  };
  EXPECT_EQ(orders(7), orders(7));
  EXPECT_NE(orders(7), orders(8));
}

TEST(RunPlan, CutsOnlyTheLastCallOfAPassShort) {
  RunOptions options;
  options.batch = 8;
  options.passes = 1;
  for (const Round& round : plan(100, 2, options)) {
    EXPECT_EQ(round.first % 8, 0U);
    if (round.last != 100) {
      EXPECT_EQ((round.last - round.first) % 8, 0U);
    }
  }
}

TEST(RunPlan, IsEmptyWithoutImagesOrApproaches) {
  EXPECT_TRUE(plan(0, 2).empty());
  EXPECT_TRUE(plan(10, 0).empty());
}

TEST(RunPlan, GoesOnWhereItEndsAsIfItHadBeenPlannedSo) {
  RunOptions options;
  options.seed = 7;
  options.processes = 5;
  options.passes = 2;
  const auto whole = plan_rounds(200, 3, options);
  options.passes = 1;
  auto extended = plan_rounds(200, 3, options);
  const std::size_t known = extended.size();
  extend_plan(extended, {whole.size() - known - 3, 2}, 200, options);
  extend_plan(extended, {3, 0}, 200, options);
  ASSERT_EQ(extended.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(extended[i].index, i);
    EXPECT_EQ(extended[i].pass, whole[i].pass);
    EXPECT_EQ(extended[i].first, whole[i].first);
    EXPECT_EQ(extended[i].last, whole[i].last);
    EXPECT_EQ(extended[i].order, whole[i].order);
  }
  EXPECT_EQ(extended[known - 1].process, 4U);
  EXPECT_EQ(extended[known].process, 5U);
  EXPECT_EQ(extended[extended.size() - 4].process, 6U);
  EXPECT_EQ(extended.back().process, 6U);  // no fresh workers: those that are there go on
}

}  // namespace
}  // namespace stagemark
