#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "model/pickle.hpp"

namespace stagemark {

/// What torch.save wrote: the pickled object, and the bytes of its storages by key, in place.
struct TorchFile {
  Pickle object;
  std::map<std::string, std::span<const std::byte>> storages;
};

/// As many bytes tell whether a file could be one.
inline constexpr std::size_t longest_signature = 15;

/// Whether a file that begins so could be one.
bool is_torch_file(std::span<const std::byte> beginning);

/// Reads the zip format and the one that torch.save wrote before PyTorch 1.6.
/// \throws ModelError if the bytes are neither; the message does not name the file
TorchFile read_torch_file(std::span<const std::byte> file);

}  // namespace stagemark
