#include "stagemark/model/model_format.hpp"

#include <cstddef>
#include <fstream>
#include <system_error>
#include <vector>

#include "model/onnx_signature.hpp"
#include "model/torch_file.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

bool is_onnx(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  return !error && in && looks_like_onnx(in, size);
}

}  // namespace

ModelFormat model_format(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_model_file(file);
  if (is_onnx(file)) return ModelFormat::onnx;
  try {
    if (holds_aoti(bytes)) return ModelFormat::aoti;
    return holds_torchscript(bytes) ? ModelFormat::torchscript : ModelFormat::tensors;
  } catch (const ModelError& error) {
    throw ModelError(error.within(file.string()));
  }
}

}  // namespace stagemark
