// Any bytes as an ONNX file, as it is described to all engines of graphs: facts or a ModelError.
#include <cstddef>
#include <cstdint>

#include "fuzz/memory_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/onnx_description.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const stagemark::fuzz::MemoryFile file(data, size);
  try {
    (void)stagemark::describe_onnx(file.path());
  } catch (const stagemark::ModelError&) {
    // what is no graph
  }
  return 0;
}
