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

/// Reads the zip format and the one that torch.save wrote before PyTorch 1.6.
/// \throws ModelError if the bytes are neither; the message does not name the file
TorchFile read_torch_file(std::span<const std::byte> file);

}  // namespace stagemark
