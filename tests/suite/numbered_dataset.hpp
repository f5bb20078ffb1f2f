#pragma once

#include <cstddef>
#include <string>

#include "stagemark/suite/dataset.hpp"

namespace stagemark {

/// Images that are called by their numbers, the odd ones positive.
inline Dataset numbered_dataset(std::size_t images) {
  Dataset set;
  set.root = "set";
  set.classes = {"even", "odd"};
  set.positive = 1;
  for (std::size_t i = 0; i < images; ++i) set.entries.push_back({std::to_string(i), i % 2});
  return set;
}

}  // namespace stagemark
