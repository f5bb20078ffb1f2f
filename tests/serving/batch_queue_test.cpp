#include "stagemark/serving/batch_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes/allocations.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/random.hpp"

namespace stagemark {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Ids = std::vector<QueryId>;

Ids ids(std::span<const QueryId> queries) { return {queries.begin(), queries.end()}; }

/// The batch that an event makes, whatever instance it goes to; empty where it makes none.
Ids batch(const Decisions& decisions) { return decisions.dispatch ? ids(decisions.dispatch->queries) : Ids(); }

/// A queue whose instances are free from time 0 on.
BatchQueue open_queue(const ServingSettings& settings) {
  BatchQueue queue(settings);
  for (std::size_t i = 0; i < settings.instances; ++i) queue.instance_free(milliseconds(0), i);
  return queue;
}

Decisions arrive(BatchQueue& queue, int millisecond, QueryId query) {
  return queue.arrive(milliseconds(millisecond), query, milliseconds(millisecond));
}

TEST(BatchQueue, GivesAQueryToAFreeInstanceAtOnce) {
  BatchQueue queue = open_queue({});
  const Decisions decisions = arrive(queue, 1, 7);
  EXPECT_TRUE(decisions.accepted);
  EXPECT_THAT(batch(decisions), ElementsAre(7));
  EXPECT_EQ(queue.free_instances(), 0U);
  EXPECT_EQ(queue.next_wake_up(), std::nullopt);
}

TEST(BatchQueue, GivesNothingToAnInstanceThatNeverWasFree) {
  BatchQueue queue(ServingSettings{});
  EXPECT_THAT(batch(arrive(queue, 1, 7)), IsEmpty());
  EXPECT_THAT(batch(queue.instance_free(milliseconds(2), 0)), ElementsAre(7));
}

TEST(BatchQueue, TakesAsManyAsWaitUpToTheLargestBatch) {
  BatchQueue queue = open_queue({.max_batch = 3});
  EXPECT_THAT(batch(arrive(queue, 0, 0)), ElementsAre(0));
  for (int i = 1; i <= 4; ++i) EXPECT_THAT(batch(arrive(queue, i, static_cast<QueryId>(i))), IsEmpty());
  EXPECT_THAT(batch(queue.instance_free(milliseconds(9), 0)), ElementsAre(1, 2, 3));
  EXPECT_THAT(batch(queue.instance_free(milliseconds(12), 0)), ElementsAre(4));
}

TEST(BatchQueue, LetsABatchFillForTheDelayAtMost) {
  BatchQueue queue = open_queue({.max_batch = 3, .max_batch_delay = milliseconds(5)});
  EXPECT_THAT(batch(arrive(queue, 10, 0)), IsEmpty());
  EXPECT_THAT(batch(arrive(queue, 12, 1)), IsEmpty());
  EXPECT_EQ(queue.next_wake_up(), milliseconds(15));
  EXPECT_THAT(batch(queue.advance(milliseconds(15) - Nanoseconds(1))), IsEmpty());
  EXPECT_THAT(batch(queue.advance(milliseconds(15))), ElementsAre(0, 1));
}

TEST(BatchQueue, DispatchesAFullBatchBeforeItsDelay) {
  BatchQueue queue = open_queue({.max_batch = 2, .max_batch_delay = milliseconds(5)});
  arrive(queue, 10, 0);
  EXPECT_THAT(batch(arrive(queue, 11, 1)), ElementsAre(0, 1));
}

TEST(BatchQueue, CountsTheDelayFromTheArrivalEvenWhereNoInstanceWasFree) {
  BatchQueue queue = open_queue({.max_batch = 2, .max_batch_delay = milliseconds(5)});
  arrive(queue, 0, 0);
  queue.advance(milliseconds(5));
  arrive(queue, 6, 1);
  EXPECT_EQ(queue.next_wake_up(), std::nullopt) << "no instance is free: time alone changes nothing";
  EXPECT_THAT(batch(queue.instance_free(milliseconds(20), 0)), ElementsAre(1));
}

TEST(BatchQueue, SaysSinceWhenTheInstanceWasFree) {
  BatchQueue queue = open_queue({.max_batch = 2, .max_batch_delay = milliseconds(5)});
  arrive(queue, 3, 0);
  EXPECT_EQ(queue.advance(milliseconds(8)).dispatch->instance_free_since, milliseconds(0));
  arrive(queue, 9, 1);
  queue.instance_free(milliseconds(12), 0);
  EXPECT_EQ(queue.advance(milliseconds(14)).dispatch->instance_free_since, milliseconds(12));
}

TEST(BatchQueue, TakesTheInstanceThatWasFreeLongest) {
  BatchQueue queue = open_queue({.instances = 2});
  EXPECT_EQ(arrive(queue, 1, 0).dispatch->instance, 0U);
  queue.instance_free(milliseconds(2), 0);
  EXPECT_EQ(arrive(queue, 3, 1).dispatch->instance, 1U);
  EXPECT_EQ(arrive(queue, 4, 2).dispatch->instance, 0U);
}

TEST(BatchQueue, RefusesWhereAsManyWaitAsMay) {
  BatchQueue queue = open_queue({.queue_limit = 2});
  for (QueryId i = 0; i < 3; ++i) EXPECT_TRUE(arrive(queue, 1, i).accepted) << "one is served, two wait";
  EXPECT_FALSE(arrive(queue, 2, 3).accepted);
  EXPECT_THAT(batch(queue.instance_free(milliseconds(3), 0)), ElementsAre(1));
  EXPECT_TRUE(arrive(queue, 4, 4).accepted) << "the limit counts those that wait";
  EXPECT_THAT(batch(queue.instance_free(milliseconds(5), 0)), ElementsAre(2));
  EXPECT_THAT(batch(queue.instance_free(milliseconds(6), 0)), ElementsAre(4)) << "the refused one is not there";
}

TEST(BatchQueue, WithoutPlacesToWaitServesWhoFindsAnInstanceFree) {
  BatchQueue queue = open_queue({.queue_limit = 0});
  EXPECT_TRUE(arrive(queue, 1, 0).accepted);
  EXPECT_FALSE(arrive(queue, 1, 1).accepted);
}

TEST(BatchQueue, AcceptsTheQueryThatCompletesABatch) {
  BatchQueue queue = open_queue({.max_batch = 2, .max_batch_delay = hours(1), .queue_limit = 1});
  EXPECT_TRUE(arrive(queue, 1, 0).accepted);
  const Decisions decisions = arrive(queue, 1, 1);
  EXPECT_TRUE(decisions.accepted);
  EXPECT_THAT(batch(decisions), ElementsAre(0, 1));
}

TEST(BatchQueue, DropsAQueryAfterItsDeadlineThoughNoInstanceIsFree) {
  BatchQueue queue = open_queue({.deadline = milliseconds(10)});
  arrive(queue, 0, 0);
  arrive(queue, 1, 1);
  EXPECT_EQ(queue.next_wake_up(), milliseconds(11) + Nanoseconds(1));
  EXPECT_THAT(queue.advance(milliseconds(11)).expired, IsEmpty()) << "in time to the last moment";
  EXPECT_THAT(ids(queue.advance(milliseconds(11) + Nanoseconds(1)).expired), ElementsAre(1));
  EXPECT_THAT(batch(queue.instance_free(milliseconds(20), 0)), IsEmpty());
}

TEST(BatchQueue, CountsADeadlineFromWhenTheQueryWasScheduled) {
  BatchQueue queue = open_queue({.deadline = milliseconds(10)});
  const Decisions late = queue.arrive(milliseconds(30), 0, milliseconds(5));
  EXPECT_TRUE(late.accepted);
  EXPECT_THAT(ids(late.expired), ElementsAre(0));
  EXPECT_FALSE(late.dispatch);
}

TEST(BatchQueue, GivesThePlaceOfAnExpiredQueryToTheNext) {
  BatchQueue queue = open_queue({.queue_limit = 1, .deadline = milliseconds(10)});
  arrive(queue, 0, 0);
  arrive(queue, 1, 1);
  const Decisions decisions = arrive(queue, 30, 2);
  EXPECT_THAT(ids(decisions.expired), ElementsAre(1));
  EXPECT_TRUE(decisions.accepted);
}

TEST(BatchQueue, RefusesEventsThatCannotBe) {
  BatchQueue queue = open_queue({});
  EXPECT_THROW(queue.instance_free(milliseconds(1), 0), std::invalid_argument) << "free already";
  EXPECT_THROW(queue.instance_free(milliseconds(1), 1), std::invalid_argument) << "no such instance";
  arrive(queue, 5, 0);
  EXPECT_THROW(queue.advance(milliseconds(4)), std::invalid_argument);
  EXPECT_THROW(queue.arrive(milliseconds(6), 1, milliseconds(4)), std::invalid_argument);
  EXPECT_EQ(queue.waiting(), 0U) << "what was refused left no trace";
}

void expect_unusable(const ServingSettings& settings, const std::string& words) {
  try {
    expect_usable(settings);
    FAIL() << words;
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr(words));
  }
  EXPECT_THROW(BatchQueue{settings}, UsageError);
}

