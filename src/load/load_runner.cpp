#include "load/load_runner.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "stagemark/core/number_text.hpp"
#include "stagemark/core/random.hpp"

namespace stagemark {
namespace {

using namespace std::chrono_literals;

/// Of the two loads that tell what an approach can do at all.
constexpr Nanoseconds longest_unloaded = 3s;
constexpr Nanoseconds longest_offline = 5s;

/// Rates of a sweep, as shares of the offline rate.
constexpr std::size_t sweep_points = 8;
constexpr double sweep_low = 0.1;
constexpr double sweep_high = 1.1;

/// A search that is asked how long it will take.
constexpr std::size_t usual_search_rates = 8;

std::vector<double> batch_times(std::span<const QueryRecord> log, std::size_t size) {
  std::vector<double> times;
  for (const QueryRecord& query : log) {
    if (query.batch_size == size && query.outcome == QueryOutcome::completed)
      times.push_back(static_cast<double>(query.service().count()));
  }
  std::ranges::sort(times);
  return times;
}

double latency_quantile(std::span<const QueryRecord> log, double p) {
  std::vector<double> latencies;
  for (const QueryRecord& query : log) latencies.push_back(to_milliseconds(query.latency()));
  std::ranges::sort(latencies);
  return quantile(latencies, p);
}

Nanoseconds end_of(std::span<const QueryRecord> log) {
  Nanoseconds end{1};
  for (const QueryRecord& query : log) end = std::max(end, query.completed);
  return end;
}

}  // namespace

LoadRunner::LoadRunner(const LoadOptions& options, std::size_t images, LoadedApproaches& approaches, std::size_t count)
    : options_(options),
      images_(images),
      approaches_(approaches),
      loads_(count),
      batch_times_(count),
      searches_(count),
      unloaded_(count),
      slice_(measured_time(options)),
      began_(approaches.now()) {}

void LoadRunner::run() {
  for (ApproachLoad& load : loads_) {
    load.offline_rate = load.predicted = OrReason<double>::absent("it was not measured");
  }
  calibrate();
  if (options_.scenario == Scenario::server && options_.rates.empty() && options_.level) {
    search_capacities();
  } else {
    measure_planned();
  }
  if (approaches_.interrupted()) stopped_because_ = "interrupted";
}

std::vector<std::size_t> LoadRunner::alive() const {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < loads_.size(); ++i) {
    if (!failed_.contains(i)) indices.push_back(i);
  }
  return indices;
}

/// What one caller waits for, and what can be served at all: both begin every load test.
void LoadRunner::calibrate() {
  const Nanoseconds start = approaches_.now();
  const std::vector<std::size_t> opened = approaches_.begin_generation(alive());
  opening_ = approaches_.now() - start;
  for (const std::size_t approach : opened) {
    if (!approaches_.interrupted() && !calibrate_one(approach)) failed_.insert(approach);
  }
  for (std::size_t i = 0; i < loads_.size(); ++i) {
    if (!loads_[i].offline_rate) failed_.insert(i);
  }
  approaches_.end_generation();
}

