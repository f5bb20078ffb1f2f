#include "stagemark/format/markdown.hpp"

#include <ostream>
#include <string>

#include "gate_text.hpp"
#include "load_text.hpp"
#include "markdown_table.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

std::string interval_text(const OrReason<Interval>& interval, double factor, int digits) {
  if (!interval) return "";
  return " [" + decimal(factor * interval->low, digits) + ", " + decimal(factor * interval->high, digits) + "]";
}

std::string milliseconds(double value) { return decimal(value, value < 0.1 ? 6 : 3); }

void write_markdown_warnings(std::ostream& out, const Report& report) {
  for (const std::string& warning : report.dataset.warnings) out << "\n> " << markdown_cell(warning) << '\n';
  for (const ApproachReport& result : report.results) {
    for (const std::string& warning : result.warnings) {
      out << "\n> " << markdown_cell(result.approach + ": " + warning) << '\n';
    }
  }
}

void write_markdown_table(std::ostream& out, const TextTable& table) {
  write_markdown_headings(out, table.headings);
  for (const std::vector<std::string>& row : table.rows) write_markdown_row(out, row);
}

/// A row with a cell in front of it.
std::vector<std::string> behind(std::string first, const std::vector<std::string>& row) {
  std::vector<std::string> cells;
  cells.reserve(row.size() + 1);
  cells.push_back(std::move(first));
  cells.insert(cells.end(), row.begin(), row.end());
  return cells;
}

/// The points of all approaches.
TextTable points_of_all(const LoadReport& load) {
  TextTable all;
  for (const LoadResultReport& result : load.results) {
    const TextTable table = points_table(load, result, TableDetail::brief);
    all.headings = behind("approach", table.headings);
    for (const std::vector<std::string>& row : table.rows) all.rows.push_back(behind(result.approach, row));
  }
  return all;
}

void write_markdown_load(std::ostream& out, const Report& report) {
  const LoadReport& load = *report.load;
  out << "Under load: " << markdown_cell(scenario_sentence(load)) << ". "
      << markdown_cell(serving_sentence(load.settings)) << ". " << markdown_cell(measuring_sentence(load)) << ".\n";
  if (const std::string hidden = what_the_scenario_hides(load); !hidden.empty())
    out << '\n' << markdown_cell(hidden) << '\n';
  if (!load.results.empty()) {
    out << '\n';
    write_markdown_table(out, approaches_table(load));
  }
  if (const std::string baseline = baseline_of_load(report); !baseline.empty()) {
    out << "\nAgainst " << markdown_cell(baseline) << (load.comparisons.empty() ? "" : " (above 1: serves more)")
        << "\n\n";
    write_markdown_table(out, candidates_table(report));
  }
  if (const TextTable points = points_of_all(load); !points.rows.empty()) {
    out << "\nQueries a second, and ms from the scheduled arrival to the answer; wait and service are means\n\n";
    write_markdown_table(out, points);
  }
  for (const ApproachReport& result : report.results) {
    if (result.error) out << "\n> " << markdown_cell(result.approach + " failed: " + *result.error) << '\n';
  }
  for (const LoadResultReport& result : load.results) {
    for (const std::string& note : load_notes(load, result))
      out << "\n> " << markdown_cell(result.approach + ": " + note) << '\n';
  }
  for (const CapacityComparison& comparison : load.comparisons) {
    if (!comparison.reason.empty())
      out << "\n> " << markdown_cell(comparison.candidate + ": " + comparison.reason) << '\n';
  }
  write_markdown_warnings(out, report);
}

}  // namespace

void write_markdown(std::ostream& out, const Report& report) {
  out << "### stagemark: " << thousands(report.dataset.images) << " images in " << markdown_cell(report.dataset.path)
      << "\n\n";
  if (report.load) return write_markdown_load(out, report);
  write_markdown_headings(
      out, {"approach", "total, mean ms", "median", "p95", "p99", "images/s", "accuracy [95 %]", "AUROC [95 %]"});
  for (const ApproachReport& result : report.results) {
    const auto total = result.stages.find(Stage::total);
    if (total == result.stages.end()) {
      write_markdown_row(out, {result.approach, result.error ? "failed: " + *result.error : "n/a"});
      continue;
    }
    const StageStatistics& times = total->second;
    const ClassificationMetrics& metrics = result.accuracy_metrics;
    write_markdown_row(
        out, {result.approach, milliseconds(times.mean), milliseconds(times.median), milliseconds(times.p95),
              milliseconds(times.p99),
              result.throughput_images_per_second ? decimal(*result.throughput_images_per_second, 1) : "n/a",
              result.accuracy ? percent(*result.accuracy, 1) + interval_text(metrics.ci95.accuracy, 100, 1) : "n/a",
              metrics.auroc ? decimal(*metrics.auroc, 4) + interval_text(metrics.ci95.auroc, 1, 4) : "n/a"});
  }
  write_markdown_warnings(out, report);
  if (report.comparisons.empty()) return;
  out << "\nAgainst " << markdown_cell(report.comparisons.front().baseline) << " (above 1: faster)\n\n";
  write_markdown_headings(out, {"approach", "speed-up [95 %]", "verdict", "accuracy on these images, points",
                                "of the population", "flips"});
  for (const Comparison& comparison : report.comparisons) {
    const auto& delta = comparison.accuracy_delta_points;
    write_markdown_row(out,
                       {comparison.candidate,
                        comparison.speedup.ratio
                            ? decimal(*comparison.speedup.ratio, 3) + "x" + interval_text(comparison.speedup.ci95, 1, 3)
                            : "n/a",
                        std::string(to_string(comparison.speed_verdict)),
                        delta ? std::string(to_string(comparison.accuracy_verdict)) + ", " + decimal(*delta, 2) +
                                    interval_text(comparison.accuracy_delta_ci95, 1, 2)
                              : "n/a",
                        delta ? std::string(to_string(comparison.accuracy_population_verdict)) : "n/a",
                        std::to_string(comparison.label_flips.files.size()) + " of " + thousands(comparison.images)});
  }
}

void write_markdown(std::ostream& out, const GateResult& result) {
  out << "### stagemark: " << to_string(result.outcome) << "\n\nJudged against " << markdown_cell(result.baseline)
      << ".\n\n";
  write_markdown_headings(out, {"outcome", "approach", "metric", "finding"});
  for (const GateCheck& check : result.checks) {
    const std::string outcome(to_string(check.outcome));
    write_markdown_row(out, {check.outcome == GateOutcome::pass ? outcome : in_capitals(check.outcome), check.candidate,
                             check.metric, check.finding});
  }
  if (!result.changes.empty()) out << '\n';
  for (const std::string& change : result.changes) out << "- changed: " << markdown_cell(change) << '\n';
  for (const std::string& warning : result.warnings) out << "\n> " << markdown_cell(warning) << '\n';
}

}  // namespace stagemark
