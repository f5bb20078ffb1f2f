#include "stagemark/suite/run_plan.hpp"

#include <algorithm>
#include <numeric>

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

}  // namespace

std::vector<Round> plan_rounds(std::size_t images, std::size_t approaches, const RunOptions& options) {
  std::vector<Round> plan;
  if (images == 0 || approaches == 0) return plan;
  const auto ceiling = [](std::size_t a, std::size_t b) { return (a + b - 1) / b; };
  const std::size_t wanted = std::max<std::size_t>(options.rounds, 1);
  // Whole calls, so that only the last call of a pass can be short.
  const std::size_t size =
      ceiling(std::clamp<std::size_t>(ceiling(images, wanted), 5, 64), options.batch) * options.batch;
  const std::size_t rounds_a_pass = ceiling(images, size);
  const std::size_t passes = options.passes.value_or(ceiling(wanted, rounds_a_pass));

  const Square square = balanced_square(approaches);
  SplitMix64 random(options.seed);
  std::size_t start = 0;
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (std::size_t round = 0; round < rounds_a_pass; ++round) {
      const std::size_t index = plan.size();
      if (index % square.size() == 0) start = random.below(square.size());
      Round next;
      next.index = index;
      next.pass = pass;
      if (options.batch == 1) {
        next.first = images * round / rounds_a_pass;
        next.last = images * (round + 1) / rounds_a_pass;
      } else {
        next.first = round * size;
        next.last = std::min(images, (round + 1) * size);
      }
      next.order = square[(start + index) % square.size()];
      plan.push_back(std::move(next));
    }
  }
  for (Round& round : plan) round.process = round.index * std::min(options.processes, plan.size()) / plan.size();
  return plan;
}

}  // namespace stagemark
