#include "compute_libraries.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "machine_files.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

bool is_compute_library(std::string_view name) {
  constexpr std::array beginnings = {"libopenblas", "libmkl_",      "libblis",  "libblas.", "libcblas.", "libatlas",
                                     "libf77blas.", "libflexiblas", "libnvpl_", "libarmpl", "liblapack", "libgomp",
                                     "libomp.",     "libomp5",      "libiomp5", "libdnnl.", "libtbb."};
  return std::ranges::any_of(beginnings, [&](const char* beginning) { return name.starts_with(beginning); });
}

std::string file_name(const std::string& file) { return fs::path(file).filename().string(); }

/// Debian keeps each implementation under the common name in a directory of its own.
std::string implementation_of(const std::string& file) {
  constexpr std::array<std::pair<const char*, const char*>, 8> known = {{{"openblas", "OpenBLAS"},
                                                                         {"mkl", "MKL"},
                                                                         {"blis", "BLIS"},
                                                                         {"atlas", "ATLAS"},
                                                                         {"f77blas", "ATLAS"},
                                                                         {"flexiblas", "FlexiBLAS"},
                                                                         {"nvpl", "NVPL"},
                                                                         {"armpl", "ArmPL"}}};
  const fs::path path(file);
  const std::string last_two = path.parent_path().filename().string() + "/" + path.filename().string();
  for (const auto& [part, name] : known) {
    if (last_two.find(part) != std::string::npos) return name;
  }
  return path.filename().string().starts_with("libblas.") ? "reference" : "another: " + path.filename().string();
}

bool provides_blas(const std::string& file) {
  const std::string name = file_name(file);
  return !name.starts_with("liblapack") && !implementation_of(file).starts_with("another");
}

}  // namespace

OrReason<ComputeLibraries> compute_libraries(const fs::path& root, const OrReason<std::string>& blas_file) {
  const auto map = read_text(root / "proc/self/maps");
  if (!map) return OrReason<ComputeLibraries>::absent("/proc/self/maps does not tell");
  std::set<std::string> files;
  for (const std::string_view line : lines_of(*map)) {
    const std::size_t path = line.find('/');
    if (path == std::string_view::npos) continue;
    const std::string file(trimmed(line.substr(path)));
    if (is_compute_library(file_name(file))) files.insert(file);
  }
  ComputeLibraries libraries;
  libraries.files.assign(files.begin(), files.end());
  libraries.blas_file = blas_file;
  if (!libraries.blas_file) {
    const auto found = std::ranges::find_if(libraries.files, provides_blas);
    if (found != libraries.files.end()) libraries.blas_file = *found;
  }
  libraries.blas = libraries.blas_file ? OrReason<std::string>(implementation_of(*libraries.blas_file))
                                       : OrReason<std::string>::absent("no BLAS library is loaded");
  return libraries;
}

OrReason<NamedValues<std::string>> compute_variables(const fs::path& root) {
  constexpr std::array beginnings = {"OMP_",
                                     "GOMP_",
                                     "KMP_",
                                     "MKL_",
                                     "ONEDNN_",
                                     "DNNL_",
                                     "OPENBLAS_",
                                     "BLIS_",
                                     "ATEN_",
                                     "TORCH_",
                                     "CUDA_VISIBLE_DEVICES",
                                     "CUDA_LAUNCH_BLOCKING",
                                     "NVIDIA_TF32_OVERRIDE",
                                     "MALLOC_ARENA_MAX",
                                     "LD_PRELOAD"};
  auto text = read_text(root / "proc/self/environ");
  if (!text) return OrReason<NamedValues<std::string>>::absent("/proc/self/environ does not tell");
  std::ranges::replace(*text, '\n', ' ');
  std::ranges::replace(*text, '\0', '\n');
  NamedValues<std::string> variables;
  for (const std::string_view line : lines_of(*text)) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    if (std::ranges::none_of(beginnings, [&](const char* beginning) { return line.starts_with(beginning); })) continue;
    variables.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  // Of two with the same name the first counts.
  std::ranges::stable_sort(variables, {}, &std::pair<std::string, std::string>::first);
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  variables.erase(std::unique(variables.begin(), variables.end(), same_name), variables.end());
  return variables;
}

OrReason<std::string> blas_file_in_use() {
  Dl_info found{};
  void* const function = dlsym(RTLD_DEFAULT, "sgemm_");
  if (function == nullptr || dladdr(function, &found) == 0 || found.dli_fname == nullptr) {
    return OrReason<std::string>::absent("no library offers sgemm_ to all");
  }
  std::error_code error;
  const fs::path file = fs::canonical(found.dli_fname, error);
  return error ? std::string(found.dli_fname) : file.string();
}

}  // namespace stagemark