bool LoadRunner::calibrate_one(std::size_t approach) {
  ApproachLoad& load = loads_[approach];
  const LoadOrder one_caller{closed_arrivals(1, std::min(longest_unloaded, 5 * slice_)), 0, options_.max_duration,
                             /*unlimited=*/true};
  const auto unloaded = serve(approach, one_caller, "one caller", 0);
  if (!unloaded) return false;
  const MeasuredLog whole{unloaded->log, Nanoseconds{0}, end_of(unloaded->log) + Nanoseconds{1}};
  const std::span<const MeasuredLog> runs(&whole, 1);
  const LoadPoint alone = summarise(runs, {.waits_for_answers = true});
  load.unloaded = alone.latency;
  batch_times_[approach].smallest = batch_times(unloaded->log, 1);
  if (batch_times_[approach].smallest.empty()) return false;
  if (options_.level) {
    unloaded_[approach] = "the unloaded " + quantile_name(options_.level->quantile) + " is " +
                          significant(latency_quantile(unloaded->log, options_.level->quantile), 3) + " ms";
  }

  const ServingSettings& serving = options_.serving;
  const double one = mean(batch_times_[approach].smallest) / 1e9;
  const std::size_t least = 2 * serving.max_batch * serving.instances;
  const double wanted =
      to_seconds(std::min(longest_offline, 5 * slice_)) * static_cast<double>(serving.instances) / std::max(one, 1e-9);
  const auto queries = std::max(least, static_cast<std::size_t>(std::min(wanted, 1e6)));
  const LoadOrder all_at_once{offline_arrivals(queries), 0, options_.max_duration, /*unlimited=*/true};
  const auto offline = serve(approach, all_at_once, "offline", 0);
  if (!offline || offline->interrupted) return offline.has_value();
  const auto answered = std::ranges::count(offline->log, QueryOutcome::completed, &QueryRecord::outcome);
  if (answered == 0) return false;
  load.offline_rate = static_cast<double>(answered) / to_seconds(end_of(offline->log));
  batch_times_[approach].largest = batch_times(offline->log, serving.max_batch);
  if (batch_times_[approach].largest.empty()) batch_times_[approach].largest = batch_times_[approach].smallest;
  if (options_.level && options_.rates.empty() && options_.scenario == Scenario::server) {
    if (test_independent_queries(whole, *options_.level) == LevelVerdict::beyond) {
      // Queries that come when they please wait longer than those of one caller do.
      load.capacity = CapacityRange{};
      load.capacity->failed = alone.achieved_rate;
      load.capacity->reason = "no rate holds it: " + unloaded_[approach];
      load.predicted = OrReason<double>::absent(load.capacity->reason);
    } else {
      begin_search(approach);
    }
  }
  return true;
}

void LoadRunner::begin_search(std::size_t approach) {
  ApproachLoad& load = loads_[approach];
  const double offline = std::min(*load.offline_rate, highest_rate() / 1.25);
  SearchPlan plan;
  plan.share = 1 - options_.level->quantile;
  plan.lowest = offline * 0.02;
  plan.highest = offline * 1.25;
  constexpr std::size_t replayed_queries = 20'000;
  const auto at = [&](double rate) {
    return server_arrivals(rate, 0, Nanoseconds(std::llround(1e9 * replayed_queries / rate)));
  };
  load.predicted = predicted_capacity(options_.serving, *options_.level,
                                      replayed(batch_times_[approach], options_.serving.max_batch), at, plan.lowest,
                                      plan.highest, options_.seed);
  plan.predicted = std::clamp(*load.predicted, plan.lowest, plan.highest);
  searches_[approach].emplace(plan);
}

void LoadRunner::search_capacities() {
  const std::vector<std::size_t> all = alive();
  const auto next_rates = [&] {
    std::vector<Points> step(loads_.size());
    for (std::size_t i = 0; i < step.size(); ++i) {
      if (!searches_[i] || failed_.contains(i)) continue;
      if (const auto rate = searches_[i]->next()) step[i] = {rate};
    }
    return step;
  };
  const auto generations = static_cast<Nanoseconds::rep>(options_.generations);
  plan(static_cast<Nanoseconds::rep>(usual_search_rates) * generations * time_of_generation(next_rates()));
  while (!approaches_.interrupted()) {
    const std::vector<Points> step = next_rates();
    if (std::ranges::all_of(step, &Points::empty)) break;
    // A rate is of use with all of its generations.
    if (!fits(generations * time_of_generation(step))) {
      stopped_because_ = "a further rate would have ended after `max_duration`";
      break;
    }
    const auto measured = measure(step, /*may_end_early=*/false);
    for (std::size_t i = 0; i < step.size(); ++i) {
      if (step[i].empty()) continue;
      const auto point = conclude(i, step[i].front(), measured[i].front());
      if (!point || point->generations < options_.generations) continue;
      std::vector<ShareOver> shares;
      for (const MeasuredLog& part : measured_parts(measured[i].front())) {
        const auto [queries, over] = count_over(part, *options_.level);
        const double share = queries == 0 ? 0 : static_cast<double>(over) / static_cast<double>(queries);
        shares.push_back({*step[i].front(), share, std::max<std::size_t>(queries, 1)});
      }
      searches_[i]->add(*step[i].front(), point->verdict.value_or(LoadVerdict::undecided), shares);
    }
  }
  for (const std::size_t i : all) {
    if (!searches_[i]) continue;
    loads_[i].capacity = searches_[i]->range();
    if (!loads_[i].capacity->passed) loads_[i].capacity->reason += "; " + unloaded_[i];
    loads_[i].capacities = searches_[i]->of_generations();
  }
}

