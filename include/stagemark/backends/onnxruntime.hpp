#pragma once

#include <array>

#include "stagemark/backend/approach.hpp"

namespace stagemark {

class BackendRegistry;

/// The engines of ONNX Runtime. Each runs a user's ONNX graph, or what was exported from a checkpoint: the whole network,
/// or its two parts where the model is NAME.backbone.onnx and NAME.head.onnx lies beside it.
namespace onnxruntime {

/// What `onnxruntime` and `tensorrt` can be asked for.
inline constexpr std::array precisions = {Precision::fp32, Precision::fp16, Precision::int8};

/// Adds `onnxruntime` (fp32, fp16, int8; on the CPU and on each CUDA device) and `tensorrt`, ONNX Runtime's TensorRT
/// provider (fp32, fp16, int8; on each CUDA device), as far as this ONNX Runtime can. `onnxruntime` has the option
/// `nospin`: threads never wait actively, where by default they do within a call (never after it).
void add_to(BackendRegistry& registry);

}  // namespace onnxruntime
}  // namespace stagemark
