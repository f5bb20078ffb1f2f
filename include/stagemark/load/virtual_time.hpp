#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "stagemark/load/arrivals.hpp"
#include "stagemark/load/query_log.hpp"
#include "stagemark/serving/batch_queue.hpp"

namespace stagemark {

/// One batch that an instance begins.
struct ServiceCall {
  std::size_t instance = 0;
  std::size_t batch_size = 1;
  Nanoseconds begin{0};  ///< since the start of the load
  double draw = 0;       ///< uniform in [0, 1), from the seed, one for each batch in the order they begin
};

/// How long the batch takes, 0 or more.
using ServiceTime = std::function<Nanoseconds(const ServiceCall&)>;

/// \throws UsageError as `expect_usable(settings)`, or where callers that wait for answers would be refused and, as no
///         time passes, ask again without end
void expect_usable(const ServingSettings& settings, const Arrivals& arrivals);

/// Serves the arrivals in virtual time, with the queue and batcher of the real one, until the last query has left. In
/// one moment, batches end before queries arrive. Takes about 0.1 us a query.
/// \return a record for each sample, in the order of `scheduled`
/// \throws UsageError as `expect_usable`
std::vector<QueryRecord> serve_in_virtual_time(const ServingSettings& settings, const Arrivals& arrivals,
                                               const ServiceTime& service_time, std::uint64_t seed = 0);

}  // namespace stagemark
