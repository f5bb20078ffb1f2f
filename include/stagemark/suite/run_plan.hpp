#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace stagemark {

/// How a run measures.
struct RunOptions {
  std::uint64_t seed = 0;
  std::size_t warmup = 10;  ///< most unrecorded calls of a process before its first round
  std::size_t settle = 2;   ///< most unrecorded calls at the start of each turn
  std::size_t rounds = 30;  ///< wanted number of rounds; decides their size
  /// Over the data set; absent: as many as make at least `rounds` rounds, and one where it makes 0.8 of them.
  std::optional<std::size_t> passes;
  std::size_t batch = 1;                         ///< images per call
  bool keep_scores = false;                      ///< of every class: `ApproachResult::scores`
  std::size_t processes = 1;                     ///< generations of fresh workers that share out the rounds
  double threshold = 0.5;                        ///< positive if probability >= threshold
  std::size_t round_memory_bytes = 256U << 20U;  ///< most pixels held at once; cuts a turn into blocks, never a round
  /// A worker that opens its model, or makes one call, for longer than this is ended.
  std::chrono::milliseconds hang_limit = std::chrono::minutes(5);
};

/// \throws UsageError naming the option that is out of range
void expect_usable(const RunOptions& options);

/// Images [first, last) of the data set, processed by every approach in turn.
struct Round {
  std::size_t index = 0;
  std::size_t pass = 0;
  std::size_t process = 0;  ///< generation of workers
  std::size_t first = 0;
  std::size_t last = 0;
  std::vector<std::size_t> order;  ///< of the approaches, by index
};

/// Cuts the data set into as many rounds as are wanted, or as make 5 images each where that is fewer, or 64 where it is
/// more; sizes differ by at most one call. The order of the approaches is drawn from the seed: blocks of as many rounds as
/// there are approaches, each a Williams square (balanced for carry-over; below three approaches a Latin square) with
/// its start drawn anew. The rounds are shared out over the generations in equal, successive parts.
std::vector<Round> plan_rounds(std::size_t images, std::size_t approaches, const RunOptions& options);

/// What is measured beyond the plan.
struct MoreRounds {
  std::size_t rounds = 0;
  std::size_t generations = 0;  ///< of fresh workers that share them out; 0: those that are there go on
};

/// Goes on where the plan ends: with the next images, and with the order that the seed decides.
/// \param images, options those of the plan
void extend_plan(std::vector<Round>& plan, const MoreRounds& more, std::size_t images, const RunOptions& options);

}  // namespace stagemark
