#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "option_names.hpp"
#include "quantity.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/console.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/judgement/compare.hpp"

namespace stagemark {
namespace {

struct CompareArguments {
  std::vector<std::string> reports;
  std::optional<std::string> baseline;
  std::string practical = "1%";
  std::string max_accuracy_drop = "0.5pp";
  bool json = false;
};

ExitCode compare(const CompareArguments& arguments) {
  ComparisonCriteria criteria;
  criteria.speed.practical = parse_percent("--practical", arguments.practical);
  criteria.accuracy_margin = parse_points("--max-accuracy-drop", arguments.max_accuracy_drop);
  Report first = read_report(arguments.reports.front());
  if (arguments.reports.size() == 1 && first.results.size() < 2) {
    throw InputError("the report holds one approach and nothing to compare it with", arguments.reports.front(),
                     "name a second report, or measure with two --approach");
  }
  compare_approaches(first, criteria, arguments.baseline);
  // One report after the other: many large ones need not fit together.
  for (std::size_t i = 1; i < arguments.reports.size(); ++i) {
    const Report other = read_report(arguments.reports[i]);
    compare_with_report(first, other, arguments.reports[i], criteria, arguments.baseline);
  }
  if (arguments.json) {
    write_json(std::cout, first.comparisons);
  } else {
    std::ostringstream text;
    print_comparisons(text, first);
    std::cout << with_option_names(text.str());
  }
  return ExitCode::success;
}

}  // namespace

Command add_compare_command(CLI::App& app) {
  auto arguments = std::make_shared<CompareArguments>();
  CLI::App* command =
      app.add_subcommand("compare", "Compares all approaches of stored reports; never fails on a difference");
  command->footer(
      R"(Approaches of one report took turns, so that their speed-up has an interval and a verdict. Those
of further reports did not: they are compared with the first report's baseline by what was
measured, without a verdict, unless both reports come from one machine and hold enough process
runs (5 and 3) to tell the runs' own spread.

Examples:
  stagemark compare results/latest
  stagemark compare results/latest --baseline libtorch-bf16 --practical 3%
  stagemark compare before/report.json after/report.json)");
  command->add_option("report", arguments->reports, "Reports, or the directories that hold them")->required();
  command->add_option("--baseline", arguments->baseline, "Approach to compare with (default: the first)")
      ->type_name("NAME");
  command->add_option("--practical", arguments->practical, "Difference of speed below which nobody cares")
      ->capture_default_str()
      ->type_name("P%");
  command
      ->add_option("--max-accuracy-drop", arguments->max_accuracy_drop, "Largest drop of accuracy that counts as kept")
      ->capture_default_str()
      ->type_name("X.Ypp");
  command->add_flag("--json", arguments->json, "Print the comparisons as they stand in a report");
  return [arguments] { return compare(*arguments); };
}

}  // namespace stagemark
