#include <algorithm>
#include <ostream>
#include <string>

#include "format/html/chart_data.hpp"
#include "format/html/load_sections.hpp"
#include "format/html/page.hpp"
#include "format/html/resources.hpp"
#include "format/html/sections.hpp"
#include "stagemark/format/html.hpp"

namespace stagemark {

void write_html(std::ostream& out, const Report& report, const HtmlOptions& options) {
  Page page(out);
  page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
      .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
      // Nothing may be fetched: what is not in the file is not part of the report.
      .raw(
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\">\n")
      .raw("<link rel=\"icon\" href=\"data:,\">\n");
  page.element("title", "stagemark: " + report.dataset.path).raw("\n<style>\n").raw(html_resources::style);
  page.raw("</style>\n</head>\n<body>\n<main>\n");
  const std::size_t approaches =
      report.load ? std::max(report.load->results.size(), report.results.size()) : report.results.size();
  page.element("h1", std::to_string(report.dataset.images) + " images, " + std::to_string(approaches) +
                         (approaches == 1 ? " approach" : " approaches") + (report.load ? " under load" : ""));
  page.element("p", report.dataset.path + ", " + report.timestamp + ", stagemark " + report.tool.version,
               "class=\"faint\"");
  if (report.interrupted)
    page.element("p", "The run was interrupted: this is what had been measured.", "class=\"warning\"");
  if (report.dataset.synthetic) {
    page.element("p", "Synthetic images: the times are real, the accuracy says nothing about real images.",
                 "class=\"warning\"");
  }
  if (const auto& skipped = report.dataset.skipped; !skipped.empty()) {
    page.element("p",
                 std::to_string(skipped.size()) + " of " + std::to_string(report.dataset.found) +
                     " files were skipped, the first: " + skipped.front().path + " (" + skipped.front().reason + ")",
                 "class=\"warning\"");
  }
  for (const std::string& warning : report.dataset.warnings) page.element("p", warning, "class=\"warning\"");
  if (report.load) {
    write_load_answer(page, report);
    write_warnings(page, report);
    write_load(page, report);
  } else {
    write_answer(page, report);
    write_overview(page, report);
    write_warnings(page, report);
    write_time(page, report);
  }
  // A load test may do without what is known of the images one by one.
  if (!report.load || !report.results.empty()) write_accuracy(page, report);
  write_flips(page, report, options);
  if (!report.load) write_stages(page, report);
  write_environment(page, report);
  page.raw("</main>\n<script>\n").raw(html_resources::chart_library).raw("\n</script>\n");
  page.raw(R"(<script type="application/json" id="data">)").raw(chart_data(report)).raw("</script>\n");
  page.raw("<script>\n").raw(html_resources::script).raw("</script>\n</body>\n</html>\n");
}

}  // namespace stagemark
