#include "stagemark/core/sha256.hpp"

#include <algorithm>
#include <bit>
#include <fstream>
#include <ios>
#include <string_view>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

// FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t big_endian_word(const std::byte* bytes) {
  return (std::to_integer<std::uint32_t>(bytes[0]) << 24) | (std::to_integer<std::uint32_t>(bytes[1]) << 16) |
         (std::to_integer<std::uint32_t>(bytes[2]) << 8) | std::to_integer<std::uint32_t>(bytes[3]);
}

}  // namespace

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
  std::array<std::uint32_t, 64> schedule{};
  for (std::size_t t = 0; t < 16; ++t) schedule[t] = big_endian_word(block + 4 * t);
  for (std::size_t t = 16; t < schedule.size(); ++t) {
    const std::uint32_t early = schedule[t - 15];
    const std::uint32_t late = schedule[t - 2];
    schedule[t] = schedule[t - 16] + (std::rotr(early, 7) ^ std::rotr(early, 18) ^ (early >> 3)) + schedule[t - 7] +
                  (std::rotr(late, 17) ^ std::rotr(late, 19) ^ (late >> 10));
  }

  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t t = 0; t < schedule.size(); ++t) {
    const std::uint32_t choice = (e & f) ^ (~e & g);
    const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    const std::uint32_t first =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + choice + round_constants[t] + schedule[t];
    const std::uint32_t second = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::array<std::uint32_t, 8> mixed = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state_.size(); ++i) state_[i] += mixed[i];
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
