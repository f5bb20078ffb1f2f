#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/backend/decision.hpp"
#include "stagemark/load/arrivals.hpp"
#include "stagemark/load/live_load.hpp"
#include "stagemark/serving/batch_queue.hpp"
#include "stagemark/suite/dataset.hpp"

// What a load test and a worker that serves for it say to one another: `setup`, `opened` and then, for each load, `turn`
// with the order, `measured` with what is known of the approach (suite/turn_messages.hpp) and as many `queries` as the
// log takes.

namespace stagemark {

/// One load to serve.
struct LoadOrder {
  Arrivals arrivals;
  std::size_t first_image = 0;  ///< by index; the others follow it, and after the last comes the first
  Nanoseconds longest_run_out{0};
  bool unlimited = false;  ///< without the settings' limit of the queue and deadline
};

namespace worker_protocol {

/// What is needed to serve: the approach, files and settings, no labels.
struct LoadSetup {
  ApproachRequest request;
  Dataset dataset;
  ServingSettings serving;
  DecisionRule rule;
  std::size_t image_memory_bytes = 0;  ///< most pixels held at once
};

/// A part of a load's log.
struct LogPart {
  std::vector<QueryRecord> queries;
  Nanoseconds complete_until{0};
  bool last = false;
};

std::vector<std::byte> encode(const LoadSetup& setup);
std::vector<std::byte> encode(const LoadOrder& order);
std::vector<std::byte> encode(const LogPart& part);

/// \throws BackendError if the bytes are not such a message
LoadSetup decode_load_setup(std::span<const std::byte> content);
LoadOrder decode_load_order(std::span<const std::byte> content);
LogPart decode_log_part(std::span<const std::byte> content);

/// \throws BackendError if the log cannot be true of that many images, served so
void expect_sense(std::span<const QueryRecord> log, std::size_t samples_per_query, std::size_t images,
                  const ServingSettings& serving);

}  // namespace worker_protocol
}  // namespace stagemark
