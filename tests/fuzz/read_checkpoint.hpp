#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/network.hpp"

namespace stagemark::fuzz {

/// Reads the file and every tensor in it, and recognises the network. All that may be thrown is a ModelError.
inline void read_checkpoint(std::string_view file) {
  std::vector<std::byte> bytes(file.size());
  for (std::size_t i = 0; i < file.size(); ++i) bytes[i] = static_cast<std::byte>(file[i]);
  try {
    const auto checkpoint = Checkpoint::from_bytes(std::move(bytes), "fuzz");
    for (const auto& [name, tensor] : checkpoint.tensors()) {
      if (checkpoint.read_floats(name).size() != tensor.elements()) __builtin_trap();
    }
    (void)describe_network(checkpoint);
  } catch (const ModelError&) {
    // The answer to what is no checkpoint.
  }
}

}  // namespace stagemark::fuzz
