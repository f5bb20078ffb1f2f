#pragma once

#include <string>

#include "stagemark/backend/approach.hpp"

namespace stagemark::onnxruntime {

/// A graph of one convolution in the precision, as the bytes of an ONNX file: what can be tried out without a model.
/// Input "x" is 1 x 3 x 8 x 8, output "y".
std::string probe_graph(Precision precision);

}  // namespace stagemark::onnxruntime
