#pragma once

#include <string>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// A stored report: the file, or the directory that holds its report.json. \throws InputError
Report read_report(const std::string& path);

}  // namespace stagemark