/// Points that are known before the first is measured.
void LoadRunner::measure_planned() {
  std::vector<Points> points(loads_.size());
  for (const std::size_t i : alive()) {
    if (!options_.rates.empty()) {
      points[i].assign(options_.rates.begin(), options_.rates.end());
    } else if (options_.scenario != Scenario::server || options_.arrivals == ArrivalKind::trace) {
      points[i] = {std::nullopt};
    } else {
      for (std::size_t k = 0; k < sweep_points; ++k) {
        const double share = sweep_low + (sweep_high - sweep_low) * static_cast<double>(k) / (sweep_points - 1);
        points[i].emplace_back(share * std::min(*loads_[i].offline_rate, highest_rate() / sweep_high));
      }
    }
  }
  plan(static_cast<Nanoseconds::rep>(options_.generations) * time_of_generation(points));
  const auto measured = measure(points, /*may_end_early=*/true);
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t k = 0; k < measured[i].size(); ++k) (void)conclude(i, points[i][k], measured[i][k]);
  }
}

std::vector<std::vector<LoadRunner::Measured>> LoadRunner::measure(const std::vector<Points>& points,
                                                                   bool may_end_early) {
  std::vector<std::vector<Measured>> measured(points.size());
  std::size_t most_points = 0;
  std::vector<std::size_t> wanted;
  for (const std::size_t i : alive()) {
    if (points[i].empty()) continue;
    most_points = std::max(most_points, points[i].size());
    wanted.push_back(i);
  }
  for (std::size_t i = 0; i < points.size(); ++i) measured[i].resize(points[i].size());
  const Nanoseconds one_generation = time_of_generation(points);
  for (std::size_t generation = 0; generation < options_.generations && !approaches_.interrupted(); ++generation) {
    if (may_end_early && generation > 0 && !fits(one_generation)) {
      stopped_because_ = "a further generation would have ended after `max_duration`";
      break;
    }
    const Nanoseconds start = approaches_.now();
    std::vector<std::size_t> open = approaches_.begin_generation(wanted);
    opening_ = std::max(opening_, approaches_.now() - start);
    for (const std::size_t i : wanted) {
      if (std::ranges::find(open, i) == open.end()) failed_.insert(i);
    }
    for (std::size_t k = 0; k < most_points; ++k) {
      if (may_end_early && generation == 0 && k > 0 &&
          !fits(static_cast<Nanoseconds::rep>(open.size()) * (options_.warmup + slice_))) {
        stopped_because_ = "a further rate would have ended after `max_duration`";
        break;
      }
      // Who goes first takes turns, so that none always follows the same other.
      std::vector<std::size_t> order = open;
      if (!order.empty()) {
        const auto first = static_cast<std::ptrdiff_t>((generation + k) % order.size());
        std::rotate(order.begin(), order.begin() + first, order.end());
      }
      for (const std::size_t i : order) {
        if (k >= points[i].size() || failed_.contains(i) || approaches_.interrupted()) continue;
        const auto rate = points[i][k];
        const std::string doing =
            rate ? significant(*rate, 3) + " queries/s" : std::string(to_string(options_.scenario));
        auto served =
            serve(i, {arrivals_of(i, rate, generation), next_image_, longest_run_out()}, doing, generation + 1);
        if (served) {
          measured[i][k].push_back(*std::move(served));
        } else {
          failed_.insert(i);
        }
      }
      // The next load goes on with the images after these.
      if (order.empty() || k >= points[order.front()].size()) continue;
      if (const Measured& first = measured[order.front()][k]; !first.empty())
        next_image_ = (next_image_ + first.back().log.size()) % images_;
    }
    approaches_.end_generation();
    std::erase_if(wanted, [&](std::size_t i) { return failed_.contains(i); });
  }
  return measured;
}

std::optional<LiveLoadResult> LoadRunner::serve(std::size_t approach, const LoadOrder& order, const std::string& doing,
                                                std::size_t generation) {
  LoadProgress progress;
  progress.approach = approaches_.name(approach);
  progress.doing = doing;
  progress.generation = generation;
  progress.generations = options_.generations;
  progress.end = end_;
  return approaches_.serve(approach, order, progress);
}

/// Of queries that still wait after the last arrival: enough for those that may yet keep the bound.
Nanoseconds LoadRunner::longest_run_out() const {
  if (options_.scenario == Scenario::offline) return options_.max_duration;
  return std::max<Nanoseconds>(10s, options_.level ? 4 * options_.level->bound : 0s);
}

