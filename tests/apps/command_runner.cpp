#include "command_runner.hpp"

#include <sys/wait.h>

#include <cstdlib>

#include "fakes/temporary_directory.hpp"

namespace stagemark {

CommandResult run_stagemark(const std::string& arguments, const std::string& before) {
  const TemporaryDirectory directory;
  const std::string command = before + " " STAGEMARK_BINARY " " + arguments + " >" + (directory / "out").string() +
                              " 2>" + (directory / "error").string() + " </dev/null";
  const int status = std::system(command.c_str());
  CommandResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = TemporaryDirectory::read(directory / "out");
  result.error = TemporaryDirectory::read(directory / "error");
  return result;
}

std::optional<std::string> schema_complaints(const std::filesystem::path& report) {
  if (std::system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) return std::nullopt;
  const TemporaryDirectory directory;
  directory.write("schema.json", run_stagemark("schema").out);
  directory.write("validate.py", R"(import json, sys, jsonschema
schema, report = (json.load(open(file)) for file in sys.argv[1:])
for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(report):
    print(list(error.absolute_path), error.message[:300])
)");
  const std::string command = "/usr/bin/python3 " + (directory / "validate.py").string() + " " +
                              (directory / "schema.json").string() + " " + report.string() + " >" +
                              (directory / "out").string() + " 2>&1";
  const int status = std::system(command.c_str());
  const std::string complaints = TemporaryDirectory::read(directory / "out");
  return status == 0 || !complaints.empty() ? complaints : "the validator failed";
}

}  // namespace stagemark
