#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "load/virtual_load.hpp"

// The simulation of a load, its queue and its batcher against what queueing theory says, each with 10^6 queries and to
// three standard errors of the simulation's own.

namespace stagemark {
namespace {

struct Estimate {
  double value;
  double standard_error;
};

void expect_theory(const Estimate& simulated, double theory) {
  EXPECT_NEAR(simulated.value, theory, 3 * simulated.standard_error);
  EXPECT_LT(3 * simulated.standard_error, theory) << "a test that could hardly fail";
}

/// The queries of a load, and where their regenerative cycles end (Crane & Iglehart 1975): what is summed between two
/// that find the system idle is independent.
class Simulated {
 public:
  explicit Simulated(std::vector<QueryRecord> log) : log_(std::move(log)), found_(found_in_system(log_)) {}

  /// Mean over the queries of what `value` gives, and its error.
  template <class Value>
  [[nodiscard]] Estimate mean_of(Value value) const {
    const auto n = static_cast<double>(log_.size());
    double total = 0;
    for (const QueryRecord& query : log_) total += value(query);
    double squares = 0;
    double sum = 0;
    for (std::size_t i = 0; i < log_.size(); ++i) {
      sum += value(log_[i]) - total / n;
      if (i + 1 < log_.size() && found_[i + 1] > 0) continue;
      squares += sum * sum;
      sum = 0;
    }
    return {.value = total / n, .standard_error = std::sqrt(squares) / n};
  }
  template <class Property>
  [[nodiscard]] Estimate share_with(Property property) const {
    return mean_of([property](const QueryRecord& query) { return property(query) ? 1.0 : 0.0; });
  }

  [[nodiscard]] Estimate mean_latency() const {
    return mean_of([](const QueryRecord& query) { return in_units(query.latency()); });
  }
  [[nodiscard]] Estimate mean_wait() const {
    return mean_of([](const QueryRecord& query) { return in_units(query.queue_wait()); });
  }
  [[nodiscard]] Estimate share_above(double latency) const {
    return share_with([bound = units(latency)](const QueryRecord& query) { return query.latency() > bound; });
  }
  [[nodiscard]] Estimate share_of(QueryOutcome outcome) const {
    return share_with([outcome](const QueryRecord& query) { return query.outcome == outcome; });
  }

