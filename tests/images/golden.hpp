#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/temporary_directory.hpp"

namespace stagemark::testing {

/// What Pillow and torchvision made of images: `index.json` beside them says how.
inline std::filesystem::path golden_directory() {
  return std::filesystem::path(STAGEMARK_SHARED_DIR) / "golden" / "preprocess";
}

inline constexpr std::string_view resized_suffix = ".resized.npy";

/// The images that have a golden, sorted; empty where the goldens are absent.
inline std::vector<std::string> golden_images() {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto& file : std::filesystem::directory_iterator(golden_directory(), absent)) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(resized_suffix)) names.push_back(name.substr(0, name.size() - resized_suffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The image of that name: beside its golden, or one of the original X-rays.
inline std::filesystem::path golden_image(const std::string& name) {
  const std::filesystem::path xrays = std::filesystem::path(STAGEMARK_SHARED_DIR) / "data" / "kermany_val";
  for (const auto& directory : {golden_directory(), xrays / "NORMAL", xrays / "PNEUMONIA"}) {
    if (std::filesystem::exists(directory / name)) return directory / name;
  }
  return name;
}

/// The numbers of an .npy file in version 1.0, C order.
template <class Number>
std::vector<Number> read_npy(const std::filesystem::path& file) {
  const std::string bytes = TemporaryDirectory::read(file);
  const std::size_t header =
      10 + static_cast<unsigned char>(bytes.at(8)) + 256U * static_cast<unsigned char>(bytes.at(9));
  std::vector<Number> numbers((bytes.size() - header) / sizeof(Number));
  std::memcpy(numbers.data(), bytes.data() + header, numbers.size() * sizeof(Number));
  return numbers;
}

}  // namespace stagemark::testing
