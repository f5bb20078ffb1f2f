#pragma once

#include <string>
#include <string_view>

#include "stagemark/judgement/gate.hpp"

namespace stagemark {

/// A sentence of the library as the command says it: where that names a parameter in backticks, this names its option.
/// `max_accuracy_drop` becomes --max-accuracy-drop; the stages, as in `total`, stay what they are.
std::string with_option_names(std::string_view text);

/// The same in all that a gate found.
GateResult with_option_names(GateResult result);

}  // namespace stagemark
