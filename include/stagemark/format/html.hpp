#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "stagemark/report/report.hpp"

namespace stagemark {

struct HtmlOptions {
  /// A small picture of an image of the data set as a `data:` URI, for the decisions that flipped; absent where the
  /// file cannot be read any more. Empty: no pictures.
  std::function<std::optional<std::string>(const std::string& path)> thumbnail;
  std::size_t most_thumbnails = 48;
};

/// Writes the report as one HTML file that needs nothing else: no network, no other file. Curves of large runs are
/// thinned for display; every figure that is printed is of all that was measured. Check the stream afterwards.
void write_html(std::ostream& out, const Report& report, const HtmlOptions& options = {});

}  // namespace stagemark
