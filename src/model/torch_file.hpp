#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/pickle.hpp"

namespace stagemark {

/// What torch.save wrote: the pickled object, and the bytes of its storages by key, in place.
struct TorchFile {
  Pickle object;
  std::map<std::string, std::span<const std::byte>> storages;
};

/// The bytes of a file, or no more than its beginning if that shows that it is none that torch.save wrote.
/// \throws ModelError if it cannot be read
std::vector<std::byte> read_model_file(const std::filesystem::path& file);

/// Reads the zip format and the one that torch.save wrote before PyTorch 1.6.
/// \throws ModelError if the bytes are neither; the message does not name the file
TorchFile read_torch_file(std::span<const std::byte> file);

/// Whether it is a program as torch.jit.save writes it, and not only data.
bool holds_torchscript(std::span<const std::byte> file);

/// Whether it is a package of AOTInductor (.pt2).
bool holds_aoti(std::span<const std::byte> file);

}  // namespace stagemark
