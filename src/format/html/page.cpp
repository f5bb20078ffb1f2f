#include "format/html/page.hpp"

#include <ostream>
#include <utility>

#include "format/escapes.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {

Page& Page::raw(std::string_view html) {
  out_ << html;
  return *this;
}

Page& Page::text(std::string_view text) {
  return raw(escaped(text, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}));
}

Page& Page::element(std::string_view tag, std::string_view content, std::string_view attributes) {
  raw("<").raw(tag);
  if (!attributes.empty()) raw(" ").raw(attributes);
  return raw(">").text(content).raw("</").raw(tag).raw(">");
}

Page& Page::row(std::string_view cell_tag, const std::vector<std::string>& cells, std::size_t text_columns) {
  raw("<tr>");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    element(cell_tag, cells[i], i > 0 && i < text_columns ? "class=\"text\"" : "");
  }
  return raw("</tr>\n");
}

void Page::table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows,
                 std::size_t text_columns, std::string_view caption) {
  // A paragraph and not a caption, which would be as wide as the table.
  if (!caption.empty()) element("p", caption, "class=\"faint\"");
  // With a tabindex the arrow keys scroll a table that is wider than the screen.
  raw(R"(<div class="scroll" tabindex="0"><table>)");
  raw("<thead>").row("th", headings, text_columns).raw("</thead><tbody>");
  for (const auto& cells : rows) row("td", cells, text_columns);
  raw("</tbody></table></div>\n");
}

std::string page_time(double milliseconds) {
  const auto [value, unit] = milliseconds >= 1000  ? std::pair(milliseconds / 1000, " s")
                             : milliseconds >= 0.1 ? std::pair(milliseconds, " ms")
                                                   : std::pair(milliseconds * 1000, " µs");
  return decimal(value, value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3) + unit;
}

}  // namespace stagemark
