#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace stagemark {

/// SHA-256 (FIPS 180-4) of bytes given in pieces.
class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  /// The digest in hexadecimal. The object must not be updated afterwards.
  [[nodiscard]] std::string finish();

 private:
  void compress(const std::byte* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::uint64_t length_ = 0;
};

/// Of a file's content. \throws InputError if it cannot be read
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace stagemark
