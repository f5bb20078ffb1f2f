#include "aoti.hpp"

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <memory>
#include <string>
#include <vector>

#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"

namespace stagemark::libtorch::aoti {
namespace {

using torch::inductor::AOTIModelPackageLoader;

/// The precision of the package's constants; absent where it has none. One that is not `expected` wins.
std::optional<at::ScalarType> precision_of_constants(AOTIModelPackageLoader& package, at::ScalarType expected) {
  std::optional<at::ScalarType> precision;
  for (const auto& [name, type] : package.get_runner()->getConstantNamesToDtypes()) {
    const auto constant = static_cast<at::ScalarType>(type);
    if (c10::isFloatingType(constant) && (!precision || *precision == expected)) precision = constant;
  }
  return precision;
}

at::Tensor run(AOTIModelPackageLoader& package, const at::Tensor& input) {
  std::vector<at::Tensor> outputs = package.run({input});
  if (outputs.size() != 1) throw BackendError("it returns " + std::to_string(outputs.size()) + " tensors, not one");
  const at::Tensor& logits = outputs.front();
  if (logits.dim() == 0 || logits.dim() > 2 || logits.size(0) != input.size(0) || logits.numel() == 0) {
    throw BackendError("it does not return one row of logits for each of " + std::to_string(input.size(0)) +
                       " images: a package takes the batch sizes that it was made for");
  }
  return logits.dim() == 1 ? logits.unsqueeze(1) : logits;
}

}  // namespace

std::optional<Unavailable> unavailable() { return std::nullopt; }

LoadedNetwork load(const std::filesystem::path& file, const at::Tensor& example) {
  const auto package = std::make_shared<AOTIModelPackageLoader>(file.string());
  const std::string expected_device = example.device().is_cuda() ? "cuda" : "cpu";
  const auto metadata = package->get_metadata();
  const auto device = metadata.find("AOTI_DEVICE_KEY");
  if (device != metadata.end() && device->second != expected_device) {
    throw BackendError("it was made for " + device->second);
  }
  // Machine code checks no type: a tensor of another one would be read as garbage.
  const auto precision = precision_of_constants(*package, example.scalar_type());
  if (!precision) throw BackendError("it holds no weights that would tell its precision");
  if (*precision != example.scalar_type()) {
    throw BackendError("its weights are " + std::string(to_string(precision_of(*precision))) + ", not " +
                       std::string(to_string(precision_of(example.scalar_type()))));
  }
  const auto network = [package](const at::Tensor& input) { return run(*package, input); };
  (void)network(example);
  return {{},
          network,
          example.device(),
          example.scalar_type(),
          at::MemoryFormat::Contiguous,
          *precision,
          OutputMeaning::unknown,
          {file.string(), "aoti", sha256_of_file(file), std::nullopt},
          // Its own kernels keep the number of threads that they were compiled for.
          {{"architecture", "AOTInductor package"}, {"package_threads", "as compiled"}}};
}

}  // namespace stagemark::libtorch::aoti
