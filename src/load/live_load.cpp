#include "stagemark/load/live_load.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "load/traffic.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/load/virtual_time.hpp"

namespace stagemark {
namespace {

using Clock = std::chrono::steady_clock;

/// How long the generator sleeps at most: it looks whether the load is to end.
constexpr Nanoseconds longest_sleep = std::chrono::milliseconds(100);

/// While one lives, the kernel wakes this thread when it is due, and not up to 50 us later to save power.
class PunctualWaking {
 public:
  PunctualWaking() : slack_(prctl(PR_GET_TIMERSLACK)) { prctl(PR_SET_TIMERSLACK, 1UL); }
  PunctualWaking(const PunctualWaking&) = delete;
  PunctualWaking& operator=(const PunctualWaking&) = delete;
  ~PunctualWaking() {
    if (slack_ > 0) prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_));
  }

 private:
  int slack_;
};

class LiveServer {
 public:
  LiveServer(const ServingSettings& settings, const Arrivals& arrivals, const ServeBatch& serve)
      : queue_(settings, expected_waiting(arrivals)),
        traffic_(arrivals),
        serve_(serve),
        instances_(settings.instances) {
    log_.reserve(std::max(traffic_.expected_samples(), first_log));
    for (Instance& instance : instances_) {
      instance.batch.reserve(settings.max_batch);
      instance.outcomes.reserve(settings.max_batch);
    }
  }
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;
  ~LiveServer() { end_threads(); }

  LiveLoadResult run(Nanoseconds longest_run_out, LiveLoadObserver& observer) {
    const PunctualWaking waking;
    start_threads();
    LiveLoadResult result;
    {
      std::unique_lock lock(mutex_);
      start_ = Clock::now();
      for (std::size_t i = 0; i < instances_.size(); ++i) apply(queue_.instance_free(now(), i), now());
      generate(longest_run_out, observer, lock, result);
      result.complete_until = now();
    }
    end_threads();
    for (QueryRecord& record : log_) {
      if (!never_left(record)) continue;
      if (result.interrupted) result.complete_until = std::min(result.complete_until, record.scheduled);
      record.dispatched = record.completed = now();
    }
    result.log = std::move(log_);
    return result;
  }

 private:
  /// Of a closed loop, before it doubles.
  static constexpr std::size_t first_log = 4096;

  struct Instance {
    std::thread thread;
    std::condition_variable told;
    std::vector<QueryId> batch;  ///< to serve; empty where there is none
    std::size_t first = 0;       ///< how many were dispatched before these
    std::vector<QueryOutcome> outcomes;
  };

  static std::size_t expected_waiting(const Arrivals& arrivals) {
    constexpr std::size_t enough = 16'384;  // more wait where more comes than can be served
    if (const auto* open = std::get_if<OpenLoop>(&arrivals)) {
      return std::clamp<std::size_t>(open->scheduled.size(), 1, enough);
    }
    const auto& closed = std::get<ClosedLoop>(arrivals);
    return closed.concurrency * closed.samples_per_query;
  }

  /// Queries are logged as expired until they leave.
  static bool never_left(const QueryRecord& record) {
    return record.outcome == QueryOutcome::expired && record.completed <= record.scheduled;
  }

  [[nodiscard]] Nanoseconds now() const { return std::chrono::duration_cast<Nanoseconds>(Clock::now() - start_); }

  void start_threads() {
    try {
      for (std::size_t i = 0; i < instances_.size(); ++i) instances_[i].thread = std::thread([this, i] { serve(i); });
    } catch (const std::system_error& error) {
      throw BackendError("no thread for an instance can be started: " + std::string(error.what()));
    }
  }

