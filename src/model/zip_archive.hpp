#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace stagemark {

/// Contents of a zip file by name, in place: torch.save stores its records uncompressed.
/// \throws ModelError if the bytes are not such a file; the message does not name it
std::map<std::string, std::span<const std::byte>> read_zip_directory(std::span<const std::byte> file);

}  // namespace stagemark
