#pragma once

#include <span>

#include "stagemark/core/duration.hpp"

namespace stagemark {

/// Whether the calls of a network that were made so far, in order, have warmed it up: the last two took about as long as
/// the quickest before them, at least 0.98 and at most 1.1 of it. Neither is so while calls still grow quicker, nor
/// while something is compiled.
bool is_warm(std::span<const Nanoseconds> calls);

/// Whether a turn can begin after a call that took so long, where others took `usual` in the turn before: up to 1.1 of
/// it. The first call after a change of approach takes 1.01 to 1.2, the second is as any other.
bool has_settled(Nanoseconds call, Nanoseconds usual);

}  // namespace stagemark
