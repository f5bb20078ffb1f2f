#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/onnx_description.hpp"

namespace stagemark {

class Checkpoint;

/// What the exported network computes in.
enum class OnnxPrecision : std::uint8_t { fp32, fp16, int8 };

/// Which part of the network a file holds.
enum class OnnxPart : std::uint8_t { whole, backbone, head };

/// How an int8 graph says what is quantised.
enum class OnnxQuantisation : std::uint8_t {
  qdq,        ///< floating-point operators between QuantizeLinear and DequantizeLinear: ONNX Runtime, TensorRT
  operators,  ///< operators of integers (QLinearConv, and QLinearAdd of com.microsoft) up to the pooling: OpenCV
};

struct OnnxExportOptions {
  OnnxPrecision precision = OnnxPrecision::fp32;
  OnnxPart part = OnnxPart::whole;
  /// Spatial size that the graph states; the batch is always free.
  std::size_t height = 224;
  std::size_t width = 224;
  /// Of every tensor of the network; needed for int8, else not used.
  ActivationRanges ranges;
  OnnxQuantisation quantisation = OnnxQuantisation::qdq;
};

/// Grows whenever the same options give other bytes.
inline constexpr int onnx_exporter_revision = 2;

/// Writes the network of a checkpoint as ONNX: batch normalisation folded into the convolutions, no tensor shared by two
/// nodes, input "input" (N x 3 x H x W, float32), output "logits" (N x outputs, float32); the backbone's output and the
/// head's input are "features". fp16 computes in half precision between casts; int8 is static quantisation with uint8
/// activations and int8 weights per output channel, of which the last layer's result is left float32. Checked by ONNX's
/// own checker. The same input gives the same bytes.
/// \throws ModelError if the checkpoint is no network that is known or a range is missing, OutputError if the file
///         cannot be written
void export_onnx(const std::filesystem::path& file, const Checkpoint& checkpoint, const OnnxExportOptions& options);

}  // namespace stagemark
