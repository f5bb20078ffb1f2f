// The generator, the queue and instances in threads of their own, on the real clock. Nothing here asserts how long a thing
// takes: what must follow from the measured times is computed from them.
#include "stagemark/load/live_load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "fakes/allocations.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds patient = 60s;

/// An engine that answers at once.
void at_once(std::size_t /*instance*/, std::size_t /*first*/, std::span<const QueryId> /*queries*/,
             std::span<QueryOutcome> /*outcomes*/) {}

void spin(Nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) continue;
}

LiveLoadResult serve(const Arrivals& arrivals, const ServeBatch& engine, const ServingSettings& settings = {},
                     Nanoseconds longest_run_out = patient) {
  LiveLoadObserver nobody;
  return serve_live(settings, arrivals, engine, longest_run_out, nobody);
}

std::map<QueryOutcome, std::size_t> outcomes_of(const LiveLoadResult& result) {
  std::map<QueryOutcome, std::size_t> counts;
  for (const QueryRecord& record : result.log) ++counts[record.outcome];
  return counts;
}

TEST(LiveLoad, AnswersEachQueryOnceAndInOrder) {
  std::vector<QueryId> served;
  const LiveLoadResult result =
      serve(poisson_arrivals(5'000, 300ms, 1), [&](std::size_t, std::size_t first, auto queries, auto) {
        EXPECT_EQ(first, served.size());
        served.insert(served.end(), queries.begin(), queries.end());
      });
  ASSERT_GT(result.log.size(), 1'000U);
  ASSERT_EQ(served.size(), result.log.size());
  EXPECT_TRUE(std::ranges::is_sorted(served));
  for (const QueryRecord& record : result.log) {
    ASSERT_EQ(record.outcome, QueryOutcome::completed);
    ASSERT_LE(record.scheduled, record.sent);
    ASSERT_LE(record.sent, record.dispatched);
    ASSERT_LT(record.dispatched, record.completed);
    ASSERT_EQ(record.batch_size, 1U);
  }
  EXPECT_FALSE(result.interrupted);
  EXPECT_GE(result.complete_until, result.log.back().completed);
}

// The recursion of Lindley (1952): what comes while another is served waits until that has ended, and no longer.
TEST(LiveLoad, LetsNoQueryWaitLongerThanTheOneBeforeIt) {
  const LiveLoadResult result = serve(poisson_arrivals(300, 500ms, 2), [](auto...) { spin(2ms); });
  Nanoseconds free{0};
  for (const QueryRecord& record : result.log) {
    ASSERT_EQ(record.dispatched, std::max(record.sent, free));
    free = record.completed;
  }
}

// An engine that stalls for 200 ms: who waits for answers meets it once, and the schedule meets it with all that came.
TEST(LiveLoad, ShowsAStallToAllThatWereScheduledMeanwhile) {
  const auto stalls_at = [](std::size_t query) {
    return [query, count = std::size_t{0}](auto...) mutable {
      if (++count == query) spin(200ms);
    };
  };
  const OpenLoop arrivals = poisson_arrivals(400, 1s, 3);
  const LiveLoadResult open = serve(arrivals, stalls_at(100));
  std::vector<double> measured;
  std::vector<double> expected;
  Nanoseconds free{0};
  Nanoseconds latest{0};
  for (const QueryRecord& record : open.log) {
    measured.push_back(static_cast<double>(record.latency().count()));
    free = std::max(record.scheduled, free) + record.service();
    expected.push_back(static_cast<double>((free - record.scheduled).count()));
    latest = std::max(latest, record.lateness());
  }
  std::ranges::sort(measured);
  std::ranges::sort(expected);
  for (const double p : {0.5, 0.9, 0.99}) {
    // A late generator starts the recursion later by no more than it was late, at any query.
    EXPECT_NEAR(quantile(measured, p), quantile(expected, p), static_cast<double>(latest.count())) << p;
  }
  const auto above = [&](const LiveLoadResult& result) {
    return std::ranges::count_if(result.log, [](const QueryRecord& record) { return record.latency() > 50ms; });
  };
  EXPECT_GT(above(open), 30) << "of about 60 that were scheduled in the first 150 ms of it";
  const LiveLoadResult closed = serve(closed_arrivals(1, 1s), [&, stall = stalls_at(100)](auto... call) mutable {
    spin(1ms);
    stall(call...);
  });
  EXPECT_LE(above(closed), 30) << "one, where nothing else disturbs";
}

TEST(LiveLoad, FillsBatchesWithWhatWaits) {
  std::vector<std::size_t> sizes;
  const LiveLoadResult result =
      serve(offline_arrivals(10),
            [&](std::size_t, std::size_t, auto queries, auto) { sizes.push_back(queries.size()); }, {.max_batch = 4});
  // The first finds a free instance.
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 4, 4, 1}));
  EXPECT_EQ(result.log[3].batch_size, 4U);
}

TEST(LiveLoad, WaitsForABatchToFillNoLongerThanItMay) {
  const LiveLoadResult result = serve(offline_arrivals(2), at_once, {.max_batch = 4, .max_batch_delay = 5ms});
  for (const QueryRecord& record : result.log) {
    EXPECT_EQ(record.batch_size, 2U);
    EXPECT_GE(record.batch_formation, 5ms);
  }
}

TEST(LiveLoad, RefusesWhatTheQueueDoesNotHold) {
  auto counts = outcomes_of(serve(offline_arrivals(10), at_once, {.queue_limit = 2}));
  EXPECT_EQ(counts[QueryOutcome::completed], 3U) << "one is served, two wait";
  EXPECT_EQ(counts[QueryOutcome::refused], 7U);
}

