#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace stagemark {

struct ZipDirectory {
  std::map<std::string, std::span<const std::byte>> stored;  ///< contents by name, in place
  std::vector<std::string> compressed;                       ///< names of what cannot be read in place
};

/// torch.save stores its records uncompressed, torch.jit.save compresses its code.
/// \throws ModelError if the bytes are no zip file; the message does not name it
ZipDirectory read_zip_directory(std::span<const std::byte> file);

}  // namespace stagemark
