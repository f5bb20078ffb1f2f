#pragma once

#include <array>

#include "stagemark/backend/approach.hpp"

namespace stagemark {

class BackendRegistry;

/// OpenCV's module for deep networks, on the CPU. Opens ONNX files: FILE.backbone.onnx with FILE.head.onnx beside it as
/// two stages, any other as a whole.
namespace opencv_dnn {

inline constexpr std::array precisions = {Precision::fp32, Precision::int8};

/// Adds `opencv`: fp32, and int8 of files whose convolutions are QLinearConv. The number of threads is the process's:
/// the engine that was opened last decides.
void add_to(BackendRegistry& registry);

}  // namespace opencv_dnn
}  // namespace stagemark
