#include "stagemark/backend/approach.hpp"

#include <algorithm>
#include <charconv>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

constexpr std::string_view form = "an approach is [NAME=]ENGINE-PRECISION[@DEVICE][+OPTION...], e.g. libtorch-fp32@cpu";

bool is_word(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

/// A name may hold anything that stays readable in a table and unambiguous in an option.
bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

[[noreturn]] void fail(std::string_view text, const std::string& problem) {
  throw UsageError(problem, "approach '" + std::string(text) + "'", std::string(form));
}

}  // namespace

std::string to_string(const Device& device) {
  return std::string(to_string(device.kind)) +
         (device.kind == Device::Kind::cuda ? ":" + std::to_string(device.index) : "");
}

std::optional<Device> parse_device(std::string_view text) noexcept {
  constexpr std::string_view cuda = "cuda";
  if (text == "cpu") return Device{};
  if (!text.starts_with(cuda)) return std::nullopt;
  text.remove_prefix(cuda.size());
  if (text.empty()) return Device{Device::Kind::cuda, 0};
  if (text.size() < 2 || text.front() != ':') return std::nullopt;
  Device device{Device::Kind::cuda, 0};
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), device.index);
  if (error != std::errc{} || end != text.data() + text.size() || device.index > 1023) return std::nullopt;
  return device;
}

std::string to_string(const Approach& approach) {
  std::string text = approach.engine + "-" + std::string(to_string(approach.precision));
  if (approach.device) text += "@" + to_string(*approach.device);
  for (const std::string& option : approach.options) text += "+" + option;
  return text;
}

std::string Approach::label() const { return name.empty() ? to_string(*this) : name; }

Approach parse_approach(std::string_view text) {
  Approach approach;
  std::string_view rest = text;

  if (const auto equals = rest.find('='); equals != std::string_view::npos) {
    if (!is_name(rest.substr(0, equals)))
      fail(text, "the name before '=' is not made of letters, digits, '.', '_', '-'");
    approach.name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
  }
  std::string_view options;
  if (const auto plus = rest.find('+'); plus != std::string_view::npos) {
    options = rest.substr(plus);
    rest = rest.substr(0, plus);
  }
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    approach.device = parse_device(rest.substr(at + 1));
    if (!approach.device)
      fail(text, "'" + std::string(rest.substr(at + 1)) + "' is not a device (cpu, cuda or cuda:N)");
    rest = rest.substr(0, at);
  }
  // The precision is what follows the last dash: engine names may hold dashes.
  const auto dash = rest.rfind('-');
  if (dash == std::string_view::npos || !is_word(rest.substr(0, dash))) fail(text, "no engine and precision");
  approach.engine = rest.substr(0, dash);
  const auto precision = parse_enum<Precision>(rest.substr(dash + 1));
  if (!precision) {
    fail(text, "'" + std::string(rest.substr(dash + 1)) + "' is not a precision (fp32, fp16, bf16 or int8)");
  }
  approach.precision = *precision;

  while (!options.empty()) {
    options.remove_prefix(1);
    const std::string_view option = options.substr(0, options.find('+'));
    if (!is_word(option)) fail(text, "'" + std::string(option) + "' is not an option");
    approach.options.emplace_back(option);
    options.remove_prefix(option.size());
  }
  return approach;
}

}  // namespace stagemark
