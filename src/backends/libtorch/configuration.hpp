#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stagemark::libtorch {

/// How this LibTorch was built and is set up, in the words of `Backend::configuration`.
std::vector<std::pair<std::string, std::string>> configuration();

}  // namespace stagemark::libtorch
