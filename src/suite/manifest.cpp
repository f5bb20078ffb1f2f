#include "suite/manifest.hpp"

#include <algorithm>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

/// The records of a text, one after the other.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
  }

  /// The fields of the next record that is not an empty line; false at the end.
  bool next(std::vector<std::string>& fields) {
    while (end_of_line()) {
    }
    fields.clear();
    record_line_ = line_;
    if (text_.empty()) return false;
    do {
      fields.push_back(field());
    } while (take(','));
    if (!text_.empty() && !end_of_line())
      refuse("has text behind the end of a quoted field", "double quotes within quotes");
    return true;
  }

  /// Where the last record began, from 1.
  [[nodiscard]] std::size_t record_line() const { return record_line_; }

  [[noreturn]] void refuse(const std::string& problem, const std::string& remedy) const {
    throw InputError(problem, name_ + " line " + std::to_string(record_line_), remedy);
  }

 private:
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool end_of_line() {
    if (text_.starts_with("\r\n")) text_.remove_prefix(1);
    if (!take('\n')) return false;
    ++line_;
    return true;
  }

  std::string field() {
    if (take('"')) return quoted();
    std::string_view plain = text_.substr(0, text_.find_first_of(",\n"));
    text_.remove_prefix(plain.size());
    if ((text_.empty() || text_.starts_with('\n')) && plain.ends_with('\r')) plain.remove_suffix(1);
    if (plain.find('"') != std::string_view::npos) {
      refuse("has a quote within a field that is not quoted", "put the field in quotes and double those within");
    }
    return std::string(plain);
  }

  std::string quoted() {
    std::string value;
    for (;;) {
      const std::size_t quote = text_.find('"');
      if (quote == std::string_view::npos) refuse("has a quote that is not closed", "close it");
      const std::string_view part = text_.substr(0, quote);
      line_ += static_cast<std::size_t>(std::ranges::count(part, '\n'));
      value += part;
      text_.remove_prefix(quote + 1);
      if (!take('"')) return value;
      value += '"';
    }
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t line_ = 1;
  std::size_t record_line_ = 1;
};

}  // namespace

std::vector<ManifestRow> parse_manifest(std::string_view text, const std::string& name) {
  if (text.find('\0') != std::string_view::npos) {
    throw InputError("holds a NUL byte, so it is not text", name, "save it as UTF-8");
  }
  CsvReader reader(text, name);
  std::vector<std::string> fields;
  const bool any = reader.next(fields);
  const auto column = [&](std::string_view wanted) { return std::ranges::find(fields, wanted) - fields.begin(); };
  const auto columns = std::ssize(fields);
  const auto path_column = column("path");
  const auto label_column = column("label");
  if (!any || path_column == columns) {
    throw InputError("its first line does not name a column 'path'", name, "begin it with: path,label");
  }
  if (label_column == columns && columns > 1) {
    throw InputError("its first line names no column 'label'", name,
                     "call one so, or leave path alone if there are no labels");
  }

  std::vector<ManifestRow> rows;
  while (reader.next(fields)) {
    if (std::ssize(fields) != columns) {
      reader.refuse(
          "has " + std::to_string(fields.size()) + " fields where the first line has " + std::to_string(columns),
          "put fields with commas in quotes");
    }
    ManifestRow row{std::move(fields[static_cast<std::size_t>(path_column)]), std::nullopt, reader.record_line()};
    if (row.path.empty()) reader.refuse("has no path", "name an image or remove the line");
    if (label_column != columns) {
      row.label = std::move(fields[static_cast<std::size_t>(label_column)]);
      if (row.label->empty()) reader.refuse("has no label", "give one, or leave out the whole column 'label'");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace stagemark
