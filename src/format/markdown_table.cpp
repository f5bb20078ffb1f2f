#include "markdown_table.hpp"

#include <ostream>

namespace stagemark {

std::string markdown_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    switch (c) {
      case '\n':
      case '\r':
        cell += ' ';
        break;
      case '<':
        cell += "&lt;";
        break;
      case '>':
        cell += "&gt;";
        break;
      case '&':
        cell += "&amp;";
        break;
      case '|':
      case '\\':
      case '`':
      case '*':
      case '_':
      case '[':
      case ']':
      case '~':
        cell += '\\';
        [[fallthrough]];
      default:
        cell += c;
    }
  }
  return cell;
}

void write_markdown_row(std::ostream& out, const std::vector<std::string>& cells) {
  out << '|';
  for (const std::string& cell : cells) out << ' ' << markdown_cell(cell) << " |";
  out << '\n';
}

void write_markdown_headings(std::ostream& out, const std::vector<std::string>& headings) {
  write_markdown_row(out, headings);
  out << '|';
  for (std::size_t i = 0; i < headings.size(); ++i) out << "---|";
  out << '\n';
}

}  // namespace stagemark
