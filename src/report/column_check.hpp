#pragma once

#include <optional>
#include <string>

#include "stagemark/report/report.hpp"

namespace stagemark {

/// A column that cannot be used, or an entry of it: `stages_ns/total`, `probability/7`.
struct BadColumn {
  std::string column;
  std::string problem;
};

/// The first column that is not as long as the paths, or holds a probability that is none.
std::optional<BadColumn> find_bad_column(const PerImage& images);

}  // namespace stagemark
