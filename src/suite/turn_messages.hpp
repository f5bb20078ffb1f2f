#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/backend/decision.hpp"
#include "stagemark/suite/dataset.hpp"
#include "stagemark/suite/results_collector.hpp"
#include "stagemark/suite/run_plan.hpp"
#include "suite/decoding_notes.hpp"

// What a suite and a worker that measures for it say to one another.

namespace stagemark::worker_protocol {

/// What is needed to measure: the approach, files and options, no labels.
struct Setup {
  ApproachRequest request;
  Dataset dataset;
  RunOptions options;
  DecisionRule rule;
};

struct Turn {
  Round round;
  std::size_t position = 0;
};

/// What a turn gave, with what the process knows of the approach.
struct Measured {
  ApproachResult result;  ///< since the last message; without the approach
  DecodingNotes notes;
  bool interrupted = false;
};

std::vector<std::byte> encode(const Setup& setup);
std::vector<std::byte> encode(const Turn& turn);
std::vector<std::byte> encode(const Measured& measured);

/// \throws BackendError if the bytes are not such a message
Setup decode_setup(std::span<const std::byte> content);
Turn decode_turn(std::span<const std::byte> content);
Measured decode_measured(std::span<const std::byte> content);

/// A worker may be another build, and a broken one, and its numbers become indices where they arrive.
/// \throws BackendError if they cannot be true of a set of so many images
void expect_sense(const Measured& measured, std::size_t images);

}  // namespace stagemark::worker_protocol
