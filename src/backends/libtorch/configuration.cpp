#include "configuration.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stagemark::libtorch {
namespace {

/// What stands between the mark and the next comma or the end of the line.
std::optional<std::string> after(std::string_view text, std::string_view mark) {
  const std::size_t found = text.find(mark);
  if (found == std::string_view::npos) return std::nullopt;
  text.remove_prefix(found + mark.size());
  return std::string(text.substr(0, text.find_first_of(",\n")));
}

}  // namespace

RuntimeConfiguration configuration() {
  const std::string built = at::show_config();
  RuntimeConfiguration result;
  result.build_type = after(built, "BUILD_TYPE=");
  result.cpu_capability = after(built, "CPU capability usage: ");
  if (at::hasMKL()) result.own_blas = "MKL";
  const auto add = [&](const char* name, std::optional<std::string> value) {
    if (value) result.more.emplace_back(name, *std::move(value));
  };
  add("compiler", after(built, "\n  - "));
  add("blas", after(built, "BLAS_INFO="));
  add("lapack", after(built, "LAPACK_INFO="));
  add("onednn", at::hasMKLDNN() ? at::get_mkldnn_version() : "no");
  add("openmp", at::hasOpenMP() ? at::get_openmp_version() : "no");
  add("cuda", after(built, "CUDA Runtime "));
  add("cudnn", after(built, "CuDNN "));
  add("parallel_backend", after(at::get_parallel_info(), "ATen parallel backend: "));
  return result;
}

}  // namespace stagemark::libtorch
