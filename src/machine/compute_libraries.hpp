#pragma once

#include <filesystem>
#include <string>

#include "stagemark/machine/environment.hpp"

namespace stagemark {

/// From the memory map of the process.
/// \param blas_file that provides BLAS, where it is known: of several that are loaded the map cannot tell which
OrReason<ComputeLibraries> compute_libraries(const std::filesystem::path& root, const OrReason<std::string>& blas_file);

/// Variables of the process's environment that steer BLAS, OpenMP, oneDNN, LibTorch and CUDA.
OrReason<NamedValues<std::string>> compute_variables(const std::filesystem::path& root);

}  // namespace stagemark
