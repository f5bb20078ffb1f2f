#pragma once

#include <string>

#include "stagemark/judgement/compare.hpp"
#include "stagemark/judgement/gate.hpp"
#include "stagemark/report/report.hpp"

// What the judgements ask of what they are given, checked once where it comes in.

namespace stagemark {

/// \throws UsageError naming the criterion that nothing could be judged by
void expect_usable(const GateCriteria& criteria);
void expect_usable(const ComparisonCriteria& criteria);

/// \param what the report is called
/// \throws InputError two approaches of one name, columns of unequal length, a probability or a label that is none, a
///         capacity that is none
void expect_usable(const Report& report, const std::string& what);

/// \throws InputError naming a criterion that was asked for and of which a report of this kind says nothing
void expect_applicable(const GateCriteria& criteria, const Report& report);

/// \throws UsageError unless `value` is within [low, high), or [low, high] if `closed`
void expect_within(double value, double low, double high, bool closed, const std::string& parameter);

}  // namespace stagemark
