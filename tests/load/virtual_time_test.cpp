#include "stagemark/load/virtual_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "load/virtual_load.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

const ServiceTime ten_ms = [](const ServiceCall&) -> Nanoseconds { return milliseconds(10); };

/// Completions in milliseconds.
std::vector<std::int64_t> completions(const std::vector<QueryRecord>& log) {
  std::vector<std::int64_t> times;
  for (const QueryRecord& query : log) times.push_back(query.completed / milliseconds(1));
  return times;
}

TEST(VirtualTime, ServesOneAfterTheOther) {
  const auto log = serve_in_virtual_time({}, OpenLoop{{milliseconds(0), milliseconds(1), milliseconds(30)}}, ten_ms);
  EXPECT_THAT(completions(log), ElementsAre(10, 20, 40));
  EXPECT_EQ(log[1].queue_wait(), milliseconds(9));
  EXPECT_EQ(log[1].service(), milliseconds(10));
  EXPECT_EQ(log[1].latency(), milliseconds(19));
}

TEST(VirtualTime, LetsABatchEndBeforeAQueryArrivesInTheSameMoment) {
  const auto log = serve_in_virtual_time({.queue_limit = 0}, OpenLoop{{milliseconds(0), milliseconds(10)}}, ten_ms);
  EXPECT_EQ(log[1].outcome, QueryOutcome::completed);
}

TEST(VirtualTime, TellsTheWaitForAnInstanceFromTheWaitForABatch) {
  const ServingSettings settings{.max_batch = 2, .max_batch_delay = milliseconds(15)};
  const auto log = serve_in_virtual_time(
      settings, OpenLoop{{milliseconds(0), milliseconds(1), milliseconds(5), milliseconds(40)}}, ten_ms);
  EXPECT_EQ(log[0].formation(), milliseconds(1)) << "it waited for the second";
  EXPECT_EQ(log[1].formation(), milliseconds(0));
  // Came at 5 while the instance was busy until 11; its delay ended at 20.
  EXPECT_EQ(log[2].queue_wait(), milliseconds(6));
  EXPECT_EQ(log[2].formation(), milliseconds(9));
  EXPECT_EQ(log[2].batch_size, 1U);
  EXPECT_EQ(log[3].completed, milliseconds(65));
}

TEST(VirtualTime, RecordsWhoWasRefusedAndWhoExpired) {
  const auto arrivals = OpenLoop{{milliseconds(0), milliseconds(1), milliseconds(2)}};
  const auto refused = serve_in_virtual_time({.queue_limit = 1}, arrivals, ten_ms);
  EXPECT_EQ(refused[2].outcome, QueryOutcome::refused);
  EXPECT_EQ(refused[2].completed, milliseconds(2));
  const auto expired = serve_in_virtual_time({.deadline = milliseconds(5)}, arrivals, ten_ms);
  EXPECT_EQ(expired[1].outcome, QueryOutcome::expired);
  EXPECT_EQ(expired[1].completed, milliseconds(6) + Nanoseconds(1));
  EXPECT_EQ(expired[1].batch_size, 0U);
}

TEST(VirtualTime, CallersSendWhenTheyAreAnswered) {
  const auto log = serve_in_virtual_time({}, closed_arrivals(2, milliseconds(35)), ten_ms);
  EXPECT_THAT(completions(log), ElementsAre(10, 20, 30, 40, 50)) << "the last two were sent at 20 and at 30";
  EXPECT_EQ(log[4].scheduled, milliseconds(30));
}

TEST(VirtualTime, AQueryOfSeveralSamplesWaitsForTheLast) {
  const auto log = serve_in_virtual_time({.max_batch = 2}, multi_stream_arrivals(3, milliseconds(35)), ten_ms);
  // They come together, so that the first batch is full.
  EXPECT_THAT(completions(log), ElementsAre(10, 10, 20, 30, 30, 40));
  const auto queries = whole_queries(log, 3);
  EXPECT_THAT(completions(queries), ElementsAre(20, 40));
  EXPECT_EQ(queries[1].latency(), milliseconds(20));
}

TEST(VirtualTime, OfflineTakesFullBatches) {
  const auto log = serve_in_virtual_time({.instances = 2, .max_batch = 2}, offline_arrivals(6), ten_ms);
  EXPECT_THAT(completions(log), ElementsAre(10, 10, 20, 20, 20, 20));
}

TEST(VirtualTime, IsTheSameForTheSameSeed) {
  const auto latencies = [](std::uint64_t seed) {
    return completions(serve_in_virtual_time({}, poisson(0.5, 1000, 1), service_with(1), seed));
  };
  EXPECT_EQ(latencies(1), latencies(1));
  EXPECT_NE(latencies(1), latencies(2));
}

TEST(VirtualTime, RefusesCallersThatWouldAskWithoutEnd) {
  EXPECT_THROW(serve_in_virtual_time({.queue_limit = 2}, closed_arrivals(3, milliseconds(1)), ten_ms), UsageError);
  EXPECT_NO_THROW(serve_in_virtual_time({.queue_limit = 3}, closed_arrivals(3, milliseconds(1)), ten_ms));
}

TEST(QueryLog, CountsWhoIsInTheSystemAndWhoWaits) {
  const auto log = serve_in_virtual_time(
      {.queue_limit = 1},
      OpenLoop{{milliseconds(0), milliseconds(1), milliseconds(2), milliseconds(10), milliseconds(50)}}, ten_ms);
  ASSERT_EQ(log[2].outcome, QueryOutcome::refused);
  EXPECT_THAT(found_in_system(log), ElementsAre(0, 1, 2, 1, 0));
  EXPECT_THAT(found_waiting(log), ElementsAre(0, 0, 1, 0, 0));
}

TEST(QueryLog, AWholeQueryHasTheWorstOutcomeOfItsSamples) {
  std::vector<QueryRecord> samples(4);
  samples[1].outcome = QueryOutcome::failed;
  samples[2].completed = milliseconds(3);
  const auto queries = whole_queries(samples, 2);
  EXPECT_EQ(queries[0].outcome, QueryOutcome::failed);
  EXPECT_EQ(queries[1].outcome, QueryOutcome::completed);
  EXPECT_EQ(queries[1].completed, milliseconds(3));
  EXPECT_THROW(whole_queries(samples, 3), std::invalid_argument);
}

}  // namespace
}  // namespace stagemark
