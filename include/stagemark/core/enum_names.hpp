#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace stagemark {

template <class Enum, std::size_t Count>
using EnumNames = std::array<std::pair<Enum, std::string_view>, Count>;

/// The only spelling of each enumerator, in the order of their values, which are 0, 1, 2 ... A specialisation stands
/// beside each enum that has names; `to_string`, `parse_enum`, `enum_count` and `all_values` come from it.
template <class Enum>
inline constexpr auto enum_names = nullptr;

/// An enum with such a table.
template <class Enum>
concept NamedEnum = std::is_enum_v<Enum> && requires { enum_names<Enum>.size(); };

/// Whether the compiler has a name for the value: it spells one that has none as a cast, "(Enum)7".
template <auto Value>
consteval bool is_enumerator() {
  return std::string_view(__PRETTY_FUNCTION__).find("= (") == std::string_view::npos;
}

/// Whether a table lists every enumerator at the index that is its value, each under a name of its own.
template <class Enum, std::size_t Count>
consteval bool lists_each_enumerator(const EnumNames<Enum, Count>& names) {
  for (std::size_t i = 0; i < Count; ++i) {
    if (static_cast<std::size_t>(names[i].first) != i || names[i].second.empty()) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i].second == names[j].second) return false;
    }
  }
  return is_enumerator<static_cast<Enum>(Count - 1)>() && !is_enumerator<static_cast<Enum>(Count)>();
}

/// The names that stand in a table of something larger, whatever its order.
template <class Enum, class Entry, std::size_t Count>
consteval EnumNames<Enum, Count> names_from(const std::array<Entry, Count>& table, Enum Entry::*value,
                                            std::string_view Entry::*name) {
  EnumNames<Enum, Count> names{};
  for (const Entry& entry : table) names.at(static_cast<std::size_t>(entry.*value)) = {entry.*value, entry.*name};
  return names;
}

/// Number of enumerators.
template <NamedEnum Enum>
inline constexpr std::size_t enum_count = [] {
  static_assert(lists_each_enumerator(enum_names<Enum>), "the table and the enum do not agree");
  return enum_names<Enum>.size();
}();

/// All enumerators, in the order of their values.
template <NamedEnum Enum>
inline constexpr std::array<Enum, enum_count<Enum>> all_values = [] {
  std::array<Enum, enum_count<Enum>> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = enum_names<Enum>[i].first;
  return values;
}();

/// Empty for a value that is no enumerator.
template <NamedEnum Enum>
constexpr std::string_view to_string(Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < enum_count<Enum> ? enum_names<Enum>[index].second : std::string_view();
}

/// The enumerator of that name, if there is one.
template <NamedEnum Enum>
constexpr std::optional<Enum> parse_enum(std::string_view name) noexcept {
  for (const auto& [value, known] : enum_names<Enum>) {
    if (known == name) return value;
  }
  return std::nullopt;
}

/// All names, for a message: "a, b, c".
template <NamedEnum Enum>
std::string listed_names() {
  std::string text;
  for (const auto& [value, name] : enum_names<Enum>) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

}  // namespace stagemark
