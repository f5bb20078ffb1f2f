#include "stagemark/judgement/make_load_report.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "stagemark/load/load_test.hpp"

namespace stagemark {
namespace {

LoadResult two_loads() {
  LoadResult result;
  result.options.level = ServiceLevel{0.99, std::chrono::milliseconds(50)};
  for (const char* name : {"fast-fp32@cpu", "slow-fp32@cpu"}) {
    ApproachResult approach;
    approach.approach = parse_approach(name);
    result.suite.collector.add(std::move(approach));
    ApproachLoad& load = result.loads.emplace_back();
    load.offline_rate = 20.0;
    load.predicted = 18.0;
    load.capacity = CapacityRange{};
    load.capacity->passed = 17;
    load.capacity->failed = 18;
    for (const double capacity : {17.4, 17.5, 17.6, 17.5, 17.4}) load.capacities.emplace_back(capacity);
  }
  return result;
}

TEST(MakeLoadReport, TellsCapacitiesAndTheirRatio) {
  const Report report = make_load_report(two_loads());
  ASSERT_TRUE(report.load);
  EXPECT_EQ(report.load->results[0].approach, "fast-fp32@cpu");
  EXPECT_EQ(*report.load->results[0].capacity->rate, 17);
  EXPECT_NEAR(*report.load->results[0].capacity->estimate, 17.48, 0.01);
  ASSERT_EQ(report.load->comparisons.size(), 1U);
  EXPECT_EQ(*report.load->comparisons[0].capacity_ratio.ratio, 1);
  EXPECT_EQ(report.load->comparisons[0].verdict, CapacityVerdict::no_difference);
}

TEST(MakeLoadReport, ComparesNothingWhereOneHasNoCapacity) {
  LoadResult result = two_loads();
  result.loads[1].capacity = CapacityRange{};
  result.loads[1].capacity->reason = "no rate holds it: the unloaded p99 is 85 ms";
  result.loads[1].capacities.clear();
  const Report report = make_load_report(result);
  ASSERT_EQ(report.load->comparisons.size(), 1U);
  EXPECT_EQ(report.load->comparisons[0].verdict, CapacityVerdict::inconclusive);
  EXPECT_EQ(report.load->comparisons[0].reason,
            "slow-fp32@cpu has no capacity: no rate holds it: the unloaded p99 is 85 ms");
  result.loads[1].capacities.emplace_back(17.0);
  EXPECT_EQ(make_load_report(result).load->comparisons[0].reason, "they were measured in different generations");
}

}  // namespace
}  // namespace stagemark
