// What the generator of loads costs by itself, against an engine that answers at once: in readings of the clock, so that
// machines can be compared. MLPerf LoadGen takes about 37 of them for a query of its single stream against a system that
// answers at once, on the calling thread.
//
//     load_generator [QUERIES]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "stagemark/core/statistics.hpp"
#include "stagemark/load/live_load.hpp"

namespace {

using namespace stagemark;
using namespace std::chrono_literals;

double reading_ns() {
  constexpr int readings = 1'000'000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < readings; ++i) (void)std::chrono::steady_clock::now();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / readings;
}

LiveLoadResult against_nothing(const Arrivals& arrivals) {
  LiveLoadObserver nobody;
  return serve_live(
      {}, arrivals, [](auto...) {}, 60s, nobody);
}

void print_cost(const char* name, const LiveLoadResult& result, double reading) {
  const double took = static_cast<double>(result.log.back().completed.count()) / static_cast<double>(result.log.size());
  std::printf("%-44s %9zu queries  %8.0f ns each  %6.1f readings\n", name, result.log.size(), took, took / reading);
}

double rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::size_t queries = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const double reading = reading_ns();
  std::printf("a reading of the clock: %.1f ns\n", reading);

  (void)against_nothing(uniform_arrivals(100'000, 100ms));
  const double before = rss_mb();
  {
    // 100 a millisecond: less than could be served, so that the queue stays short.
    const LiveLoadResult result = against_nothing(uniform_arrivals(100'000, Nanoseconds(queries * 10'000)));
    std::printf("memory: %.1f bytes a query, from 10,000 to %zu\n",
                (rss_mb() - before) * 1024 * 1024 / static_cast<double>(result.log.size()), result.log.size());
  }
  print_cost("closed loop, one caller", against_nothing(closed_arrivals(1, 2s)), reading);
  print_cost("all at once", against_nothing(offline_arrivals(queries)), reading);

  const LiveLoadResult server = against_nothing(poisson_arrivals(5'000, 10s, 1));
  std::vector<double> lateness;
  std::vector<double> latency;
  for (const QueryRecord& record : server.log) {
    lateness.push_back(static_cast<double>(record.lateness().count()) / 1000);
    latency.push_back(static_cast<double>(record.latency().count()) / 1000);
  }
  std::ranges::sort(lateness);
  std::ranges::sort(latency);
  std::printf(
      "5,000 queries a second for 10 s: late by %.0f us (median), %.0f us (p99), %.0f us (most); latency %.0f us "
      "(median), %.0f us (p99)\n",
      quantile(lateness, 0.5), quantile(lateness, 0.99), lateness.back(), quantile(latency, 0.5),
      quantile(latency, 0.99));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
