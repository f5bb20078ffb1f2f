#include "suite/readiness.hpp"

#include <algorithm>

namespace stagemark {
namespace {

bool at_most(Nanoseconds time, double share, Nanoseconds of) {
  return to_milliseconds(time) <= share * to_milliseconds(of);
}

constexpr double as_quick = 0.98;
constexpr double as_slow = 1.1;

}  // namespace

bool is_warm(std::span<const Nanoseconds> calls) {
  if (calls.size() < 3) return false;
  const auto last_two = calls.last(2);
  const Nanoseconds quickest = std::ranges::min(calls.first(calls.size() - 2));
  return std::ranges::all_of(last_two, [&](Nanoseconds call) {
    return at_most(call, as_slow, quickest) && at_most(quickest, 1 / as_quick, call);
  });
}

bool has_settled(Nanoseconds call, Nanoseconds usual) { return at_most(call, as_slow, usual); }

}  // namespace stagemark
