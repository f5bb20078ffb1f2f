#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stagemark {

/// How an engine's runtime is built and set up; absent is what it does not tell.
struct RuntimeConfiguration {
  std::optional<std::string> build_type;                  ///< as CMake has it: "Debug" is slow
  std::optional<std::string> cpu_capability;              ///< instruction sets of its own kernels
  std::optional<std::string> own_blas;                    ///< the BLAS that it brings, and needs no other
  std::vector<std::pair<std::string, std::string>> more;  ///< what else it tells, by name, in the order to show it
};

/// As reports keep it: what there is, by name.
std::vector<std::pair<std::string, std::string>> to_names(const RuntimeConfiguration& configuration);

/// Of what a report keeps.
RuntimeConfiguration from_names(const std::vector<std::pair<std::string, std::string>>& named);

}  // namespace stagemark
