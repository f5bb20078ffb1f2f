#pragma once

#include <cstddef>

#include "stagemark/backend/registry.hpp"
#include "stagemark/machine/environment.hpp"

namespace stagemark {

/// The machine as this program finds it, with what its engines tell of their runtimes.
/// \param threads of the network
Environment this_machine(const BackendRegistry& registry, std::size_t threads);

}  // namespace stagemark
