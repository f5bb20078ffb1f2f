#include "stagemark/format/console_table.hpp"

#include <algorithm>
#include <numeric>
#include <ostream>
#include <utility>

#include "stagemark/format/display_text.hpp"

namespace stagemark {
namespace {

constexpr std::size_t gap = 2;

/// Takes from the widest columns until the table fits, or until there is nothing reasonable left to take.
void shrink_to_fit(std::vector<std::size_t>& widths, std::size_t columns) {
  constexpr std::size_t least = 10;
  for (;;) {
    const std::size_t total = std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
    const auto widest = std::ranges::max_element(widths);
    if (total <= columns || *widest <= least) return;
    --*widest;
  }
}

}  // namespace

ConsoleTable::ConsoleTable(std::vector<std::string> headings, std::vector<Align> alignment)
    : alignment_(std::move(alignment)) {
  alignment_.resize(headings.size(), Align::left);
  add(std::move(headings));
}

void ConsoleTable::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(std::move(cell));
  rows_.push_back(std::move(cells));
}

void ConsoleTable::print(std::ostream& out, const std::string& indent) const {
  std::vector<std::size_t> widths(alignment_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < widths.size(); ++column) {
      widths[column] = std::max(widths[column], display_width(row[column]));
    }
  }
  shrink_to_fit(widths, console_columns - indent.size());
  for (const auto& row : rows_) print_row(out, indent, row, widths);
}

void ConsoleTable::print_row(std::ostream& out, const std::string& indent, const std::vector<std::string>& row,
                             const std::vector<std::size_t>& widths) const {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 1;
  for (std::size_t column = 0; column < widths.size(); ++column) {
    cells.push_back(wrapped(row[column], std::max<std::size_t>(widths[column], 2)));
    height = std::max(height, cells.back().size());
  }
  for (std::size_t i = 0; i < height; ++i) {
    std::string line = indent;
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const std::string text = i < cells[column].size() ? cells[column][i] : std::string();
      const std::size_t width = display_width(text);
      const std::string padding(widths[column] > width ? widths[column] - width : 0, ' ');
      if (column > 0) line.append(gap, ' ');
      line += alignment_[column] == Align::right ? padding + text : text + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace stagemark
