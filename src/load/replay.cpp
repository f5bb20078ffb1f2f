#include "load/replay.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stagemark/core/statistics.hpp"

namespace stagemark {

ServiceTime replayed(BatchTimes times, std::size_t max_batch) {
  return [times = std::move(times), max_batch](const ServiceCall& call) {
    const double one = quantile(times.smallest, call.draw);
    if (max_batch == 1) return Nanoseconds(std::llround(one));
    const double full = quantile(times.largest, call.draw);
    const double share = static_cast<double>(call.batch_size - 1) / static_cast<double>(max_batch - 1);
    return Nanoseconds(std::llround(std::max(0.0, one + share * (full - one))));
  };
}

double predicted_capacity(const ServingSettings& serving, const ServiceLevel& level, const ServiceTime& service_time,
                          const std::function<OpenLoop(double rate)>& arrivals_at, double lowest, double highest,
                          std::uint64_t seed) {
  const auto holds = [&](double rate) {
    const std::vector<QueryRecord> log = serve_in_virtual_time(serving, arrivals_at(rate), service_time, seed);
    const auto [queries, over] = count_over({log, Nanoseconds::zero(), Nanoseconds::max()}, level);
    return static_cast<double>(over) <= (1 - level.quantile) * static_cast<double>(queries);
  };
  constexpr int halvings = 16;  // to a thousandth of the logarithm of a range of 1 to 100
  for (int i = 0; i < halvings; ++i) {
    const double middle = std::sqrt(lowest * highest);
    (holds(middle) ? lowest : highest) = middle;
  }
  return std::sqrt(lowest * highest);
}

}  // namespace stagemark
