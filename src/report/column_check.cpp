#include "column_check.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace stagemark {

std::optional<BadColumn> find_bad_column(const PerImage& images) {
  std::vector<std::pair<std::string, std::size_t>> lengths = {{"label", images.label.size()},
                                                              {"probability", images.probability.size()},
                                                              {"logit", images.logit.size()},
                                                              {"predicted", images.predicted.size()},
                                                              {"round", images.round.size()},
                                                              {"process", images.process.size()},
                                                              {"pass", images.pass.size()},
                                                              {"call", images.call.size()},
                                                              {"input_hash", images.input_hash.size()}};
  for (const auto& [stage, times] : images.stages_ns) {
    lengths.emplace_back("stages_ns/" + std::string(to_string(stage)), times.size());
  }
  const std::size_t expected = images.path.size();
  for (const auto& [column, length] : lengths) {
    if (length == expected) continue;
    return BadColumn{.column = column,
                     .problem = "expected " + std::to_string(expected) + " entries as in the other columns, found " +
                                std::to_string(length)};
  }
  for (std::size_t row = 0; row < expected; ++row) {
    const auto probability = images.probability[row];
    const bool usable = !probability || (*probability >= 0 && *probability <= 1);  // false for NaN
    if (!usable) {
      return BadColumn{.column = "probability/" + std::to_string(row), .problem = "expected a probability from 0 to 1"};
    }
  }
  return std::nullopt;
}

}  // namespace stagemark
