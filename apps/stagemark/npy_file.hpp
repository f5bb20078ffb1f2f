#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>

namespace stagemark {

/// Writes an array as NumPy's .npy, version 1.0, C order, atomically.
/// \throws OutputError if the file cannot be written, std::invalid_argument if the shape is of another size
void write_npy(const std::filesystem::path& file, std::span<const float> values,
               std::initializer_list<std::size_t> shape);
void write_npy(const std::filesystem::path& file, std::span<const std::uint8_t> values,
               std::initializer_list<std::size_t> shape);

}  // namespace stagemark
