#pragma once

#include <sstream>
#include <string>
#include <utility>

#include "stagemark/format/json.hpp"

namespace stagemark::testing {

inline std::string written(const Report& report) {
  std::ostringstream out;
  write_json(out, report);
  return std::move(out).str();
}

inline Report read(const std::string& text) {
  std::istringstream in(text);
  return read_json(in, "report.json");
}

}  // namespace stagemark::testing
