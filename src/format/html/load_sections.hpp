#pragma once

#include "format/html/page.hpp"
#include "stagemark/report/report.hpp"

// The parts of the page that a load test has in the place of those of time.

namespace stagemark {

/// The verdicts on capacity, or what each approach serves where there is nothing to compare. \pre report.load
void write_load_answer(Page& page, const Report& report);
/// Settings, tables and charts. \pre report.load
void write_load(Page& page, const Report& report);

}  // namespace stagemark
