#pragma once

#include <algorithm>
#include <string>

#include "stagemark/report/report.hpp"

// What a comparison says, in words, for every format that people read.

namespace stagemark {

/// A speed-up: three digits after the point, none from a hundredfold on, where they say nothing.
std::string ratio_text(double ratio);

/// " [1.881, 1.923]", or nothing where there is no interval.
std::string ratio_interval_text(const OrReason<Interval>& interval);

/// "83.2 % [80.0, 86.0]", the value and its interval times `factor`, with so many digits and the unit; "n/a" where there
/// is no value.
std::string with_interval(const OrReason<double>& value, const OrReason<Interval>& interval, double factor, int digits,
                          const std::string& unit);

/// "<0.001", "0.023".
std::string p_text(double p);

/// A verdict's name without its underscores.
template <NamedEnum Verdict>
std::string verdict_text(Verdict verdict) {
  std::string text(to_string(verdict));
  std::ranges::replace(text, '_', ' ');
  return text;
}

/// How fast the candidate is: "faster: 1.902× [1.881, 1.923] the speed of base".
std::string speed_sentence(const Comparison& comparison);

/// What was seen of the candidate's decisions, and what it proves: in whole sentences ...
std::string accuracy_in_full(const Comparison& comparison);
/// ... and in as few words as fit a terminal, in three lines.
std::string accuracy_in_brief(const Comparison& comparison);

}  // namespace stagemark
