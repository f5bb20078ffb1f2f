#include "suite/entrants.hpp"

#include <algorithm>
#include <stdexcept>

namespace stagemark {

Approach named_apart(Approach approach, std::span<const std::string> taken) {
  const std::string label = approach.label();
  for (std::size_t copy = 2; std::ranges::find(taken, approach.label()) != taken.end(); ++copy)
    approach.name = label + "#" + std::to_string(copy);
  return approach;
}

bool opens_alone(const Approach& approach) { return approach.device && approach.device->kind != Device::Kind::cpu; }

void expect_labels(const Dataset& dataset) {
  for (const DatasetEntry& entry : dataset.entries) {
    if (entry.label && *entry.label >= dataset.classes.size())
      throw std::invalid_argument("the label of " + entry.path + " is no class of the data set");
  }
}

}  // namespace stagemark
