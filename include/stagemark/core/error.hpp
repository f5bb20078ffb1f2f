#pragma once

#include <concepts>
#include <memory>
#include <stdexcept>
#include <string>

namespace stagemark {

/// What an error tells.
struct ErrorParts {
  std::string problem;      ///< what happened, without a full stop
  std::string where = {};   ///< the file, parameter, tensor or device concerned; may be empty
  std::string remedy = {};  ///< what the reader can do about it; may be empty
};

/// Base of all errors that stop a run. `what()` is one sentence: where, what happened, what to do. Parameters of this
/// library stand in it in backticks, by their C++ names.
class Error : public std::runtime_error {
 public:
  explicit Error(ErrorParts parts);
  // A template, which takes no braces: those are ErrorParts.
  explicit Error(const std::convertible_to<std::string> auto& problem, const std::string& where = {},
                 const std::string& remedy = {})
      : Error(ErrorParts{.problem = problem, .where = where, .remedy = remedy}) {}

  [[nodiscard]] const std::string& problem() const noexcept { return parts_->problem; }
  [[nodiscard]] const std::string& where() const noexcept { return parts_->where; }
  [[nodiscard]] const std::string& remedy() const noexcept { return parts_->remedy; }

  /// The same, with the larger thing that it happened in: to throw it again where that is known.
  [[nodiscard]] ErrorParts within(const std::string& larger) const;

 private:
  std::shared_ptr<const ErrorParts> parts_;  // shared: copying an exception must not throw
};

/// The call itself is wrong: unknown option or approach, value out of range.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// An engine or a device cannot be had here, or it failed.
class BackendError : public Error {
 public:
  using Error::Error;
};

/// A model file is missing, unreadable, or not a network that we can build.
class ModelError : public Error {
 public:
  using Error::Error;
};

/// Input data (images, labels, a report, a schema) is missing or bad.
class InputError : public Error {
 public:
  using Error::Error;
};

/// Output cannot be written.
class OutputError : public Error {
 public:
  using Error::Error;
};

}  // namespace stagemark
