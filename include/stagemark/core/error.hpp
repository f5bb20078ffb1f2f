#pragma once

#include <stdexcept>
#include <string>

namespace stagemark {

/// Base of all errors that stop a run. `what()` is one sentence: where, what happened, what to do.
class Error : public std::runtime_error {
 public:
  /// \param problem what happened, without a full stop
  /// \param where   the file, option, tensor or device concerned; may be empty
  /// \param remedy  what the reader can do about it; may be empty
  explicit Error(const std::string& problem, const std::string& where = {}, const std::string& remedy = {});
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
