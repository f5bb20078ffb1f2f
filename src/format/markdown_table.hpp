#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace stagemark {

/// Text that stays text in a cell of a Markdown table.
std::string markdown_cell(std::string_view text);

/// One row of a table, its cells escaped.
void write_markdown_row(std::ostream& out, const std::vector<std::string>& cells);

/// The row of headings and the line below it.
void write_markdown_headings(std::ostream& out, const std::vector<std::string>& headings);

}  // namespace stagemark
