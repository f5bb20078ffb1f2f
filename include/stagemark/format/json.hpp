#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// Writes the report as JSON, field by field: no second copy of it is built in memory. Numbers are the
/// shortest that read back the same, never NaN or Infinity; text that is not UTF-8 gets U+FFFD. Check the
/// stream afterwards.
void write_json(std::ostream& out, const Report& report);

/// Writes comparisons as they stand in a report, as a JSON array.
void write_json(std::ostream& out, const std::vector<Comparison>& comparisons);

/// Writes an environment as it stands in a report.
void write_json(std::ostream& out, const Environment& environment);

/// Reads a report as a stream. Fields that this version does not know are passed over.
/// \param name what errors call the source, usually the file
/// \throws InputError not JSON, truncated, a field missing or of another type, or a newer major schema; the
/// message has
///         the JSON pointer of the place
[[nodiscard]] Report read_json(std::istream& in, const std::string& name);

/// Reads a stored report: the file, or the directory that holds its report.json. \throws InputError as `read_json`, and
/// if there is none
[[nodiscard]] Report read_report(const std::filesystem::path& path);

/// Writes the JSON Schema (draft 2020-12) of what `write_json` writes.
void write_json_schema(std::ostream& out);

}  // namespace stagemark
