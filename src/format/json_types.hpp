#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "stagemark/report/report.hpp"

// Which JSON each C++ type of the report is.

namespace stagemark {

/// Appended to the name of a field, the name of the field that says why there is no value.
inline constexpr std::string_view reason_suffix = "_reason";

/// How a type that is text in JSON is spelled: text(value), parse(text), and either `all` (its values) or
/// `pattern`.
template <class T>
struct TextCodec;

template <class T>
concept HasTextCodec = requires(const T& value) { TextCodec<T>::text(value); };

template <class T>
concept HasListedValues = HasTextCodec<T> && requires { TextCodec<T>::all; };

template <NamedEnum Enum>
struct TextCodec<Enum> {
  static constexpr std::array all = all_values<Enum>;
  static std::string text(Enum value) { return std::string(to_string(value)); }
  static std::optional<Enum> parse(std::string_view text) { return parse_enum<Enum>(text); }
};

template <>
struct TextCodec<Device> {
  static constexpr std::string_view pattern = "^(cpu|cuda:[0-9]+)$";
  static std::string text(const Device& device) { return to_string(device); }
  static std::optional<Device> parse(std::string_view text) { return parse_device(text); }
};

/// The family a type belongs to. The primary template is a struct of described members.
template <class T>
struct JsonShape {
  static constexpr bool has_members = std::is_class_v<T> && !HasTextCodec<T>;
};

struct NoMembers {
  static constexpr bool has_members = false;
};

template <>
struct JsonShape<std::string> : NoMembers {};

/// An array of two numbers.
template <>
struct JsonShape<Interval> : NoMembers {
  static constexpr std::size_t numbers = 2;
};

template <std::size_t Count>
struct JsonShape<std::array<double, Count>> : NoMembers {
  static constexpr std::size_t numbers = Count;
};

template <class T>
struct JsonShape<std::vector<T>> : NoMembers {
  using Element = T;
};

template <class T>
struct JsonShape<Column<T>> : NoMembers {
  using NullableElement = T;
};

template <class T>
struct JsonShape<NamedValues<T>> : NoMembers {
  using ValueByName = T;
};

template <class T>
struct JsonShape<ByStage<T>> : NoMembers {
  using ValueByStage = T;
};

template <class T>
struct JsonShape<OrReason<T>> : NoMembers {
  using ValueOrReason = T;
};

template <class T>
struct JsonShape<std::optional<T>> : NoMembers {
  using Omissible = T;
};

template <class T>
concept HasMembers = JsonShape<T>::has_members;
template <class T>
concept IsNumbers = requires { JsonShape<T>::numbers; };
template <class T>
concept IsList = requires { typename JsonShape<T>::Element; };
template <class T>
concept IsColumn = requires { typename JsonShape<T>::NullableElement; };
template <class T>
concept IsByName = requires { typename JsonShape<T>::ValueByName; };
template <class T>
concept IsByStage = requires { typename JsonShape<T>::ValueByStage; };
template <class T>
concept IsOrReason = requires { typename JsonShape<T>::ValueOrReason; };
template <class T>
concept IsOmissible = requires { typename JsonShape<T>::Omissible; };

}  // namespace stagemark
