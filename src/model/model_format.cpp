#include "stagemark/model/model_format.hpp"

#include <cstddef>
#include <vector>

#include "model/torch_file.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {

ModelFormat model_format(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_model_file(file);
  try {
    return holds_torchscript(bytes) ? ModelFormat::torchscript : ModelFormat::tensors;
  } catch (const ModelError& error) {
    throw ModelError(error.what(), file.string());
  }
}

}  // namespace stagemark
