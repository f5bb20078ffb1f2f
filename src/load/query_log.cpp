#include "stagemark/load/query_log.hpp"

#include <algorithm>

#include "core/require.hpp"

namespace stagemark {
namespace {

std::vector<std::uint32_t> found_before(std::span<const QueryRecord> log, Nanoseconds QueryRecord::*end) {
  std::vector<Nanoseconds> ends;
  ends.reserve(log.size());
  for (const QueryRecord& query : log) {
    if (query.outcome != QueryOutcome::refused) ends.push_back(query.*end);
  }
  std::ranges::sort(ends);
  std::vector<std::uint32_t> found;
  found.reserve(log.size());
  std::size_t entered = 0;
  std::size_t left = 0;
  for (const QueryRecord& query : log) {
    // Whoever came later has not left before now, unless in the same moment.
    while (left < entered && ends[left] <= query.scheduled) ++left;
    found.push_back(static_cast<std::uint32_t>(entered - left));
    if (query.outcome != QueryOutcome::refused) ++entered;
  }
  return found;
}

}  // namespace

std::vector<QueryRecord> whole_queries(std::span<const QueryRecord> log, std::size_t samples_per_query) {
  require(samples_per_query > 0 && log.size() % samples_per_query == 0, "queries must have all of their samples");
  std::vector<QueryRecord> queries;
  queries.reserve(log.size() / samples_per_query);
  for (std::size_t first = 0; first < log.size(); first += samples_per_query) {
    QueryRecord query = log[first];
    for (const QueryRecord& sample : log.subspan(first, samples_per_query)) {
      query.completed = std::max(query.completed, sample.completed);
      query.outcome = std::max(query.outcome, sample.outcome);
    }
    queries.push_back(query);
  }
  return queries;
}

std::vector<std::uint32_t> found_in_system(std::span<const QueryRecord> log) {
  return found_before(log, &QueryRecord::completed);
}

std::vector<std::uint32_t> found_waiting(std::span<const QueryRecord> log) {
  return found_before(log, &QueryRecord::dispatched);
}

}  // namespace stagemark
