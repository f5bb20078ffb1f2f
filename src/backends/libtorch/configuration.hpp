#pragma once

#include "stagemark/backend/runtime_configuration.hpp"

namespace stagemark::libtorch {

/// How this LibTorch was built and is set up.
RuntimeConfiguration configuration();

}  // namespace stagemark::libtorch
