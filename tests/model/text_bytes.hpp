#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace stagemark {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline bool says(const std::string& said, const std::string& part) { return said.find(part) != std::string::npos; }

}  // namespace stagemark
