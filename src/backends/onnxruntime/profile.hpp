#pragma once

#include <istream>
#include <string>
#include <vector>

namespace stagemark::onnxruntime {

/// One node of a graph as ONNX Runtime ran it, after its optimisations.
struct ExecutedNode {
  std::string operation;   ///< e.g. "QLinearConv"
  std::string provider;    ///< e.g. "CPUExecutionProvider"
  std::string input_type;  ///< of the first input, e.g. "float16"; empty where there is none
};

/// Reads what ran out of a profile that ONNX Runtime wrote: one event a line, in Chrome's trace format.
std::vector<ExecutedNode> read_profile(std::istream& profile);

}  // namespace stagemark::onnxruntime
