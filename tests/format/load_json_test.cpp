// The part `load` of a report in JSON: nothing is lost, and nothing is taken that cannot be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "format/json_text_of.hpp"
#include "format/load_fixture.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

TEST(LoadJson, ReadsBackWhatItWrote) {
  const Report report = report_of_search();
  const std::string once = written(report);
  EXPECT_EQ(read(once), report);
  EXPECT_EQ(written(read(once)), once);
}

TEST(LoadJson, NeedsNoResultsBesideTheLoad) {
  const Report report = report_of_closed_loop();
  ASSERT_TRUE(report.results.empty());
  EXPECT_EQ(Json::parse(written(report))["results"], Json::array());
  EXPECT_EQ(read(written(report)), report);
}

TEST(LoadJson, ReadsBackALoadOfWhichNothingIsKnown) {
  Report report;
  report.load.emplace().results.emplace_back().points.emplace_back();
  report.load->results[0].capacity.emplace();
  report.load->comparisons.emplace_back();
  EXPECT_EQ(read(written(report)), report);
}

TEST(LoadJson, KeepsTheNamesThatScriptsRelyOn) {
  const Json json = Json::parse(written(report_of_search()));
  for (const char* name : {"scenario",
                           "arrivals",
                           "service_level/quantile",
                           "service_level/bound_ms",
                           "settings/instances",
                           "settings/threads",
                           "settings/max_batch",
                           "settings/max_batch_delay_ms",
                           "settings/queue_limit",
                           "settings/deadline_ms",
                           "settings/deadline_ms_reason",
                           "concurrency",
                           "samples_per_query",
                           "warmup_ms",
                           "duration_ms",
                           "generations",
                           "seed",
                           "stopped_because",
                           "results/0/approach",
                           "results/0/offline_rate",
                           "results/0/accuracy",
                           "results/0/unloaded/p99",
                           "results/0/points/0/offered_rate",
                           "results/0/points/0/achieved_rate",
                           "results/0/points/0/queries",
                           "results/0/points/0/completed",
                           "results/0/points/0/refused",
                           "results/0/points/0/expired",
                           "results/0/points/0/failed",
                           "results/0/points/0/latency/mean",
                           "results/0/points/0/latency/p50",
                           "results/0/points/0/latency/p90",
                           "results/0/points/0/latency/p95",
                           "results/0/points/0/latency/p99",
                           "results/0/points/0/latency/p999",
                           "results/0/points/0/latency/p99_upper",
                           "results/0/points/0/latency/max",
                           "results/0/points/0/queue_wait/mean",
                           "results/0/points/0/batch_formation/mean",
                           "results/0/points/0/service/mean",
                           "results/0/points/0/batch_sizes/1",
                           "results/0/points/0/utilisation",
                           "results/0/points/0/generator_lateness/p99",
                           "results/0/points/0/generator_lateness/max",
                           "results/0/points/0/verdict",
                           "results/0/points/0/more_seconds",
                           "results/0/points/0/reasons",
                           "results/0/capacity/rate",
                           "results/0/capacity/upper",
                           "results/0/capacity/predicted",
                           "results/0/capacity/reason",
                           "comparisons/0/baseline",
                           "comparisons/0/candidate",
                           "comparisons/0/capacity_ratio/ratio",
                           "comparisons/0/capacity_ratio/ci95/0",
                           "comparisons/0/capacity_ratio/p_value",
                           "comparisons/0/capacity_ratio/p_adjusted",
                           "comparisons/0/verdict"}) {
    EXPECT_TRUE(json.contains(Pointer("/load/" + std::string(name)))) << name;
  }
  EXPECT_EQ(json["load"]["results"][0]["points"][2]["verdict"], "undecided");
  EXPECT_EQ(json["load"]["results"][0]["points"][2]["more_seconds"], 340);
  EXPECT_EQ(json["load"]["results"][2]["capacity"]["rate"], nullptr);
  EXPECT_EQ(json["load"]["results"][2]["capacity"]["rate_reason"], "the level was not seen to hold");
  EXPECT_EQ(json["load"]["comparisons"][0]["verdict"], "higher");
}

TEST(LoadJson, NeverWritesNanOrInfinity) {
  Report report = report_of_search();
  report.load->results[0].points[0].latency.value->p999 = std::numeric_limits<double>::infinity();
  report.load->comparisons[0].capacity_ratio.ratio = std::numeric_limits<double>::quiet_NaN();
  const Json json = Json::parse(written(report));
  EXPECT_EQ(json["load"]["results"][0]["points"][0]["latency"]["p999_reason"], "not a finite number");
  EXPECT_TRUE(json["load"]["comparisons"][0]["capacity_ratio"]["ratio"].is_null());
}

