#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "command_line.hpp"
#include "option_names.hpp"
#include "quantity.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/csv.hpp"
#include "stagemark/format/github.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/format/junit.hpp"
#include "stagemark/format/markdown.hpp"
#include "stagemark/judgement/gate.hpp"
#include "stagemark/session/html_file.hpp"

namespace stagemark {
namespace {

struct ReportArguments {
  std::string report;
  std::optional<std::string> html, markdown, csv;
  bool per_image = false;
  std::optional<std::string> junit, github_benchmark;
};

/// Those of 'stagemark check', without what the report does not have: labels, a capacity that was searched.
GateCriteria usual_criteria(const Report& report) {
  GateCriteria criteria;
  if (report.dataset.classes.empty()) criteria.max_accuracy_drop.reset();
  if (report.load &&
      std::ranges::none_of(report.load->results, [](const auto& result) { return result.capacity.has_value(); })) {
    criteria.max_capacity_drop.reset();
  }
  return criteria;
}

void write_to(const std::string& file, const std::function<void(std::ostream&)>& write) {
  file == "-" ? write(std::cout) : write_file_atomically(file, write);
}

ExitCode render(const ReportArguments& arguments) {
  if (!arguments.html && !arguments.markdown && !arguments.csv && !arguments.junit && !arguments.github_benchmark) {
    throw UsageError({.problem = "nothing to write was asked for", .remedy = "say what, e.g. --html FILE"});
  }
  const Report report = read_report(arguments.report);
  if (arguments.html) write_html_file(*arguments.html, report);
  if (arguments.markdown) write_to(*arguments.markdown, [&](std::ostream& out) { write_markdown(out, report); });
  if (arguments.csv) {
    write_to(*arguments.csv, [&](std::ostream& out) {
      arguments.per_image ? write_per_image_csv(out, report) : write_csv(out, report);
    });
  }
  if (arguments.junit) {
    const GateResult result = with_option_names(gate(report, usual_criteria(report)));
    write_to(*arguments.junit, [&](std::ostream& out) { write_junit(out, result, false); });
  }
  if (arguments.github_benchmark) {
    write_to(*arguments.github_benchmark, [&](std::ostream& out) { write_github_benchmark(out, report); });
  }
  return ExitCode::success;
}

}  // namespace

Command add_report_command(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand("report", "Renders a stored report for others to read");
  command->footer(R"(Examples:
  stagemark report results/latest --html report.html
  stagemark report results/latest --markdown - >> "$GITHUB_STEP_SUMMARY"
  stagemark report results/latest --csv images.csv --per-image
  stagemark report results/latest --junit gate.xml
  stagemark report results/latest --github-benchmark benchmark.json)");
  command->add_option("report", arguments->report, "Report, or the directory that holds it")->required();
  command->add_option("--html", arguments->html, "One page with charts that needs nothing else")->type_name("FILE");
  command->add_option("--markdown", arguments->markdown, "Tables of approaches and comparisons; - is standard output")
      ->type_name("FILE|-");
  CLI::Option* csv =
      command
          ->add_option("--csv", arguments->csv, "One row per approach and stage, in milliseconds; - is standard output")
          ->type_name("FILE|-");
  command->add_flag("--per-image", arguments->per_image, "CSV with one row per inference, in nanoseconds")->needs(csv);
  command
      ->add_option("--junit", arguments->junit,
                   "JUnit's XML of what 'stagemark check' finds with its usual limits; - is standard output")
      ->type_name("FILE|-");
  command
      ->add_option("--github-benchmark", arguments->github_benchmark,
                   "For github-action-benchmark, tool customSmallerIsBetter; - is standard output")
      ->type_name("FILE|-");
  return [arguments] { return render(*arguments); };
}

}  // namespace stagemark
