#include "console_table.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

namespace stagemark {
namespace {

/// Characters, not bytes: a UTF-8 continuation byte takes no column.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

ConsoleTable::ConsoleTable(std::vector<std::string> headings, std::vector<Align> alignment)
    : alignment_(std::move(alignment)) {
  alignment_.resize(headings.size(), Align::left);
  rows_.push_back(std::move(headings));
}

void ConsoleTable::print(std::ostream& out, const std::string& indent) const {
  std::vector<std::size_t> widths(alignment_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < widths.size(); ++column) {
      widths[column] = std::max(widths[column], width(row[column]));
    }
  }
  for (const auto& row : rows_) {
    std::string line = indent;
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const std::string padding(widths[column] - width(row[column]), ' ');
      if (column > 0) line += "  ";
      line += alignment_[column] == Align::right ? padding + row[column] : row[column] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace stagemark
