// The reader of checkpoints on any bytes. The first byte chooses whether the rest is a file, or the pickle within one,
// which a mutated zip file would hardly ever reach.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fakes/stored_zip.hpp"
#include "fuzz/read_checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as characters
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string file(input);
  if (data[0] % 2 == 0) {
    file = stagemark::StoredZip()
               .add("x/data.pkl", input)
               .add("x/data/0", std::string(160, '\1'))  // what the views of the corpus need
               .add("x/data/1", std::string(64, '\2'))
               .add("x/data/2", std::string(8, '\3'))
               .bytes();
  }
  stagemark::fuzz::read_checkpoint(file);
  return 0;
}