TEST(ServingSettings, NamesTheSettingThatIsOutOfRange) {
  expect_unusable({.instances = 0}, "`instances`");
  expect_unusable({.threads = 0}, "`threads`");
  expect_unusable({.max_batch = 0}, "`max_batch`");
  expect_unusable({.max_batch = 100'001}, "`max_batch`");
  expect_unusable({.max_batch_delay = Nanoseconds(-1)}, "`max_batch_delay`");
  expect_unusable({.max_batch_delay = hours(25)}, "`max_batch_delay`");
  expect_unusable({.queue_limit = std::size_t{1} << 40U}, "`queue_limit`");
  expect_unusable({.deadline = Nanoseconds(0)}, "`deadline`");
  expect_unusable({.deadline = hours(25)}, "`deadline`");
  EXPECT_NO_THROW(expect_usable({.max_batch_delay = hours(24), .queue_limit = 0, .deadline = hours(24)}));
}

/// Does what is random, and holds each decision of a queue against a list of who waits.
class RandomLoad {
 public:
  explicit RandomLoad(std::uint64_t seed)
      : random_(seed), settings_(draw_settings()), queue_(settings_, 1 + random_.below(4)) {
    for (std::size_t i = 0; i < settings_.instances; ++i) busy_.insert(i);
  }

  void run(int events) {
    for (int i = 0; i < events && !testing::Test::HasFailure(); ++i) event();
    // Time and instances go on: all that was accepted leaves.
    while (!waiting_.empty() && !testing::Test::HasFailure()) {
      now_ += Nanoseconds(20);
      busy_.empty() ? check(queue_.advance(now_), true) : free_one();
    }
    EXPECT_EQ(refused_ + expired_ + dispatched_, arrived_);
  }

 private:
  struct Shadow {
    QueryId query;
    Nanoseconds arrived, scheduled;
  };

  ServingSettings draw_settings() {
    ServingSettings settings{.instances = 1 + random_.below(3),
                             .max_batch = 1 + random_.below(4),
                             .max_batch_delay = Nanoseconds(random_.below(2) * random_.below(30))};
    if (random_.below(2) == 0) settings.queue_limit = random_.below(6);
    if (random_.below(2) == 0) settings.deadline = Nanoseconds(1 + random_.below(60));
    return settings;
  }

  void event() {
    const std::optional<Nanoseconds> due = queue_.next_wake_up();
    if (due && random_.below(2) == 0) {
      now_ = std::max(now_, *due);
    } else {
      now_ += Nanoseconds(random_.below(12));
    }
    const std::size_t kind = random_.below(4);
    if (kind == 0) {
      check(queue_.advance(now_), true);
    } else if (kind == 1 && !busy_.empty()) {
      free_one();
    } else {
      scheduled_ = std::max(scheduled_, now_ - Nanoseconds(random_.below(10)));
      waiting_.push_back({arrived_, now_, scheduled_});
      const Decisions decisions = queue_.arrive(now_, arrived_++, scheduled_);
      check(decisions, decisions.accepted);
    }
  }

  void free_one() {
    const auto chosen = std::next(busy_.begin(), static_cast<std::ptrdiff_t>(random_.below(busy_.size())));
    const std::size_t instance = *chosen;
    busy_.erase(chosen);
    check(queue_.instance_free(now_, instance), true);
  }

  [[nodiscard]] bool past_deadline(const Shadow& query) const {
    return settings_.deadline && now_ > query.scheduled + *settings_.deadline;
  }
  [[nodiscard]] bool has_waited_long_enough() const {
    return now_ - waiting_.front().arrived >= settings_.max_batch_delay;
  }

  void check(const Decisions& decisions, bool accepted) {
    for (const QueryId query : decisions.expired) {
      ASSERT_EQ(query, waiting_.front().query);
      ASSERT_TRUE(past_deadline(waiting_.front()));
      waiting_.pop_front();
      ++expired_;
    }
    if (decisions.dispatch) {
      const Dispatch& batch = *decisions.dispatch;
      ASSERT_TRUE(busy_.insert(batch.instance).second);
      ASSERT_TRUE(!batch.queries.empty() && batch.queries.size() <= settings_.max_batch);
      ASSERT_LE(batch.queries.size(), waiting_.size());
      if (batch.queries.size() < settings_.max_batch) {
        ASSERT_EQ(batch.queries.size(), waiting_.size()) << "room, and one that waits is left behind";
        ASSERT_TRUE(has_waited_long_enough());
      }
      for (const QueryId query : batch.queries) {
        ASSERT_EQ(query, waiting_.front().query);
        ASSERT_FALSE(past_deadline(waiting_.front()));
        waiting_.pop_front();
        ++dispatched_;
      }
    }
    if (!accepted) {
      ASSERT_EQ(waiting_.size(), settings_.queue_limit.value() + 1) << "refused though there was room";
      waiting_.pop_back();
      ++refused_;
    }
    ASSERT_EQ(queue_.waiting(), waiting_.size());
    ASSERT_EQ(queue_.free_instances(), settings_.instances - busy_.size());
    if (settings_.queue_limit) {
      ASSERT_LE(waiting_.size(), *settings_.queue_limit);
    }
    check_what_is_left();
  }

  void check_what_is_left() const {
    std::optional<Nanoseconds> due;
    if (!waiting_.empty()) {
      ASSERT_FALSE(past_deadline(waiting_.front()));
      if (settings_.deadline) due = waiting_.front().scheduled + *settings_.deadline + Nanoseconds(1);
      if (busy_.size() < settings_.instances) {
        ASSERT_TRUE(waiting_.size() < settings_.max_batch && !has_waited_long_enough()) << "an instance idles";
        const Nanoseconds filled = waiting_.front().arrived + settings_.max_batch_delay;
        due = due ? std::min(*due, filled) : filled;
      }
    }
    ASSERT_EQ(queue_.next_wake_up(), due);
  }

  SplitMix64 random_;
  ServingSettings settings_;
  BatchQueue queue_;
  Nanoseconds now_{0};
  Nanoseconds scheduled_{0};
  std::set<std::size_t> busy_;
  std::deque<Shadow> waiting_;
  QueryId arrived_ = 0;
  QueryId refused_ = 0;
  QueryId expired_ = 0;
  QueryId dispatched_ = 0;
};

TEST(BatchQueue, KeepsItsPromisesWhateverHappens) {
  for (std::uint64_t seed = 0; seed < 5000 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    RandomLoad(seed).run(60);
  }
}

/// A full round: more arrive than may wait or wait in time, then all leave.
void fill_and_empty(BatchQueue& queue, Nanoseconds& now) {
  for (QueryId i = 0; i < 100; ++i) queue.arrive(now += milliseconds(1), i, now);
  while (queue.waiting() > 0) queue.instance_free(now += milliseconds(1), 0);
}

TEST(BatchQueue, AllocatesNothingOnceItIsWarm) {
  for (const std::optional<std::size_t> limit : {std::optional<std::size_t>(40), std::optional<std::size_t>()}) {
    BatchQueue queue({.max_batch = 2, .queue_limit = limit, .deadline = milliseconds(90)}, 4);
    Nanoseconds now{0};
    if (!limit) fill_and_empty(queue, now);
    const std::size_t before = allocations();
    fill_and_empty(queue, now);
    EXPECT_EQ(allocations(), before);
  }
}

}  // namespace
}  // namespace stagemark
