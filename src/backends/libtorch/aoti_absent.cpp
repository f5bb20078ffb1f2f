#include <stdexcept>

#include "aoti.hpp"

namespace stagemark::libtorch::aoti {

std::optional<Unavailable> unavailable() {
  return Unavailable{"this LibTorch has no loader for AOTInductor packages",
                     "build stagemark with LibTorch 2.6 or later, or use torchscript"};
}

LoadedNetwork load(const std::filesystem::path& /*file*/, const at::Tensor& /*example*/) {
  throw std::logic_error("no AOTInductor in this build");
}

}  // namespace stagemark::libtorch::aoti
