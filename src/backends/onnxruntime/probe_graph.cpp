#include "probe_graph.hpp"

#include <stdexcept>

#include "model/onnx_writer.hpp"

namespace stagemark::onnxruntime {
namespace {

constexpr std::size_t weights = std::size_t{4} * 3 * 3 * 3;

/// The same element again and again, given as its bytes.
std::string repeated(std::string_view element, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += element;
  return bytes;
}

constexpr std::string_view one_float32{"\0\0\x80\x3f", 4};
constexpr std::string_view one_float16{"\0\x3c", 2};
constexpr std::string_view zero{"\0", 1};

/// In floating point: y = Conv(x, w).
std::string plain(OnnxElementType type, std::string_view one) {
  return OnnxWriter()
      .input("x", type, {1, 3, 8, 8})
      .output("y", type, {1, 4, 6, 6})
      .constant("w", type, {4, 3, 3, 3}, repeated(one, weights))
      .node("Conv", {"x", "w"}, "y")
      .file();
}

/// As exporters write INT8: every tensor is quantised and dequantised, and the engine must see what to make of it.
std::string quantised() {
  return OnnxWriter()
      .input("x", OnnxElementType::float32, {1, 3, 8, 8})
      .output("y", OnnxElementType::float32, {1, 4, 6, 6})
      .constant("scale", OnnxElementType::float32, {}, one_float32)
      .constant("zero", OnnxElementType::uint8, {}, zero)
      .constant("w_zero", OnnxElementType::int8, {}, zero)
      .constant("w_int8", OnnxElementType::int8, {4, 3, 3, 3}, repeated("\1", weights))
      .node("QuantizeLinear", {"x", "scale", "zero"}, "x_uint8")
      .node("DequantizeLinear", {"x_uint8", "scale", "zero"}, "x_real")
      .node("DequantizeLinear", {"w_int8", "scale", "w_zero"}, "w")
      .node("Conv", {"x_real", "w"}, "sum")
      .node("QuantizeLinear", {"sum", "scale", "zero"}, "sum_uint8")
      .node("DequantizeLinear", {"sum_uint8", "scale", "zero"}, "y")
      .file();
}

}  // namespace

std::string probe_graph(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return plain(OnnxElementType::float32, one_float32);
    case Precision::fp16:
      return plain(OnnxElementType::float16, one_float16);
    case Precision::int8:
      return quantised();
    case Precision::bf16:
      break;
  }
  throw std::logic_error("there is no such precision in this engine");
}

}  // namespace stagemark::onnxruntime
