#include <memory>
#include <string>

#include "command_line.hpp"
#include "gate_arguments.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {

Command add_check_command(CLI::App& app) {
  struct CheckArguments {
    std::string report;
    GateArguments gate;
  };
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = app.add_subcommand("check", "The gate for CI: passes, fails or says that it cannot tell");
  command->footer(R"help(Judges every approach of the report against its first, which took turns with it; or, with
--baseline, against the approach of the same name in a stored report. Of a run it judges latency
and accuracy, of a load test capacity and accuracy.

Exit codes: 0 pass, 1 fail, 5 inconclusive, 4 nothing that could be judged (never a pass),
2 usage error.

Examples:
  stagemark check results/latest
  stagemark check results/latest --max-slowdown 3% --metric total:median --metric total:p95
  stagemark check results/latest --baseline baseline/report.json --junit gate.xml
  stagemark check results/load --max-capacity-drop 3% --min-capacity 12.5)help");
  command->add_option("report", arguments->report, "Report, or the directory that holds it")->required();
  arguments->gate.add_to(*command, GatedReports::either, nullptr);
  return [arguments] {
    const GateCriteria criteria = arguments->gate.criteria();
    arguments->gate.read_stored();
    return arguments->gate.judge(read_report(arguments->report), criteria);
  };
}

}  // namespace stagemark
