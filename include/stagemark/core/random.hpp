#pragma once

#include <cstddef>
#include <cstdint>

namespace stagemark {

/// SplitMix64 (Steele, Lea & Flood 2014): the same numbers with every compiler and standard library, unlike the
/// distributions of <random>.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  /// Uniform in [0, bound). The bias of the remainder is below 2^-40 for any bound that fits a data set.
  std::size_t below(std::size_t bound) noexcept { return static_cast<std::size_t>(next() % bound); }

 private:
  std::uint64_t state_;
};

}  // namespace stagemark
