#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stagemark/backend/preprocessor.hpp"
#include "stagemark/model/onnx_description.hpp"

namespace stagemark::opencv_dnn {

/// A graph for OpenCV: with what it would not read, or take for something else, written out.
struct ReadableGraph {
  /// A softmax of before operator set 13: one of all dimensions from its axis on, of which OpenCV takes the first.
  struct Flattening {
    std::string layer;  ///< what OpenCV's name of it ends with
    std::string operation;
    std::int64_t axis = 1;
  };

  std::string bytes;
  std::vector<Flattening> flattenings;
};

/// \param images what its input is; absent where that is another graph's output
/// \throws ModelError that names an operation that OpenCV computes otherwise than ONNX defines it
ReadableGraph readable_graph(const OnnxDescription& description, const std::optional<InputShape>& images);

}  // namespace stagemark::opencv_dnn
