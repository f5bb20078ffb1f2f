#include "json_node.hpp"

#include <cmath>
#include <utility>

namespace stagemark {
namespace {

std::string_view kind_of(const Token& token) {
  if (std::holds_alternative<std::nullptr_t>(token)) return "null";
  if (std::holds_alternative<bool>(token)) return "true or false";
  if (std::holds_alternative<std::string>(token)) return "a string";
  if (const auto* opening = std::get_if<Opening>(&token)) {
    return *opening == Opening::object ? "an object" : "an array";
  }
  return "a number";
}

/// A number without a fraction that a double holds exactly: JSON does not tell 3.0 from 3.
bool is_whole(double value) { return std::trunc(value) == value && std::abs(value) <= 9007199254740992.0; }

}  // namespace

std::string pointer_step(std::string_view name) {
  std::string step = "/";
  for (const char character : name) {
    if (character == '~') {
      step += "~0";
    } else if (character == '/') {
      step += "~1";
    } else {
      step += character;
    }
  }
  return step;
}

void throw_unexpected(std::string_view wanted, const Token& found) {
  throw BadValue{.problem = "expected " + std::string(wanted) + ", found " + std::string(kind_of(found))};
}

void require(Opening opening, const Token& token, std::string_view wanted) {
  const auto* found = std::get_if<Opening>(&token);
  if (found == nullptr || *found != opening) throw_unexpected(wanted, token);
}

void set(bool& target, Token& token) {
  const auto* value = std::get_if<bool>(&token);
  if (value == nullptr) throw_unexpected("true or false", token);
  target = *value;
}

void set(double& target, Token& token) {
  if (const auto* real = std::get_if<double>(&token)) {
    target = *real;
  } else if (const auto* whole = std::get_if<std::uint64_t>(&token)) {
    target = static_cast<double>(*whole);
  } else if (const auto* negative = std::get_if<std::int64_t>(&token)) {
    target = static_cast<double>(*negative);
  } else {
    throw_unexpected("a number", token);
  }
}

void set(std::string& target, Token& token) {
  auto* text = std::get_if<std::string>(&token);
  if (text == nullptr) throw_unexpected("a string", token);
  target = std::move(*text);
}

std::uint64_t unsigned_value(const Token& token, std::uint64_t highest) {
  std::uint64_t value = 0;
  if (const auto* whole = std::get_if<std::uint64_t>(&token)) {
    value = *whole;
  } else if (const auto* real = std::get_if<double>(&token); real != nullptr && is_whole(*real) && *real >= 0) {
    value = static_cast<std::uint64_t>(*real);
  } else if (std::holds_alternative<double>(token) || std::holds_alternative<std::int64_t>(token)) {
    throw BadValue{.problem = "expected a whole number that is not negative"};
  } else {
    throw_unexpected("a whole number", token);
  }
  if (value > highest) throw BadValue{.problem = "the number is above " + std::to_string(highest)};
  return value;
}

std::int64_t signed_value(const Token& token) {
  if (const auto* negative = std::get_if<std::int64_t>(&token)) return *negative;
  if (const auto* real = std::get_if<double>(&token); real != nullptr && is_whole(*real) && *real < 0) {
    return static_cast<std::int64_t>(*real);
  }
  return static_cast<std::int64_t>(
      unsigned_value(token, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}

}  // namespace stagemark
