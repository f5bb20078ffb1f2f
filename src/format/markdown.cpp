#include "stagemark/format/markdown.hpp"

#include <ostream>
#include <string>

#include "gate_text.hpp"
#include "markdown_table.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

std::string interval_text(const OrReason<Interval>& interval, double factor, int digits) {
  if (!interval) return "";
  return " [" + decimal(factor * interval->low, digits) + ", " + decimal(factor * interval->high, digits) + "]";
}

std::string milliseconds(double value) { return decimal(value, value < 0.1 ? 6 : 3); }

}  // namespace

void write_markdown(std::ostream& out, const Report& report) {
  out << "### stagemark: " << thousands(report.dataset.images) << " images in " << markdown_cell(report.dataset.path)
      << "\n\n";
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
  for (const std::string& warning : report.dataset.warnings) out << "\n> " << markdown_cell(warning) << '\n';
  for (const ApproachReport& result : report.results) {
    for (const std::string& warning : result.warnings) {
      out << "\n> " << markdown_cell(result.approach + ": " + warning) << '\n';
    }
  }
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
