#include <iostream>

#include "command_line.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {

Command add_schema_command(CLI::App& app) {
  app.add_subcommand("schema", "Prints the JSON Schema of the report")->footer(R"(Example:
  stagemark schema > schema.json && python3 -m jsonschema -i results/latest/report.json schema.json)");
  return [] {
    write_json_schema(std::cout);
    return ExitCode::success;
  };
}

}  // namespace stagemark
