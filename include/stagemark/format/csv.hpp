#pragma once

#include <iosfwd>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// RFC 4180, one row per approach and stage, of a load test one per approach and point; times in milliseconds, rates in
/// queries a second. What is absent is empty.
void write_csv(std::ostream& out, const Report& report);

/// RFC 4180, one row per attempted inference; times in nanoseconds.
void write_per_image_csv(std::ostream& out, const Report& report);

}  // namespace stagemark