 private:
  std::vector<QueryRecord> log_;
  std::vector<std::uint32_t> found_;
};

/// A million Poisson arrivals.
Simulated simulate(const ServingSettings& settings, double rate, const ServiceTime& service, std::uint64_t seed) {
  return Simulated(serve_in_virtual_time(settings, poisson(rate, 1'000'000, seed), service, ~seed));
}

// Gross & Harris, Fundamentals of Queueing Theory, 2.2: the time in the system is exponential with rate mu - lambda.
TEST(QueueingTheory, MM1HasExponentialLatencies) {
  constexpr double rate = 0.7;
  const Simulated load = simulate({}, rate, exponential_service(), 1);
  expect_theory(load.mean_latency(), 1 / (1 - rate));
  for (const double p : {0.5, 0.9, 0.99, 0.999}) {
    const double latency = -std::log(1 - p) / (1 - rate);
    expect_theory(load.share_above(latency), 1 - p);
  }
}

/// The chance that a query waits (Erlang 1917), by the recursion of Erlang's B.
double erlang_b(std::size_t servers, double load) {
  double blocked = 1;
  for (std::size_t k = 1; k <= servers; ++k) blocked = load * blocked / (static_cast<double>(k) + load * blocked);
  return blocked;
}
double erlang_c(std::size_t servers, double load) {
  const double blocked = erlang_b(servers, load);
  const double utilisation = load / static_cast<double>(servers);
  return blocked / (1 - utilisation * (1 - blocked));
}

// Gross & Harris 2.3: waits are exponential with rate c mu - lambda for those that wait, and the time in the system is
// the convolution with a service.
TEST(QueueingTheory, MMcWaitsAsErlangSays) {
  constexpr std::size_t servers = 3;
  constexpr double rate = 2.4;
  const Simulated load = simulate({.instances = servers}, rate, exponential_service(), 3);
  const double waits = erlang_c(servers, rate);
  EXPECT_NEAR(waits, 0.6471910112359550, 1e-12) << "by hand: 288/445";
  expect_theory(load.mean_wait(), waits / (servers - rate));
  expect_theory(load.share_with([](const QueryRecord& query) { return query.queue_wait() > Nanoseconds(0); }), waits);
  for (const double latency : {1.0, 4.0, 8.0}) {
    const double spare = servers - 1 - rate;
    const double above = std::exp(-latency) * (1 + waits * (1 - std::exp(-latency * spare)) / spare);
    expect_theory(load.share_above(latency), above);
  }
}

// Pollaczek (1930) and Khinchine (1932): the mean wait is rho / (2 (1 - rho)); the distribution is Erlang's of 1909.
TEST(QueueingTheory, MD1WaitsAsPollaczekAndKhinchineSay) {
  constexpr double rate = 0.8;
  const Simulated load = simulate({}, rate, service_with(0), 5);
  expect_theory(load.mean_wait(), rate / (2 * (1 - rate)));
  for (const double wait : {0.5, 2.5, 6.5}) {
    double within = 0;
    double factorial = 1;
    for (int k = 0; k <= wait; ++k) {
      if (k > 0) factorial *= k;
      within += std::pow(rate * (k - wait), k) / factorial * std::exp(-rate * (k - wait));
    }
    expect_theory(load.share_above(wait + 1), 1 - (1 - rate) * within);
  }
}

// Pollaczek and Khinchine again, with a second moment that is not of a textbook distribution.
TEST(QueueingTheory, MG1WaitsByTheSecondMomentOfItsService) {
  constexpr double rate = 0.6;
  const Simulated load = simulate({}, rate, service_with(0.5), 7);
  expect_theory(load.mean_wait(), rate * (1 + 0.25) / (2 * (1 - rate)));
}

TEST(QueueingTheory, DD1WaitsForNothingUntilItIsFullAndThenWithoutEnd) {
  const auto at = [](double rate) {
    return serve_in_virtual_time({}, uniform_arrivals(per_second(rate), units(1000)), service_with(0));
  };
  for (const QueryRecord& query : at(1)) ASSERT_EQ(query.latency(), unit);
  const auto overloaded = at(1.25);
  ASSERT_EQ(overloaded.size(), 1250U);
  for (std::size_t i = 0; i < overloaded.size(); ++i) {
    ASSERT_NEAR(in_units(overloaded[i].latency()), 1 + 0.2 * static_cast<double>(i), 1e-5);
  }
}

// Erlang (1917): without places to wait, a share B(c, a) is refused, whatever the distribution of service.
TEST(QueueingTheory, MGccRefusesErlangsShare) {
  const ServingSettings settings{.instances = 4, .queue_limit = 0};
  for (const double variation : {0.0, 1.0}) {
    const Simulated load = simulate(settings, 3, service_with(variation), 9);
    EXPECT_NEAR(erlang_b(4, 3), 27.0 / 131, 1e-12) << "by hand";
    expect_theory(load.share_of(QueryOutcome::refused), 27.0 / 131);
  }
}

// Gross & Harris 2.4: M/M/1/K with K = limit + 1 in the system.
TEST(QueueingTheory, MM1KRefusesWhoFindsTheQueueFull) {
  constexpr double rate = 0.9;
  constexpr int most = 6;
  const Simulated load = simulate({.queue_limit = most - 1}, rate, exponential_service(), 11);
  expect_theory(load.share_of(QueryOutcome::refused),
                (1 - rate) * std::pow(rate, most) / (1 - std::pow(rate, most + 1)));
}

// Barrer (1957), Operations Research 5, 650: M/M/1 whose customers leave when they have waited so long.
TEST(QueueingTheory, MM1WithADeadlineLosesBarrersShare) {
  constexpr double rate = 0.8;
  constexpr double deadline = 3;
  const Simulated load = simulate({.deadline = units(deadline)}, rate, exponential_service(), 13);
  const double tail = std::exp(-(1 - rate) * deadline);
  expect_theory(load.share_of(QueryOutcome::expired), (1 - rate) * rate * tail / (1 - rate * rate * tail));
}

// M/M(1,b)/1, bulk service by a server that takes as many as wait, up to b (Medhi, Recent Developments in Bulk Queueing
// Models, 1984, 3.2): while it is busy, the number that waits is geometric with the root r in (0, 1) of
// mu r^(b+1) - (lambda + mu) r + lambda = 0.
TEST(QueueingTheory, ABatchServerWaitsAsTheRootSays) {
  constexpr double rate = 2.8;
  constexpr std::size_t most = 4;
  double low = 0;
  double high = 0.999;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::pow(middle, most + 1) - (rate + 1) * middle + rate > 0 ? low : high) = middle;
  }
  const double r = low;
  const double busy_none_waits = 1 / (1 / (1 - r) + 1 / rate);
  const Simulated load = simulate({.max_batch = most}, rate, exponential_service(), 15);
  expect_theory(load.mean_wait(), busy_none_waits * r / ((1 - r) * (1 - r)) / rate);
  expect_theory(load.share_with([](const QueryRecord& query) { return query.queue_wait() == Nanoseconds(0); }),
                busy_none_waits / rate);
  // A batch of four begins where four or more waited when one ended.
  const double full_batches = busy_none_waits * std::pow(r, most) / (1 - r);
  expect_theory(load.share_with([](const QueryRecord& query) { return query.batch_size == most; }),
                full_batches * most / rate);
}

