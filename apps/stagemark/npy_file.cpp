#include "npy_file.hpp"

#include <bit>
#include <functional>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <string>

#include "stagemark/core/atomic_file.hpp"

namespace stagemark {
namespace {

static_assert(std::endian::native == std::endian::little, "the files say that their numbers are little-endian");

// Source: NumPy's "A Simple File Format for NumPy Arrays" (NEP 1).
std::string header(const std::string& type, std::initializer_list<std::size_t> shape) {
  std::string dictionary = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (";
  for (const std::size_t size : shape) dictionary += std::to_string(size) + ",";
  dictionary += "), }";
  constexpr std::size_t before = 10;
  constexpr std::size_t alignment = 64;
  while ((before + dictionary.size() + 1) % alignment != 0) dictionary += ' ';
  dictionary += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += {'\x01', '\x00', static_cast<char>(dictionary.size() & 0xFFU), static_cast<char>(dictionary.size() >> 8U)};
  return bytes + dictionary;
}

template <class Number>
void write(const std::filesystem::path& file, const std::string& type, std::span<const Number> values,
           std::initializer_list<std::size_t> shape) {
  if (std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()) != values.size()) {
    throw std::invalid_argument("an array needs as many values as its shape says");
  }
  write_file_atomically(file, [&](std::ostream& out) {
    out << header(type, shape);
    const auto bytes = std::as_bytes(values);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as a stream takes them
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  });
}

}  // namespace

void write_npy(const std::filesystem::path& file, std::span<const float> values,
               std::initializer_list<std::size_t> shape) {
  write(file, "<f4", values, shape);
}

void write_npy(const std::filesystem::path& file, std::span<const std::uint8_t> values,
               std::initializer_list<std::size_t> shape) {
  write(file, "|u1", values, shape);
}

}  // namespace stagemark
