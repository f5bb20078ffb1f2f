#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// How much a finding matters to a measurement.
enum class Severity : std::uint8_t {
  information,  ///< worth knowing when times are read
  warning,      ///< makes times less certain
  problem,      ///< makes times those of something else than the network
};
template <>
inline constexpr EnumNames<Severity, 3> enum_names<Severity> = {
    {{Severity::information, "information"}, {Severity::warning, "warning"}, {Severity::problem, "problem"}}};

/// Something about the machine that bears on a measurement.
struct Finding {
  Severity severity = Severity::information;
  std::string id;        ///< e.g. "reference_blas"; the README explains each
  std::string sentence;  ///< what is so
  std::string remedy;    ///< what to do about it

  bool operator==(const Finding&) const = default;
};

struct Environment;

/// Everything that the environment shows, the gravest first. Computes from what is given and looks at nothing else.
std::vector<Finding> diagnose(const Environment& environment);

}  // namespace stagemark
