#include "configuration.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <optional>
#include <sstream>
#include <string_view>

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

std::vector<std::pair<std::string, std::string>> configuration() {
  const std::string built = at::show_config();
  std::vector<std::pair<std::string, std::string>> facts;
  const auto add = [&](const char* name, const char* mark) {
    if (auto value = after(built, mark)) facts.emplace_back(name, *std::move(value));
  };
  add("compiler", "\n  - ");
  add("build_type", "BUILD_TYPE=");
  add("blas", "BLAS_INFO=");
  add("lapack", "LAPACK_INFO=");
  if (at::hasMKL()) facts.emplace_back("own_blas", "MKL");
  add("cpu_capability", "CPU capability usage: ");
  facts.emplace_back("onednn", at::hasMKLDNN() ? at::get_mkldnn_version() : "no");
  facts.emplace_back("openmp", at::hasOpenMP() ? at::get_openmp_version() : "no");
  add("cuda", "CUDA Runtime ");
  add("cudnn", "CuDNN ");
  if (auto backend = after(at::get_parallel_info(), "ATen parallel backend: ")) {
    facts.emplace_back("parallel_backend", *std::move(backend));
  }
  return facts;
}

}  // namespace stagemark::libtorch
