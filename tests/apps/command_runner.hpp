#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace stagemark {

/// Real data; the tests that need it are skipped where it is not there.
inline const std::filesystem::path shared = STAGEMARK_SHARED_DIR;

struct CommandResult {
  int exit_code = -1;
  std::string out;
  std::string error;
};

/// Runs the stagemark binary with the arguments, given as a shell would take them. `before` goes in front of the
/// command, e.g. an assignment or a limit.
CommandResult run_stagemark(const std::string& arguments, const std::string& before = "");

/// Makes so many grey images of each class: black ones are NORMAL, white ones PNEUMONIA.
void write_black_and_white(const std::filesystem::path& directory, std::size_t of_each);

/// What python3-jsonschema says of a report against `stagemark schema`; empty where it is valid, absent where there is no
/// python3-jsonschema.
std::optional<std::string> schema_complaints(const std::filesystem::path& report);

}  // namespace stagemark
