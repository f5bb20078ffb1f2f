#include "stagemark/core/sha256.hpp"

#include <algorithm>
#include <fstream>
#include <ios>
#include <string_view>
#include <vector>

#include "core/sha256_compression.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {

void Sha256::update(std::span<const std::byte> bytes) {
  const auto held = static_cast<std::size_t>(length_ % pending_.size());
  length_ += bytes.size();
  if (held != 0) {
    const std::size_t taken = std::min(bytes.size(), pending_.size() - held);
    std::copy_n(bytes.begin(), taken, pending_.begin() + static_cast<std::ptrdiff_t>(held));
    bytes = bytes.subspan(taken);
    if (held + taken < pending_.size()) return;
    compress(pending_.data());
  }
  for (; bytes.size() >= pending_.size(); bytes = bytes.subspan(pending_.size())) compress(bytes.data());
  std::copy(bytes.begin(), bytes.end(), pending_.begin());
}

std::string Sha256::finish() {
  const std::uint64_t bit_count = length_ * 8;
  constexpr std::array one_bit = {std::byte{0x80}};
  constexpr std::array zero = {std::byte{0}};
  update(one_bit);
  while (length_ % pending_.size() != pending_.size() - sizeof bit_count) update(zero);
  std::array<std::byte, sizeof bit_count> trailer{};
  for (std::size_t i = 0; i < trailer.size(); ++i) {
    trailer[i] = static_cast<std::byte>(bit_count >> (56 - 8 * i));
  }
  update(trailer);

  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) text += digits[(word >> shift) & 0xFU];
  }
  return text;
}

void Sha256::compress(const std::byte* block) {
  static const auto mix = has_sha_instructions() ? compress_with_instructions : compress_portably;
  mix(state_, block);
}

std::string sha256_of_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw InputError("cannot be opened", file.string(), "check that the file exists and may be read");
  }
  Sha256 hash;
  std::vector<char> buffer(std::size_t{1} << 16);
  do {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.update(std::as_bytes(std::span(buffer.data(), static_cast<std::size_t>(stream.gcount()))));
  } while (stream);
  // A directory opens like a file and fails only here.
  if (stream.bad() || !stream.eof()) {
    throw InputError("cannot be read", file.string(), "check that it is a file and that its disk is sound");
  }
  return hash.finish();
}

}  // namespace stagemark
