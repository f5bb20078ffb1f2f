#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>

#include "stagemark/load/query_log.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/suite/dataset.hpp"

namespace stagemark {

/// RFC 4180, one row per approach and stage, of a load test one per approach and point; times in milliseconds, rates in
/// queries a second. What is absent is empty.
void write_csv(std::ostream& out, const Report& report);

/// RFC 4180, one row per attempted inference; times in nanoseconds.
void write_per_image_csv(std::ostream& out, const Report& report);

/// RFC 4180, one row per query of a load (of several samples: one per sample), those of the warm-up and the run-out
/// included; times in nanoseconds since the start of the load.
/// \param dataset whose images the log names
void write_queries_csv(std::ostream& out, const std::string& approach, std::optional<double> offered_rate,
                       std::span<const MeasuredLog> generations, const Dataset& dataset);
void write_queries_csv_header(std::ostream& out);

}  // namespace stagemark
