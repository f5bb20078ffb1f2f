// The reader of what torch.save wrote before PyTorch 1.6: any bytes behind a good beginning, which are the object's pickle,
// the keys of its storages, and the storages.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/read_checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::string_view_literals;
  // The magic number, version 1001, {"little_endian": True}.
  std::string file(
      "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
      "\x80\x02M\xe9\x03."
      "\x80\x02}q\x00X\x0d\x00\x00\x00little_endianq\x01\x88s."sv);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as characters
  file.append(reinterpret_cast<const char*>(data), size);
  stagemark::fuzz::read_checkpoint(file);
  return 0;
}
