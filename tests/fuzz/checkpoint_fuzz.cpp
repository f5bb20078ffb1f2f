// The reader of checkpoints on any bytes. The first byte chooses whether the rest is a file, or the pickle within one,
// which a mutated zip file would hardly ever reach.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/stored_zip.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/network.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as characters
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string file(input);
  if (data[0] % 2 == 0) {
    file = stagemark::StoredZip()
               .add("x/data.pkl", input)
               .add("x/data/0", std::string(64, '\1'))
               .add("x/data/1", std::string(8, '\2'))
               .bytes();
  }
  std::vector<std::byte> bytes(file.size());
  for (std::size_t i = 0; i < file.size(); ++i) bytes[i] = static_cast<std::byte>(file[i]);
  try {
    const auto checkpoint = stagemark::Checkpoint::from_bytes(std::move(bytes), "fuzz");
    for (const auto& [name, tensor] : checkpoint.tensors()) {
      if (checkpoint.read_floats(name).size() != tensor.elements()) __builtin_trap();
    }
    (void)stagemark::describe_network(checkpoint);
  } catch (const stagemark::ModelError&) {
    // The answer to what is no checkpoint.
  }
  return 0;
}
