#pragma once

#include <string>
#include <string_view>

#include "format/html/page.hpp"

namespace stagemark {

/// A chart that page.js draws.
struct Figure {
  std::string_view chart;
  std::string_view title;
  std::string description;  ///< what it shows and how to read it, for the caption and those who cannot see it
  std::string figures;      ///< what it says of these approaches, for those who cannot see it
};

void write_figure(Page& page, const Figure& figure);

}  // namespace stagemark
