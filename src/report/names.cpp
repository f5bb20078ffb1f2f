#include <initializer_list>

#include "stagemark/report/report.hpp"

namespace stagemark {
namespace {

template <class Enum>
std::optional<Enum> parse_listed(std::string_view name, std::initializer_list<Enum> all) noexcept {
  for (const Enum value : all) {
    if (to_string(value) == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Isolation isolation) noexcept {
  switch (isolation) {
    case Isolation::none:
      return "none";
    case Isolation::process:
      return "process";
  }
  return "";
}

std::optional<Isolation> parse_isolation(std::string_view name) noexcept {
  return parse_listed<Isolation>(name, {Isolation::none, Isolation::process});
}

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::information:
      return "information";
    case Severity::warning:
      return "warning";
    case Severity::problem:
      return "problem";
  }
  return "";
}

std::optional<Severity> parse_severity(std::string_view name) noexcept {
  return parse_listed<Severity>(name, {Severity::information, Severity::warning, Severity::problem});
}

std::optional<SpeedVerdict> parse_speed_verdict(std::string_view name) noexcept {
  return parse_listed<SpeedVerdict>(
      name, {SpeedVerdict::faster, SpeedVerdict::slower, SpeedVerdict::no_difference, SpeedVerdict::inconclusive});
}

std::optional<AccuracyVerdict> parse_accuracy_verdict(std::string_view name) noexcept {
  return parse_listed<AccuracyVerdict>(name,
                                       {AccuracyVerdict::kept, AccuracyVerdict::lost, AccuracyVerdict::inconclusive});
}

}  // namespace stagemark
