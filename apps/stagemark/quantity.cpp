#include "quantity.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool CountOrShare::exceeded_by(std::size_t count, std::size_t of) const {
  if (const auto* limit = std::get_if<std::size_t>(&value)) return count > *limit;
  return static_cast<double>(count) > std::get<double>(value) * static_cast<double>(of);
}

CountOrShare parse_count_or_share(const std::string& option, const std::string& text) {
  if (text.ends_with('%')) {
    const auto percent = whole_number<double>(std::string_view(text).substr(0, text.size() - 1));
    if (percent && *percent >= 0 && *percent <= 100) return {*percent / 100};
  } else if (const auto count = whole_number<std::size_t>(text)) {
    return {*count};
  }
  throw UsageError("'" + text + "' is neither a number of images nor a percentage", option, "e.g. 3 or 5%");
}

std::size_t parse_bytes(const std::string& option, const std::string& text) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 4> units = {
      {{"KB", 10}, {"MB", 20}, {"GB", 30}, {"B", 0}}};
  for (const auto& [unit, shift] : units) {
    if (!text.ends_with(unit)) continue;
    const auto count = whole_number<std::size_t>(std::string_view(text).substr(0, text.size() - unit.size()));
    constexpr std::size_t largest = std::size_t{1} << 32U;
    if (count && *count > 0 && *count <= largest) return *count << shift;
    break;
  }
  throw UsageError("'" + text + "' is not a size", option, "e.g. 64MB or 1GB");
}

}  // namespace stagemark
