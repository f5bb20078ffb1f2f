// Any bytes as an ONNX file, as the engine onnxruntime looks into it: facts or a ModelError.
#include <cstddef>
#include <cstdint>

#include "../../src/backends/onnxruntime/graph_file.hpp"
#include "fuzz/memory_file.hpp"
#include "stagemark/core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const stagemark::fuzz::MemoryFile file(data, size);
  try {
    (void)stagemark::onnxruntime::read_graph_file(file.path());
  } catch (const stagemark::ModelError&) {
    // what is no graph
  }
  return 0;
}
