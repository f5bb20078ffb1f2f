#pragma once

#include <span>
#include <string>

#include "stagemark/backend/approach.hpp"
#include "stagemark/suite/dataset.hpp"

// What is measured, however it is.

namespace stagemark {

/// The approach under its name, or where an earlier one is called so with `#2` and so on behind it.
Approach named_apart(Approach approach, std::span<const std::string> taken);

/// Whether nothing else may open meanwhile: on a GPU, whose libraries choose their kernels by what these take, and whose
/// memory is not shared.
bool opens_alone(const Approach& approach);

/// \throws std::invalid_argument where a label is no class of the data set
void expect_labels(const Dataset& dataset);

}  // namespace stagemark
