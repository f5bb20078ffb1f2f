#pragma once

#include <filesystem>
#include <iosfwd>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// Writes the report as HTML, with small pictures of the images whose decision flipped, where they are still there.
void write_illustrated_html(std::ostream& out, const Report& report);

/// \throws OutputError
void write_html_file(const std::filesystem::path& file, const Report& report);

}  // namespace stagemark
