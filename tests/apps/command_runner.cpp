#include "command_runner.hpp"

#include <sys/wait.h>

#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "stagemark/images/images.hpp"

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

void write_black_and_white(const std::filesystem::path& directory, std::size_t of_each) {
  for (const auto& [name, grey] : {std::pair("NORMAL", std::uint8_t{0}), std::pair("PNEUMONIA", std::uint8_t{255})}) {
    std::filesystem::create_directories(directory / name);
    for (std::size_t i = 0; i < of_each; ++i) {
      write_png(directory / name / (std::to_string(i) + ".png"), Image{4, 4, 1, std::vector<std::uint8_t>(16, grey)});
    }
  }
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
