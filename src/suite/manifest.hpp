#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stagemark {

/// One row of a manifest.
struct ManifestRow {
  std::string path;                  ///< as it is written
  std::optional<std::string> label;  ///< absent where there is no such column
  std::size_t line = 0;              ///< where the row begins, from 1
};

/// Reads comma-separated values (RFC 4180: fields in quotes may hold commas, doubled quotes and line breaks; lines end in
/// CR LF or LF; a byte-order mark is passed over). The first row names the columns: `path` alone, or `path` and `label`
/// and any others, which are passed over. Memory stays within a few times the text's.
/// \param name what errors call the text, usually its file
/// \throws InputError that names the line: no such columns, a quote that is not closed or stands where none may, a row of
///         another length, an empty path or label, a NUL byte
std::vector<ManifestRow> parse_manifest(std::string_view text, const std::string& name);

}  // namespace stagemark
