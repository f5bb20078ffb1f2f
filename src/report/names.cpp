#include "json_types.hpp"

namespace stagemark {
namespace {

template <class Enum>
std::optional<Enum> parse_listed(std::string_view name) noexcept {
  for (const Enum value : TextCodec<Enum>::all) {
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

std::optional<Isolation> parse_isolation(std::string_view name) noexcept { return parse_listed<Isolation>(name); }

std::string_view to_string(SpeedVerdict verdict) noexcept {
  switch (verdict) {
    case SpeedVerdict::faster:
      return "faster";
    case SpeedVerdict::slower:
      return "slower";
    case SpeedVerdict::no_difference:
      return "no_difference";
    case SpeedVerdict::inconclusive:
      return "inconclusive";
  }
  return "";
}

std::optional<SpeedVerdict> parse_speed_verdict(std::string_view name) noexcept {
  return parse_listed<SpeedVerdict>(name);
}

std::string_view to_string(AccuracyVerdict verdict) noexcept {
  switch (verdict) {
    case AccuracyVerdict::kept:
      return "kept";
    case AccuracyVerdict::lost:
      return "lost";
    case AccuracyVerdict::inconclusive:
      return "inconclusive";
  }
  return "";
}

std::optional<AccuracyVerdict> parse_accuracy_verdict(std::string_view name) noexcept {
  return parse_listed<AccuracyVerdict>(name);
}

}  // namespace stagemark