TEST(LiveLoad, ExpiresWhatWaitsTooLongWhileTheInstanceWorks) {
  std::vector<QueryId> served;
  const LiveLoadResult result = serve(offline_arrivals(3),
                                      [&](std::size_t, std::size_t, auto queries, auto) {
                                        served.push_back(queries.front());
                                        std::this_thread::sleep_for(100ms);
                                      },
                                      {.deadline = 20ms});
  EXPECT_EQ(served, std::vector<QueryId>{0});
  EXPECT_EQ(outcomes_of(result)[QueryOutcome::expired], 2U);
  EXPECT_LT(result.log[1].completed, result.log[0].completed) << "not only when the instance is free again";
}

TEST(LiveLoad, LetsInstancesWorkAtTheSameTime) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t inside = 0;
  std::atomic<int> met = 0;
  const LiveLoadResult result = serve(offline_arrivals(2),
                                      [&](auto...) {
                                        std::unique_lock lock(mutex);
                                        ++inside;
                                        changed.notify_all();
                                        if (changed.wait_for(lock, 30s, [&] { return inside == 2; })) ++met;
                                      },
                                      {.instances = 2});
  EXPECT_EQ(met, 2);
  EXPECT_NE(result.log[0].instance, result.log[1].instance);
}

TEST(LiveLoad, CountsWhatAnEngineFails) {
  const LiveLoadResult result = serve(offline_arrivals(10), [](std::size_t, std::size_t, auto queries, auto outcomes) {
    for (std::size_t i = 0; i < queries.size(); ++i) {
      if (queries[i] % 2 == 1) outcomes[i] = QueryOutcome::failed;
    }
  });
  EXPECT_EQ(outcomes_of(result)[QueryOutcome::failed], 5U);
  EXPECT_EQ(result.log[1].outcome, QueryOutcome::failed);
}

TEST(LiveLoad, LetsACallerAskAgainWhenItHasItsAnswer) {
  const LiveLoadResult result = serve(closed_arrivals(1, 30ms), [](auto...) { spin(200us); });
  ASSERT_GT(result.log.size(), 2U);
  for (std::size_t i = 1; i < result.log.size(); ++i) {
    ASSERT_EQ(result.log[i].scheduled, result.log[i - 1].completed) << i;
  }
  const LiveLoadResult several = serve(multi_stream_arrivals(4, 20ms), at_once, {.max_batch = 4});
  ASSERT_EQ(several.log.size() % 4, 0U);
  for (std::size_t i = 4; i < several.log.size(); i += 4) {
    ASSERT_EQ(several.log[i].scheduled, several.log[i - 1].completed) << i;
    ASSERT_EQ(several.log[i].scheduled, several.log[i + 3].scheduled) << i;
  }
}

TEST(LiveLoad, EndsWhereItIsToldToAndKeepsWhatWasAnswered) {
  class AfterFive final : public LiveLoadObserver {
   public:
    bool interrupted() override { return answered_ >= 5; }
    void progressed(Nanoseconds /*now*/, std::size_t /*sent*/, std::size_t answered) override { answered_ = answered; }

   private:
    std::size_t answered_ = 0;
  } observer;
  const LiveLoadResult result = serve_live(
      {}, uniform_arrivals(1'000, 600s), [](auto...) { spin(5ms); }, patient, observer);
  EXPECT_TRUE(result.interrupted);
  EXPECT_LT(result.log.size(), 600'000U);
  std::size_t completed = 0;
  for (const QueryRecord& record : result.log) {
    if (record.scheduled < result.complete_until) {
      ASSERT_EQ(record.outcome, QueryOutcome::completed);
    }
    completed += record.outcome == QueryOutcome::completed ? 1 : 0;
  }
  EXPECT_GE(completed, 5U);
}

TEST(LiveLoad, EndsWhereWhatWaitsTakesTooLong) {
  auto counts = outcomes_of(serve(
      offline_arrivals(1'000), [](auto...) { spin(5ms); }, {}, 20ms));
  EXPECT_GT(counts[QueryOutcome::completed], 0U);
  EXPECT_GT(counts[QueryOutcome::expired], 500U);
}

TEST(LiveLoad, CountsTheRunOutFromWhereNobodyAsksAgain) {
  const LiveLoadResult result = serve(
      closed_arrivals(2, 400ms), [](auto...) { spin(1ms); }, {}, 20ms);
  EXPECT_GT(result.log.back().scheduled, 300ms);
  EXPECT_EQ(outcomes_of(result)[QueryOutcome::expired], 0U);
}

TEST(LiveLoad, FillsBatchesWithWhatArrivesTogether) {
  std::vector<std::size_t> sizes;
  (void)serve(multi_stream_arrivals(8, 1ms),
              [&](std::size_t, std::size_t, auto queries, auto) {
                sizes.push_back(queries.size());
                spin(2ms);
              },
              {.max_batch = 4});
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4}));
}

TEST(LiveLoad, AllocatesNothingPerQuery) {
  std::size_t before = 0;
  std::size_t after = 0;
  const LiveLoadResult result = serve(poisson_arrivals(5'000, 500ms, 4),
                                      [&](std::size_t, std::size_t, auto queries, auto) {
                                        if (queries.front() >= 500 && before == 0) before = allocations();
                                        if (queries.front() >= 500) after = allocations();
                                      },
                                      {.max_batch = 4, .max_batch_delay = 100us, .deadline = 10s});
  EXPECT_GT(before, 0U);
  EXPECT_EQ(after, before);
}

TEST(LiveLoad, RefusesSettingsThatAreOutOfRange) {
  LiveLoadObserver nobody;
  EXPECT_THROW((void)serve_live({.instances = 0}, offline_arrivals(1), at_once, patient, nobody), UsageError);
}

}  // namespace
}  // namespace stagemark
