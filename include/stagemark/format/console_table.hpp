#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace stagemark {

/// A table of text whose columns align, also where the text is UTF-8, and which fits `console_columns`: cells of the
/// widest columns are wrapped, so that nothing is lost.
class ConsoleTable {
 public:
  enum class Align { left, right };

  /// \param alignment of each column; those not named are left-aligned
  explicit ConsoleTable(std::vector<std::string> headings, std::vector<Align> alignment = {});

  /// \pre as many cells as headings
  void add(std::vector<std::string> cells);

  void print(std::ostream& out, const std::string& indent = "") const;

 private:
  void print_row(std::ostream& out, const std::string& indent, const std::vector<std::string>& row,
                 const std::vector<std::size_t>& widths) const;

  std::vector<Align> alignment_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace stagemark
