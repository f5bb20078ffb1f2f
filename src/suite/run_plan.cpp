#include "stagemark/suite/run_plan.hpp"

#include <algorithm>
#include <numeric>

#include "stagemark/core/error.hpp"
#include "stagemark/core/random.hpp"

namespace stagemark {
namespace {

using Square = std::vector<std::vector<std::size_t>>;

/// Rows in which each approach takes each position once. From three approaches on, each also follows each other one
/// equally often (Williams 1949): one square for an even number, a square and its mirror image for an odd one.
Square balanced_square(std::size_t n) {
  if (n < 3) {
    Square square(n, std::vector<std::size_t>(n));
    for (std::size_t row = 0; row < n; ++row) {
      for (std::size_t column = 0; column < n; ++column) square[row][column] = (row + column) % n;
    }
    return square;
  }
  // First row 0, 1, n-1, 2, n-2, ...: the differences of neighbours are all different.
  std::vector<std::size_t> first(n);
  for (std::size_t column = 1; column < n; ++column)
    first[column] = column % 2 == 1 ? (column + 1) / 2 : n - column / 2;
  Square square;
  for (std::size_t row = 0; row < n; ++row) {
    std::vector<std::size_t> order(n);
    for (std::size_t column = 0; column < n; ++column) order[column] = (first[column] + row) % n;
    square.push_back(std::move(order));
  }
  if (n % 2 == 1) {
    for (std::size_t row = 0; row < n; ++row) square.emplace_back(square[row].rbegin(), square[row].rend());
  }
  return square;
}

std::size_t ceiling(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Rounds of at least 5 images, no more than wanted unless one would exceed 64; of whole calls, so that only the last
/// call of a pass can be short.
std::size_t rounds_of_a_pass(std::size_t images, const RunOptions& options) {
  constexpr std::size_t fewest_images = 5;
  constexpr std::size_t most_images = 64;
  const std::size_t calls = ceiling(images, options.batch);
  const std::size_t fewest_calls = ceiling(fewest_images, options.batch);
  const std::size_t most_calls = std::max<std::size_t>(most_images / options.batch, 1);
  const std::size_t wanted = std::clamp<std::size_t>(calls / fewest_calls, 1, options.rounds);
  return std::max(wanted, ceiling(calls, most_calls));
}

/// The first `count` rounds of the sequence that the seed decides, all of the first generation.
std::vector<Round> first_rounds(std::size_t count, std::size_t images, std::size_t approaches,
                                const RunOptions& options) {
  const std::size_t rounds_a_pass = rounds_of_a_pass(images, options);
  const std::size_t calls = ceiling(images, options.batch);
  const Square square = balanced_square(approaches);
  SplitMix64 random(options.seed);
  std::size_t start = 0;
  std::vector<Round> rounds(count);
  for (std::size_t index = 0; index < count; ++index) {
    if (index % square.size() == 0) start = random.below(square.size());
    Round& round = rounds[index];
    round.index = index;
    round.pass = index / rounds_a_pass;
    const std::size_t of_pass = index % rounds_a_pass;
    round.first = calls * of_pass / rounds_a_pass * options.batch;
    round.last = std::min(images, calls * (of_pass + 1) / rounds_a_pass * options.batch);
    round.order = square[(start + index) % square.size()];
  }
  return rounds;
}

}  // namespace

void expect_usable(const RunOptions& options) {
  const auto expect = [](bool holds, const char* option, const char* problem) {
    if (!holds) throw UsageError(problem, option);
  };
  expect(options.batch > 0, "`batch`", "the batch must hold at least one image");
  expect(options.processes > 0, "`processes`", "there must be one process at least");
  expect(options.rounds > 0, "`rounds`", "there must be one round at least");
  expect(!options.passes || *options.passes > 0, "`passes`", "there must be one pass at least");
  expect(options.threshold >= 0 && options.threshold <= 1, "`threshold`", "the threshold is no number from 0 to 1");
  expect(options.round_memory_bytes > 0, "`round_memory_bytes`", "there must be memory for an image");
  expect(options.hang_limit > std::chrono::milliseconds(0), "`hang_limit`", "a worker must have some time");
}

std::vector<Round> plan_rounds(std::size_t images, std::size_t approaches, const RunOptions& options) {
  if (images == 0 || approaches == 0) return {};
  const std::size_t rounds_a_pass = rounds_of_a_pass(images, options);
  // A second pass for a handful of rounds would double the time to the answer.
  const bool one_is_nearly_enough = 5 * rounds_a_pass >= 4 * options.rounds;
  const std::size_t passes = options.passes.value_or(one_is_nearly_enough ? 1 : ceiling(options.rounds, rounds_a_pass));
  std::vector<Round> plan = first_rounds(passes * rounds_a_pass, images, approaches, options);
  for (Round& round : plan) round.process = round.index * std::min(options.processes, plan.size()) / plan.size();
  return plan;
}

void extend_plan(std::vector<Round>& plan, const MoreRounds& more, std::size_t images, const RunOptions& options) {
  if (plan.empty()) return;
  const std::size_t known = plan.size();
  const std::size_t last_generation = plan.back().process;
  const std::vector<Round> rounds = first_rounds(known + more.rounds, images, plan.front().order.size(), options);
  plan.insert(plan.end(), rounds.begin() + static_cast<std::ptrdiff_t>(known), rounds.end());
  for (std::size_t i = known; i < plan.size(); ++i) {
    const std::size_t generations = std::min(more.generations, more.rounds);
    plan[i].process = last_generation + (generations == 0 ? 0 : 1 + (i - known) * generations / more.rounds);
  }
}

}  // namespace stagemark
