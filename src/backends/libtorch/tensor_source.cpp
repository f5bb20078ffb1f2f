#include "tensor_source.hpp"

#include <algorithm>
#include <vector>

#include "stagemark/model/checkpoint.hpp"

namespace stagemark::libtorch {

TensorSource tensors_of(const Checkpoint& checkpoint) {
  return [&checkpoint](const std::string& name) {
    const StoredTensor& stored = checkpoint.tensors().at(name);
    at::Tensor result = at::empty(stored.shape, at::kFloat);
    const std::vector<float> values = checkpoint.read_floats(name);
    std::copy(values.begin(), values.end(), result.data_ptr<float>());
    return result;
  };
}

at::Tensor to_input(std::span<const Image> images, const Preprocessor& preprocessor, bool pinned) {
  const InputShape shape = preprocessor.shape();
  at::Tensor input = at::empty({static_cast<std::int64_t>(images.size()), static_cast<std::int64_t>(shape.channels),
                                static_cast<std::int64_t>(shape.height), static_cast<std::int64_t>(shape.width)},
                               at::TensorOptions().dtype(at::kFloat).pinned_memory(pinned));
  auto* out = input.data_ptr<float>();
  for (const Image& image : images) {
    preprocessor.run(image, {out, shape.elements()});
    out += shape.elements();
  }
  return input;
}

}  // namespace stagemark::libtorch