TEST(LoadJson, IsAbsentFromReportsOfEarlierMinors) {
  for (const char* version : {"1.0", "1.1"}) {
    Json json = Json::parse(written(report_of({{"base", {}}})));
    EXPECT_FALSE(json.contains("load"));
    json["schema_version"] = version;
    EXPECT_FALSE(read(json.dump()).load) << version;
  }
}

/// What reading complains of, of the report of a search with one value replaced; empty if it does not.
std::string complaint_about(const std::string& pointer, const Json& value) {
  Json json = Json::parse(written(report_of_search()));
  json[Pointer(pointer)] = value;
  try {
    read(json.dump());
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(LoadJson, RefusesWhatNoLoadCanBe) {
  const std::vector<std::pair<std::string, Json>> cases = {
      {"/load/scenario", "burst"},
      {"/load/arrivals", "fractal"},
      {"/load/service_level/quantile", 0},
      {"/load/service_level/quantile", 1},
      {"/load/service_level/quantile", 99},
      {"/load/service_level/bound_ms", 0},
      {"/load/settings/instances", 0},
      {"/load/settings/threads", 0},
      {"/load/settings/max_batch", 0},
      {"/load/settings/max_batch_delay_ms", -1},
      {"/load/settings/queue_limit", -1},
      {"/load/settings/deadline_ms", 0},
      {"/load/concurrency", 0},
      {"/load/samples_per_query", 0},
      {"/load/warmup_ms", -1},
      {"/load/duration_ms", -1},
      {"/load/results/0/offline_rate", 0},
      {"/load/results/0/accuracy", 1.5},
      {"/load/results/0/unloaded/p50", -1},
      {"/load/results/0/points/0/offered_rate", 0},
      {"/load/results/0/points/0/offered_rate", "many"},
      {"/load/results/0/points/0/achieved_rate", -1},
      {"/load/results/0/points/0/utilisation", 1.1},
      {"/load/results/0/points/0/utilisation", -0.1},
      {"/load/results/0/points/0/more_seconds", -1},
      {"/load/results/0/points/0/verdict", "fine"},
      {"/load/results/0/points/0/latency/count", 0},
      {"/load/results/0/points/0/latency/p999", -1},
      {"/load/results/0/points/0/queue_wait/mean", -1},
      {"/load/results/0/points/0/batch_sizes/0", 7},
      {"/load/results/0/points/0/batch_sizes/two", 7},
      {"/load/results/0/points/0/batch_sizes/-1", 7},
      {"/load/results/0/points/0/batch_sizes/2.5", 7},
      {"/load/results/0/capacity/rate", 0},
      {"/load/results/0/capacity/upper", 12.1},
      {"/load/results/0/capacity/predicted", -3},
      {"/load/results/0/capacity/estimate", 0},
      {"/load/results/0/capacity/by_generation/3", 0},
      {"/load/comparisons/0/capacity_ratio/ratio", 0},
      {"/load/comparisons/0/capacity_ratio/ci95", Json::array({2, 1})},
      {"/load/comparisons/0/capacity_ratio/ci95", Json::array({-1, 1})},
      {"/load/comparisons/0/capacity_ratio/p_value", 1.1},
      {"/load/comparisons/0/capacity_ratio/p_adjusted", -0.1},
      {"/load/comparisons/0/verdict", "faster"},
  };
  for (const auto& [pointer, value] : cases) {
    EXPECT_THAT(complaint_about(pointer, value), HasSubstr("report.json at " + pointer + ": "))
        << pointer << " = " << value;
  }
}

TEST(LoadJson, RefusesMorePartsThanThereWereQueries) {
  EXPECT_THAT(complaint_about("/load/results/0/points/0/failed", 1),
              HasSubstr("/load/results/0/points/0/queries: expected no fewer than were completed, refused, expired"));
  // Their sum would begin anew at 0.
  EXPECT_NE(complaint_about("/load/results/0/points/0/refused", std::numeric_limits<std::uint64_t>::max() - 300), "");
  EXPECT_EQ(complaint_about("/load/results/0/points/0/queries", 361), "");
}

}  // namespace
}  // namespace stagemark