// With a delay and an instance that is always free, batches are renewal cycles: one query, and those that come within
// the delay.
TEST(QueueingTheory, ADelayFillsBatchesAsAPoissonProcessDoes) {
  constexpr double rate = 0.5;
  constexpr double delay = 3;
  const ServingSettings settings{.max_batch = 1000, .max_batch_delay = units(delay)};
  const Simulated load = simulate(
      settings, rate, [](const ServiceCall&) { return Nanoseconds(0); }, 17);
  const double in_batch = 1 + rate * delay;
  const auto formation = [](const QueryRecord& query) { return in_units(query.formation()); };
  // The first waits for the delay, the others for half of it.
  expect_theory(load.mean_of(formation), (delay + (in_batch - 1) * delay / 2) / in_batch);
  expect_theory(load.mean_of([](const QueryRecord& query) { return 1.0 / query.batch_size; }), 1 / in_batch);
}

// An engine that stands still for the first 200 ms of every second, and else takes 10 us. Of the queries that come
// evenly, 20 % meet it, and a share of .2 - x waits for more than x s.
TEST(QueueingTheory, AStallShowsInTheLatenciesOfScheduledQueriesAlone) {
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const ServiceTime stalling = [](const ServiceCall& call) -> Nanoseconds {
    const Nanoseconds phase = call.begin % seconds(1);
    return microseconds(10) + std::max<Nanoseconds>(milliseconds(200) - phase, Nanoseconds(0));
  };
  const auto p99 = [](std::span<const QueryRecord> log) {
    std::vector<double> latencies;
    for (const QueryRecord& query : log) latencies.push_back(to_milliseconds(query.latency()));
    std::ranges::sort(latencies);
    return quantile(latencies, 0.99);
  };
  const auto scheduled = serve_in_virtual_time({}, uniform_arrivals(1000, seconds(100)), stalling);
  EXPECT_NEAR(p99(scheduled), 190, 0.5) << "within the 0.1 ms of those ahead in the queue, and half a gap";
  const auto closed = serve_in_virtual_time({}, closed_arrivals(1, seconds(10)), stalling);
  EXPECT_NEAR(p99(closed), 0.01, 1e-9) << "a caller that waits meets each stall once";
}

}  // namespace
}  // namespace stagemark
