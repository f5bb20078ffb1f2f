#pragma once

#include <cstddef>

namespace stagemark {

/// How often this program has asked for memory. Its source replaces the operators new and delete, and is a file of its
/// own so that the compiler does not see through them.
std::size_t allocations() noexcept;

}  // namespace stagemark
