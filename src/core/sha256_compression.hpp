#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace stagemark {

/// SHA-256's state, a to h, and a block of 64 bytes that is mixed into it (FIPS 180-4, 6.2.2).
using Sha256State = std::array<std::uint32_t, 8>;
void compress_portably(Sha256State& state, const std::byte* block);

/// Whether this processor has instructions for it; they are five times as fast.
bool has_sha_instructions();
/// \pre has_sha_instructions()
void compress_with_instructions(Sha256State& state, const std::byte* block);

}  // namespace stagemark
