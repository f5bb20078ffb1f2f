#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace stagemark {

/// The beginning of a value that holds others.
enum class Opening : std::uint8_t { object, array };

/// What comes next in the text.
using Token = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Opening>;

/// A value is not what its place in the report asks for. Whoever knows the place makes an InputError of it.
struct BadValue {
  std::string problem;
  std::string below = {};  ///< JSON pointer from the value at hand to the one at fault
  std::string remedy = {};
};

/// An object or an array that is being read: it says where each value in it goes.
class Node {
 public:
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  /// The name of the next value. Objects only.
  virtual void key(const std::string& /*name*/) {}
  /// Takes the next value. For an opening, returns what reads the rest of it; null if it is to be passed over. \throws
  /// BadValue
  virtual std::unique_ptr<Node> take(Token& token) = 0;
  /// All values were read. \throws BadValue
  virtual void close() {}
  /// The last value taken, as a step of a JSON pointer.
  [[nodiscard]] virtual std::string position() const = 0;
};

/// `/` and the name, escaped as RFC 6901 asks.
std::string pointer_step(std::string_view name);

/// \throws BadValue saying what was wanted and what was found
[[noreturn]] void throw_unexpected(std::string_view wanted, const Token& found);

/// \throws BadValue unless the token is that opening
void require(Opening opening, const Token& token, std::string_view wanted);

// The value of a token. \throws BadValue if it is of another type or out of range
void set(bool& target, Token& token);
void set(double& target, Token& token);
void set(std::string& target, Token& token);
std::uint64_t unsigned_value(const Token& token, std::uint64_t highest);
std::int64_t signed_value(const Token& token);

template <std::unsigned_integral T>
void set(T& target, Token& token) {
  target = static_cast<T>(unsigned_value(token, std::numeric_limits<T>::max()));
}

inline void set(std::int64_t& target, Token& token) { target = signed_value(token); }

}  // namespace stagemark