  void end_threads() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    for (Instance& instance : instances_) {
      instance.told.notify_one();
      if (instance.thread.joinable()) instance.thread.join();
    }
  }

  /// The generator's thread, until all queries have left or the load is ended.
  void generate(Nanoseconds longest_run_out, LiveLoadObserver& observer, std::unique_lock<std::mutex>& lock,
                LiveLoadResult& result) {
    std::optional<Nanoseconds> run_out_began;
    for (Nanoseconds next_look{0};;) {
      const Nanoseconds at = now();
      send_what_is_due(at);
      if (const auto due = queue_.next_wake_up(); due && *due <= at) apply(queue_.advance(at), at);
      const std::optional<Nanoseconds> arrival = traffic_.next();
      if (!arrival && answered_ == log_.size()) return;
      if (!run_out_began && traffic_.has_ended(at)) run_out_began = at;
      if (run_out_began && at - *run_out_began > longest_run_out) return;
      if (at >= next_look) {
        next_look = at + longest_sleep;
        const std::size_t sent = log_.size();
        const std::size_t answered = answered_;
        lock.unlock();
        observer.progressed(at, sent, answered);
        result.interrupted = observer.interrupted();
        lock.lock();
        if (result.interrupted) return;
        continue;
      }
      sleeps_until_ = next_look;
      for (const auto& due : {arrival, queue_.next_wake_up()})
        sleeps_until_ = std::min(sleeps_until_, due.value_or(next_look));
      generator_.wait_until(lock, start_ + sleeps_until_);
      sleeps_until_ = Nanoseconds::min();
    }
  }

  /// An instance's thread.
  void serve(std::size_t index) {
    Instance& own = instances_[index];
    std::unique_lock lock(mutex_);
    for (;;) {
      own.told.wait(lock, [&] { return stopping_ || !own.batch.empty(); });
      if (own.batch.empty()) return;
      own.outcomes.assign(own.batch.size(), QueryOutcome::completed);
      lock.unlock();
      serve_(index, own.first, own.batch, own.outcomes);
      lock.lock();
      const Nanoseconds at = now();
      for (std::size_t i = 0; i < own.batch.size(); ++i) leave(own.batch[i], own.outcomes[i], at);
      own.batch.clear();
      if (stopping_) return;
      apply(queue_.instance_free(at, index), at);
      // A caller that got its answer asks again at once.
      if (traffic_.waits_for_answers()) send_what_is_due(at);
    }
  }

  void send_what_is_due(Nanoseconds at) {
    for (auto due = traffic_.next(); due && *due <= at; due = traffic_.next()) {
      const std::size_t together = traffic_.take();
      for (std::size_t left = together; left > 0; --left) send(*due, at, left > 1);
      // What arrived together may be several batches.
      for (bool dispatched = together > 1; dispatched;) {
        const Decisions decisions = queue_.advance(at);
        apply(decisions, at);
        dispatched = decisions.dispatch.has_value();
      }
    }
  }

  void send(Nanoseconds scheduled, Nanoseconds at, bool others_follow) {
    const QueryId query = log_.size();
    log_.push_back({.scheduled = scheduled, .sent = at, .outcome = QueryOutcome::expired});
    const Decisions decisions = queue_.arrive(at, query, scheduled, others_follow);
    if (!decisions.accepted) leave(query, QueryOutcome::refused, at);
    apply(decisions, at);
  }

  void apply(const Decisions& decisions, Nanoseconds at) {
    for (const QueryId query : decisions.expired) leave(query, QueryOutcome::expired, at);
    if (decisions.dispatch) begin_batch(*decisions.dispatch, at);
    // The generator keeps the queue's time, too.
    if (const auto due = queue_.next_wake_up(); due && *due < sleeps_until_) generator_.notify_one();
  }

  void begin_batch(const Dispatch& batch, Nanoseconds at) {
    for (const QueryId query : batch.queries) {
      QueryRecord& record = log_[query];
      record.dispatched = at;
      record.batch_formation = at - std::max(record.sent, batch.instance_free_since);
      record.instance = static_cast<std::uint32_t>(batch.instance);
      record.batch_size = static_cast<std::uint32_t>(batch.queries.size());
    }
    Instance& instance = instances_[batch.instance];
    instance.first = dispatched_;
    for (const QueryId query : batch.queries) log_[query].image = static_cast<std::uint32_t>(dispatched_++);
    instance.batch.assign(batch.queries.begin(), batch.queries.end());
    if (instance.thread.get_id() != std::this_thread::get_id()) instance.told.notify_one();
  }

  void leave(QueryId query, QueryOutcome outcome, Nanoseconds at) {
    QueryRecord& record = log_[query];
    if (record.batch_size == 0) record.dispatched = at;
    record.completed = at;
    record.outcome = outcome;
    ++answered_;
    traffic_.answered(query, at);
    if (answered_ == log_.size() && !traffic_.next()) generator_.notify_one();
  }

  std::mutex mutex_;  // guards all below but what an instance does with its batch
  BatchQueue queue_;
  Traffic traffic_;
  const ServeBatch& serve_;
  std::vector<Instance> instances_;
  std::condition_variable generator_;
  Nanoseconds sleeps_until_ = Nanoseconds::min();  // of the generator; the least where it is awake
  Clock::time_point start_;
  std::vector<QueryRecord> log_;
  std::size_t answered_ = 0;
  std::size_t dispatched_ = 0;
  bool stopping_ = false;
};

}  // namespace

LiveLoadResult serve_live(const ServingSettings& settings, const Arrivals& arrivals, const ServeBatch& serve,
                          Nanoseconds longest_run_out, LiveLoadObserver& observer) {
  expect_usable(settings, arrivals);
  return LiveServer(settings, arrivals, serve).run(longest_run_out, observer);
}

}  // namespace stagemark
