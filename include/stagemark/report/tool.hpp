#pragma once

#include "stagemark/report/report.hpp"

namespace stagemark {

/// The version of this library and, where it was built from a git checkout, the commit.
ToolInfo this_tool();

}  // namespace stagemark
