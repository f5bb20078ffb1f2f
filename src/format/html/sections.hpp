#pragma once

#include "format/html/page.hpp"
#include "stagemark/format/html.hpp"

// The parts of the page, from top to bottom.

namespace stagemark {

/// The verdicts, or what each approach takes where there is nothing to compare.
void write_answer(Page& page, const Report& report);
/// What each approach takes.
void write_overview(Page& page, const Report& report);
/// What failed, and what there is to warn of.
void write_warnings(Page& page, const Report& report);
/// The charts of time.
void write_time(Page& page, const Report& report);
void write_accuracy(Page& page, const Report& report);
/// The images whose decision differs, with what both said.
void write_flips(Page& page, const Report& report, const HtmlOptions& options);
void write_stages(Page& page, const Report& report);
void write_environment(Page& page, const Report& report);

}  // namespace stagemark
