#pragma once

#include <optional>
#include <string>
#include <utility>

namespace stagemark {

/// A value, or the reason why there is none. In JSON: `"name": value`, or `"name": null` and `"name_reason":
/// "..."`.
template <class T>
struct OrReason {
  std::optional<T> value;
  std::string reason;  ///< empty where there is a value

  OrReason() : reason("unknown") {}
  // Implicit on purpose: a field is filled by assigning the value.
  OrReason(T present) : value(std::move(present)) {}

  /// No value, and why.
  static OrReason absent(const std::string& why) {
    OrReason result;
    result.reason = why;
    return result;
  }

  /// The value if there is one, else the reason.
  static OrReason of(std::optional<T> value, const std::string& why_if_absent) {
    return value ? OrReason(*std::move(value)) : absent(why_if_absent);
  }

  explicit operator bool() const noexcept { return value.has_value(); }
  /// \pre there is a value
  const T& operator*() const noexcept {
    return *value;  // NOLINT(bugprone-unchecked-optional-access): the precondition
  }
  /// \pre there is a value
  const T* operator->() const noexcept {
    return &*value;  // NOLINT(bugprone-unchecked-optional-access): the precondition
  }

  bool operator==(const OrReason&) const = default;
};

}  // namespace stagemark
