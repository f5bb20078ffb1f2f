#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "stagemark/load/arrivals.hpp"
#include "stagemark/load/service_level.hpp"
#include "stagemark/load/virtual_time.hpp"
#include "stagemark/serving/batch_queue.hpp"

namespace stagemark {

/// What batches were seen to take, in nanoseconds, sorted; neither is empty.
struct BatchTimes {
  std::vector<double> smallest;  ///< of one query
  std::vector<double> largest;   ///< of `max_batch`
};

/// Draws the time of a batch from those; of sizes between, on the line between the two quantiles of the same draw.
ServiceTime replayed(BatchTimes times, std::size_t max_batch);

/// The rate at which the share of queries over the bound reaches what the level allows, when the measured times are
/// replayed in virtual time: within [lowest, highest], the ends included.
/// \param arrivals_at of a rate
double predicted_capacity(const ServingSettings& serving, const ServiceLevel& level, const ServiceTime& service_time,
                          const std::function<OpenLoop(double rate)>& arrivals_at, double lowest, double highest,
                          std::uint64_t seed);

}  // namespace stagemark
