#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace stagemark {

/// What an HTML report shows without its scripts.
inline std::string markup_of(const std::string& page) { return page.substr(0, page.find("<script>")); }

/// What its scripts draw.
inline nlohmann::json data_of(const std::string& page) {
  const std::string start = R"(<script type="application/json" id="data">)";
  const std::size_t first = page.find(start) + start.size();
  return nlohmann::json::parse(page.substr(first, page.find("</script>", first) - first));
}

}  // namespace stagemark
