#include "report_file.hpp"

#include <filesystem>
#include <fstream>

#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {

Report read_report(const std::string& path) {
  std::filesystem::path file = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) file /= "report.json";
  std::ifstream in(file, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(file, ignored)) {
    throw InputError("no such report", file.string(), "name the report.json that 'stagemark run' wrote");
  }
  return read_json(in, file.string());
}

}  // namespace stagemark
