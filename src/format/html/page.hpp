#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace stagemark {

/// Writes a page piece by piece. Everything that comes from a report goes through `text`, `element` or `row`, which
/// escape it.
class Page {
 public:
  explicit Page(std::ostream& out) : out_(out) {}

  Page& raw(std::string_view html);
  Page& text(std::string_view text);
  Page& element(std::string_view tag, std::string_view content, std::string_view attributes = "");
  Page& row(std::string_view cell_tag, const std::vector<std::string>& cells, std::size_t text_columns = 1);

  /// \param text_columns so many columns, from the left, hold text, the others numbers
  void table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows,
             std::size_t text_columns = 1, std::string_view caption = "");

 private:
  std::ostream& out_;
};

/// Four significant digits and the unit that suits.
std::string page_time(double milliseconds);

}  // namespace stagemark
