#include "command_line.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/suite/worker_program.hpp"

namespace stagemark {

/// Builds before version 4 of the protocol start workers by this name. Whatever else they say on the command line is
/// ignored: they are to be told this version, and then refuse it themselves.
Command add_worker_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("worker", "Hosts one approach for 'run', which starts it");
  command->group("");  // Not for people.
  command->allow_extras();
  return [] {
    serve_as_worker([](const ApproachRequest& request) { return open_approach(built_in_toolkit(), request); });
    return ExitCode::success;
  };
}

}  // namespace stagemark
