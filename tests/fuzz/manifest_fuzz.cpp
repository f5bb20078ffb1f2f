// Any bytes as a manifest: rows or an InputError, and rows that can be written so that they read back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "stagemark/core/error.hpp"
#include "suite/manifest.hpp"

namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stagemark;
  try {
    const auto rows = parse_manifest({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    if (rows.empty()) return 0;
    const bool labelled = rows[0].label.has_value();
    std::string text = labelled ? "path,label\n" : "path\n";
    for (const ManifestRow& row : rows) {
      if (row.path.empty() || row.label.has_value() != labelled || row.line == 0) std::abort();
      text += quoted(row.path) + (labelled ? "," + quoted(*row.label) : "") + "\r\n";
    }
    const auto again = parse_manifest(text, "again.csv");
    if (again.size() != rows.size()) std::abort();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (again[i].path != rows[i].path || again[i].label != rows[i].label) std::abort();
    }
  } catch (const InputError&) {
    // what is not a manifest
  }
  return 0;
}
