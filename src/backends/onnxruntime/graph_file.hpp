#pragma once

#include <cstdint>
#include <filesystem>

namespace stagemark::onnxruntime {

/// What an ONNX file says of the network, beyond what a session tells.
struct GraphFile {
  /// Elements of its weights: not of constants for shapes, scales, zero points, and running statistics.
  std::uint64_t parameters = 0;
  /// Whether the last operation is a softmax or a sigmoid: the output is probabilities, not logits.
  bool yields_probabilities = false;
  /// Whether most of the weights are 8-bit integers, or half precision.
  bool quantised = false;
  bool half_precision = false;
};

/// Reads names and shapes and skips the numbers, so that a large file takes no memory.
/// \throws ModelError if the file cannot be read or is no ONNX graph
GraphFile read_graph_file(const std::filesystem::path& file);

}  // namespace stagemark::onnxruntime