void LoadRunner::plan(Nanoseconds full_answer) {
  approaches_.planned(full_answer);
  end_ =
      std::min(approaches_.now() + full_answer, began_ + std::max(options_.max_duration, approaches_.now() - began_));
}

std::optional<LoadPoint> LoadRunner::conclude(std::size_t approach, std::optional<double> rate,
                                              const Measured& measured) {
  const std::vector<MeasuredLog> parts = measured_parts(measured);
  if (parts.empty()) return std::nullopt;
  LoadPoint point = summarise(parts, conditions());
  // What was asked for; what came differs from it by chance.
  if (rate && point.offered_rate) point.offered_rate = rate;
  approaches_.loaded(approach, point, parts);
  std::vector<LoadPoint>& points = loads_[approach].points;
  const auto after = std::ranges::upper_bound(points, point.offered_rate, {}, &LoadPoint::offered_rate);
  points.insert(after, point);
  return point;
}

LoadConditions LoadRunner::conditions() const {
  const bool closed = options_.scenario == Scenario::closed || options_.scenario == Scenario::multi_stream;
  return {.instances = options_.serving.instances,
          .samples_per_query = options_.scenario == Scenario::multi_stream ? options_.samples_per_query : 1,
          // Offline nothing is offered at a rate either, and the queue is meant to be long.
          .waits_for_answers = closed || options_.scenario == Scenario::offline,
          .level = options_.level};
}

/// Without warm-up and run-out.
std::vector<MeasuredLog> LoadRunner::measured_parts(const Measured& measured) const {
  std::vector<MeasuredLog> parts;
  for (const LiveLoadResult& generation : measured) {
    MeasuredLog part{generation.log, options_.warmup, options_.warmup + slice_};
    if (options_.scenario == Scenario::offline) {
      if (generation.interrupted) continue;
      part.begin = Nanoseconds{0};
      part.end = end_of(generation.log) + Nanoseconds{1};
    } else if (generation.interrupted) {
      part.end = std::min(part.end, generation.complete_until);
    }
    const bool any = std::ranges::any_of(part.log, [&](const QueryRecord& query) { return part.counts(query); });
    if (part.begin < part.end && (any || options_.scenario == Scenario::server)) parts.push_back(part);
  }
  return parts;
}

Arrivals LoadRunner::arrivals_of(std::size_t approach, std::optional<double> rate, std::size_t generation) const {
  const Nanoseconds length = options_.warmup + slice_;
  switch (options_.scenario) {
    case Scenario::closed:
      return closed_arrivals(options_.concurrency, length);
    case Scenario::multi_stream:
      return multi_stream_arrivals(options_.samples_per_query, length);
    case Scenario::offline: {
      const double queries = *loads_[approach].offline_rate * to_seconds(slice_);
      const std::size_t least = 2 * options_.serving.max_batch * options_.serving.instances;
      return offline_arrivals(std::clamp(static_cast<std::size_t>(queries), least, most_queries));
    }
    case Scenario::server:
      break;
  }
  return server_arrivals(rate, generation, length);
}

/// The same for every approach.
OpenLoop LoadRunner::server_arrivals(std::optional<double> rate, std::size_t generation, Nanoseconds length) const {
  const std::uint64_t seed = SplitMix64(options_.seed + generation).next();
  switch (options_.arrivals) {
    case ArrivalKind::trace: {
      const auto at = static_cast<Nanoseconds::rep>(generation) * slice_;
      return replayed_trace(options_.trace, rate, at - options_.warmup, length);
    }
    case ArrivalKind::uniform:
      return uniform_arrivals(rate.value_or(1), length);
    case ArrivalKind::poisson:
      break;
  }
  return poisson_arrivals(rate.value_or(1), length, seed);
}

/// Of a schedule that is not longer than one may be.
double LoadRunner::highest_rate() const {
  return 0.99 * static_cast<double>(most_queries) / to_seconds(options_.warmup + slice_);
}

Nanoseconds LoadRunner::time_of_generation(std::span<const Points> points) const {
  Nanoseconds time{0};
  for (const Points& of_one : points) {
    time += static_cast<Nanoseconds::rep>(of_one.size()) * (options_.warmup + slice_);
  }
  return time + opening_;
}

bool LoadRunner::fits(Nanoseconds time) { return approaches_.now() - began_ + time <= options_.max_duration; }

}  // namespace stagemark
