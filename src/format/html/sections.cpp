#include "format/html/sections.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "format/html/chart_data.hpp"
#include "format/html/figure.hpp"
#include "format/sentences.hpp"
#include "judgement/paired_inferences.hpp"
#include "report/shell_word.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/statistics.hpp"

namespace stagemark {
namespace {

/// One sentence with `say` of each approach that has times, or was under load.
template <class Say>
std::string of_each(const Report& report, const Say& say) {
  std::string text;
  for (const ApproachReport& result : report.results) {
    if (!has_times(result) && !report.load) continue;
    if (const std::string said = say(result); !said.empty()) text += " " + result.approach + ": " + said + ".";
  }
  return text;
}

std::string shares_of_stages(const ApproachReport& result) {
  std::string text = page_time(result.stages.at(Stage::total).mean);
  for (const Stage stage : parts_of(result)) {
    text += ", " + std::string(to_string(stage)) + " " + page_time(result.stages.at(stage).mean);
  }
  return text + (result.unattributed_mean ? ", unattributed " + page_time(*result.unattributed_mean) : "");
}

std::string quantiles_of(const ApproachReport& result) {
  const StageStatistics& total = result.stages.at(Stage::total);
  return "p50 " + page_time(total.p50) + ", p95 " + page_time(total.p95) + ", p99 " + page_time(total.p99);
}

std::string drift_of(const ApproachReport& result) {
  if (!result.drift.spearman) return "";
  return "rank correlation with time " + decimal(*result.drift.spearman, 2) +
         (result.drift.lag1_autocorrelation ? ", with the call before " + decimal(*result.drift.lag1_autocorrelation, 2)
                                            : "");
}

std::string over_time_description(const Report& report) {
  return "Median of total in each round: what drifts shows here. Dotted lines: fresh processes begin, after up to " +
         std::to_string(report.config.warmup) + " warm-up calls that are not shown.";
}

std::string tradeoff_of(const ApproachReport& result) {
  if (!result.accuracy) return "";
  return page_time(result.stages.at(Stage::total).median) + ", " +
         with_interval(result.accuracy, result.accuracy_metrics.ci95.accuracy, 100, 1, " %");
}

/// A metric that sums up a curve.
std::string metric_text(const char* name, const OrReason<double>& value) {
  return value ? name + (" " + decimal(*value, 4)) : std::string();
}

void write_confusions(Page& page, const Report& report) {
  bool any = false;
  for (const ApproachReport& result : report.results) {
    if (!result.accuracy_metrics.confusion_matrix || report.dataset.classes.size() != 2) continue;
    if (!any) page.element("h3", "Confusion matrices").raw("<div class=\"grid\">");
    any = true;
    const ConfusionMatrix& matrix = *result.accuracy_metrics.confusion_matrix;
    const std::string positive = report.dataset.positive ? *report.dataset.positive : report.dataset.classes[1];
    const std::string negative = report.dataset.classes[report.dataset.classes[0] == positive ? 1 : 0];
    const auto cell = [](std::uint64_t count, std::uint64_t of) {
      return std::to_string(count) +
             (of > 0 ? " (" + percent(static_cast<double>(count) / static_cast<double>(of), 1) + ")" : "");
    };
    const std::uint64_t negatives = matrix.tn + matrix.fp;
    const std::uint64_t positives = matrix.fn + matrix.tp;
    page.raw("<div>");
    page.table({result.approach, "called " + negative, "called " + positive},
               {{"is " + negative, cell(matrix.tn, negatives), cell(matrix.fp, negatives)},
                {"is " + positive, cell(matrix.fn, positives), cell(matrix.tp, positives)}});
    page.raw("</div>");
  }
  if (any) page.raw("</div>\n");
}

template <class T>
std::string text_or_reason(const OrReason<T>& value) {
  if (!value) return value.reason;
  if constexpr (std::is_same_v<T, std::string>) {
    return *value;
  } else if constexpr (std::is_same_v<T, bool>) {
    return *value ? "yes" : "no";
  } else {
    return std::to_string(*value);
  }
}

std::string clock_text(const CpuEnvironment& cpu) {
  if (!cpu.frequency) return cpu.frequency.reason;
  const CpuFrequency& frequency = *cpu.frequency;
  std::string text = decimal(frequency.before_mhz, 0) + " MHz before";
  if (frequency.lowest_mhz && frequency.highest_mhz) {
    text +=
        ", " + decimal(*frequency.lowest_mhz, 0) + " to " + decimal(*frequency.highest_mhz, 0) + " MHz during the run";
  }
  return text + ", says " + frequency.source;
}

std::string load_text(const CpuEnvironment& cpu) {
  if (!cpu.load_average) return cpu.load_average.reason;
  std::string text = decimal(cpu.load_average->front(), 2) + " before";
  if (cpu.load_average_after) text += ", " + decimal(cpu.load_average_after->front(), 2) + " after the run";
  return text;
}

}  // namespace

void write_answer(Page& page, const Report& report) {
  for (const Comparison& comparison : report.comparisons) {
    const bool lost = comparison.accuracy_verdict == AccuracyVerdict::lost ||
                      comparison.accuracy_verdict == AccuracyVerdict::decisions_differ;
    const bool slower = comparison.speed_verdict == SpeedVerdict::slower;
    const bool faster = comparison.speed_verdict == SpeedVerdict::faster;
    page.raw("<div class=\"answer ").raw(lost || slower ? "bad" : (faster ? "good" : "")).raw("\">");
    page.element("p", comparison.candidate + " is " + speed_sentence(comparison) + ".", "class=\"headline\"");
    page.element("p", accuracy_in_full(comparison));
    for (const std::string& reason : comparison.reasons) page.element("p", reason, "class=\"faint\"");
    page.raw("</div>\n");
  }
  if (!report.comparisons.empty()) return;
  if (std::ranges::none_of(report.results, has_times)) {
    page.raw("<div class=\"answer bad\">").element("p", "Nothing was measured.", "class=\"headline\"").raw("</div>\n");
  }
  for (const ApproachReport& result : report.results) {
    if (!has_times(result)) continue;
    const StageStatistics& total = result.stages.at(Stage::total);
    const std::string call =
        report.config.batch == 1 ? "an image" : "a call with " + std::to_string(report.config.batch) + " images";
    page.raw("<div class=\"answer\">");
    page.element("p",
                 result.approach + " takes " + page_time(total.median) + " for " + call + " (median), " +
                     page_time(total.p95) + " at the 95th percentile.",
                 "class=\"headline\"");
    page.element("p", result.accuracy
                          ? "It is right on " +
                                with_interval(result.accuracy, result.accuracy_metrics.ci95.accuracy, 100, 1, " %") +
                                " of the images."
                          : "Accuracy: " + result.accuracy.reason + ".");
    page.raw("</div>\n");
  }
}

void write_overview(Page& page, const Report& report) {
  std::vector<std::vector<std::string>> rows;
  for (const ApproachReport& result : report.results) {
    if (!has_times(result)) {
      rows.push_back({result.approach, "failed", "", "", "", "", "", ""});
      continue;
    }
    const StageStatistics& total = result.stages.at(Stage::total);
    rows.push_back(
        {result.approach, page_time(total.mean), page_time(total.median), page_time(total.p95), page_time(total.p99),
         result.throughput_images_per_second
             ? decimal(*result.throughput_images_per_second, *result.throughput_images_per_second < 1000 ? 1 : 0)
             : "n/a",
         with_interval(result.accuracy, result.accuracy_metrics.ci95.accuracy, 100, 1, " %"),
         result.memory.peak_rss_bytes
             ? decimal(static_cast<double>(*result.memory.peak_rss_bytes) / 1048576.0, 0) + " MB"
             : "n/a"});
  }
  page.table({"approach", "mean", "median", "p95", "p99", "images/s", "accuracy [95 %]", "peak memory"}, rows, 1,
             "Times are of total, from the decoded image to the answer" +
                 (report.config.batch == 1 ? std::string(".")
                                           : ", for a call with " + std::to_string(report.config.batch) + " images."));
}

void write_warnings(Page& page, const Report& report) {
  for (const ApproachReport& result : report.results) {
    if (result.error) page.element("p", result.approach + " failed: " + *result.error, "class=\"warning\"");
    if (!result.failures.empty()) {
      page.element("p",
                   result.approach + " failed on " + std::to_string(result.failures.size()) + " images, the first: " +
                       result.failures.front().path + " (" + result.failures.front().reason + ")",
                   "class=\"warning\"");
    }
    for (const std::string& warning : result.warnings) {
      page.element("p", result.approach + ": " + warning, "class=\"warning\"");
    }
  }
  for (const std::string& warning : report.environment.warnings) page.element("p", warning, "class=\"warning\"");
}

void write_accuracy(Page& page, const Report& report) {
  page.element("h2", "Accuracy", "id=\"accuracy\"");
  std::vector<std::vector<std::string>> rows;
  for (const ApproachReport& result : report.results) {
    const ClassificationMetrics& m = result.accuracy_metrics;
    if (!m.accuracy) continue;
    rows.push_back({result.approach, with_interval(m.accuracy, m.ci95.accuracy, 100, 1, " %"),
                    with_interval(m.sensitivity, m.ci95.sensitivity, 100, 1, " %"),
                    with_interval(m.specificity, m.ci95.specificity, 100, 1, " %"),
                    with_interval(m.auroc, m.ci95.auroc, 1, 4, ""), m.f1 ? decimal(*m.f1, 4) : "n/a",
                    m.brier ? decimal(*m.brier, 4) : "n/a", m.ece ? decimal(*m.ece, 4) : "n/a"});
  }
  if (rows.empty()) {
    page.element("p", report.results.empty() ? "Nothing was measured." : report.results.front().accuracy.reason);
    return;
  }
  page.table({"approach", "accuracy", "sensitivity", "specificity", "AUROC", "F1", "Brier", "ECE"}, rows, 1,
             "Scored from the very inferences that were " + std::string(report.load ? "served" : "timed") +
                 "; in brackets 95 % intervals.");
  write_confusions(page, report);
  if (report.dataset.classes.size() != 2) return;
  page.raw("<div class=\"grid\">");
  write_figure(page,
               {"roc", "ROC curves", "The closer to the upper left corner, the better the classes are told apart.",
                of_each(report, [](const ApproachReport& result) {
                  return metric_text("area under the curve", result.accuracy_metrics.auroc);
                })});
  write_figure(page, {"precision_recall", "Precision and recall",
                      "How many of those called positive are, as more of the positive ones are found.",
                      of_each(report, [](const ApproachReport& result) {
                        return metric_text("average precision", result.accuracy_metrics.average_precision);
                      })});
  write_figure(page, {"reliability", "Calibration",
                      "On the diagonal a probability of 0.8 is right in 80 of 100 images. One point per tenth of the "
                      "probability that occurs.",
                      of_each(report, [](const ApproachReport& result) {
                        return metric_text("expected calibration error", result.accuracy_metrics.ece);
                      })});
  page.raw("</div>\n");
}

void write_flips(Page& page, const Report& report, const HtmlOptions& options) {
  const bool any =
      std::ranges::any_of(report.comparisons, [](const Comparison& c) { return !c.label_flips.files.empty(); });
  if (!any) return;
  page.element("h2", "Decisions that flipped", "id=\"flips\"");
  std::size_t pictures = options.most_thumbnails;
  for (const Comparison& comparison : report.comparisons) {
    if (comparison.label_flips.files.empty()) continue;
    const auto side = [&](const std::string& name) {
      return std::ranges::find(report.results, name, &ApproachReport::approach);
    };
    const auto baseline = side(comparison.baseline);
    const auto candidate = side(comparison.candidate);
    if (baseline == report.results.end() || candidate == report.results.end()) continue;
    page.element("h3", comparison.candidate + " against " + comparison.baseline);
    const std::set<std::string_view> harmful(comparison.label_flips.harmful_files.begin(),
                                             comparison.label_flips.harmful_files.end());
    const std::set<std::string_view> helpful(comparison.label_flips.helpful_files.begin(),
                                             comparison.label_flips.helpful_files.end());
    std::map<std::string_view, PairedRow> rows;
    const Pair pair = pair_by_image(*baseline, *candidate);
    for (const PairedRow& row : first_inferences(pair)) rows.emplace(baseline->per_image.path[row.baseline], row);
    page.raw("<ul class=\"thumbnails\">");
    for (const std::string& file : comparison.label_flips.files) {
      const auto row = rows.find(file);
      if (row == rows.end() || pictures == 0) continue;
      --pictures;
      page.raw("<li>");
      if (options.thumbnail) {
        if (const auto picture = options.thumbnail(file)) {
          page.raw("<img alt=\"").text(file).raw("\" src=\"").raw(*picture).raw("\"><br>");
        }
      }
      const auto probability = [&](const ApproachReport& result, std::size_t index) {
        const auto p = result.per_image.probability[index];
        return p ? decimal(*p, 4) : std::string("n/a");
      };
      page.text(file).raw("<br>");
      page.text(probability(*baseline, row->second.baseline) + " → " + probability(*candidate, row->second.candidate));
      page.text(harmful.contains(file) ? ", now wrong" : helpful.contains(file) ? ", now right" : "");
      page.raw("</li>");
    }
    page.raw("</ul>\n");
    page.element("p",
                 "Probabilities: " + comparison.baseline + " → " + comparison.candidate +
                     ". This page shows no more than " + std::to_string(options.most_thumbnails) +
                     " images in all; report.json names all " + std::to_string(comparison.label_flips.files.size()) +
                     ".",
                 "class=\"faint\"");
  }
}

void write_stages(Page& page, const Report& report) {
  page.element("h2", "Stage by stage", "id=\"stages\"");
  for (const ApproachReport& result : report.results) {
    if (!has_times(result)) continue;
    page.element("h3", result.approach);
    std::vector<std::vector<std::string>> rows;
    for (const auto& [stage, s] : result.stages) {
      const auto upper = [](const OrReason<double>& bound) { return bound ? page_time(*bound) : std::string("n/a"); };
      rows.push_back({std::string(to_string(stage)), std::to_string(s.count), page_time(s.mean), page_time(s.median),
                      page_time(s.p95), upper(s.p95_upper), page_time(s.p99), upper(s.p99_upper), page_time(s.max),
                      s.share ? percent(*s.share, 1) : ""});
    }
    if (result.unattributed_mean) {
      rows.push_back({"unattributed", "", page_time(*result.unattributed_mean), "", "", "", "", "", "", ""});
    }
    page.table({"stage", "calls", "mean", "median", "p95", "p95 at most", "p99", "p99 at most", "largest", "share"},
               rows);
    const TukeyCounts& outliers = result.drift.outliers;
    page.element("p",
                 std::to_string(outliers.mild_high + outliers.severe_high) + " calls beyond Tukey's upper fence (" +
                     std::to_string(outliers.severe_high) + " far beyond), " +
                     std::to_string(outliers.mild_low + outliers.severe_low) + " beyond the lower; none is left out." +
                     (drift_of(result).empty() ? "" : " Drift of total: " + drift_of(result) + "."),
                 "class=\"faint\"");
  }
  page.element("p",
               "\"At most\" are one-sided 95 % bounds that assume no distribution; they take " +
                   std::to_string(quantile_upper_bound_count(0.95)) + " independent calls for p95 and " +
                   std::to_string(quantile_upper_bound_count(0.99)) + " for p99.",
               "class=\"faint\"");
}

void write_environment(Page& page, const Report& report) {
  const Environment& environment = report.environment;
  page.element("h2", "Where and how", "id=\"environment\"");
  if (environment.findings) {
    for (const Finding& finding : *environment.findings) {
      if (finding.severity == Severity::information) page.element("p", finding.sentence + "; " + finding.remedy);
    }
  }
  std::vector<std::vector<std::string>> rows = {
      {"processor", text_or_reason(environment.cpu.model) + ", " + std::to_string(environment.cpu.usable_cpus) +
                        " of " + std::to_string(environment.cpu.logical_cpus) + " CPUs usable"},
      {"governor", text_or_reason(environment.cpu.governor)},
      {"turbo", text_or_reason(environment.cpu.turbo)},
      {"clock", clock_text(environment.cpu)},
      {"load average", load_text(environment.cpu)},
      {"BLAS", environment.compute_libraries ? text_or_reason(environment.compute_libraries->blas_file)
                                             : environment.compute_libraries.reason},
      {"system", text_or_reason(environment.os.name) + " " + text_or_reason(environment.os.version) + ", kernel " +
                     text_or_reason(environment.os.kernel) + (environment.os.virtualised ? ", virtualised" : "")}};
  for (const GpuEnvironment& gpu : environment.gpu) {
    rows.push_back({"GPU " + std::to_string(gpu.index), gpu.model + ", driver " + text_or_reason(gpu.driver)});
  }
  for (const auto& [name, version] : environment.libraries) rows.push_back({name, version});
  for (const auto& [purpose, threads] : environment.threads)
    rows.push_back({"threads, " + purpose, std::to_string(threads)});
  rows.push_back({"machine", environment.fingerprint});
  rows.push_back({"images", std::to_string(report.dataset.images) + " in " + report.dataset.path + ", SHA-256 " +
                                report.dataset.sha256.substr(0, 16)});
  for (const ApproachReport& result : report.results) {
    if (!result.model) continue;
    rows.push_back({"model of " + result.approach, result.model->path + ", " + result.model->format + ", SHA-256 " +
                                                       result.model->sha256.substr(0, 16)});
  }
  for (const ApproachReport& result : report.results) {
    std::string facts;
    for (const auto& [name, value] : result.execution) {
      facts += facts.empty() ? "" : ", ";
      facts.append(name).append(" ").append(value);
    }
    if (!facts.empty()) rows.push_back({result.approach + " ran with", facts});
  }
  if (!report.load) {
    rows.push_back(
        {"rounds", std::to_string(report.config.round_count) + " over " + std::to_string(report.config.passes) +
                       (report.config.passes == 1 ? " pass" : " passes") + ", seed " +
                       std::to_string(report.config.seed) + "; stopped because " + report.config.stopped_because});
    rows.push_back(
        {"processes", report.config.isolation == Isolation::none
                          ? std::string("all approaches in one")
                          : std::to_string(report.config.processes) + " for each approach, one after the other"});
  }
  page.table({"what", "value"}, rows, 2);
  page.element("h3", "The command");
  std::string command;
  for (const std::string& argument : report.config.argv) command += (command.empty() ? "" : " ") + shell_word(argument);
  page.raw("<pre id=\"command\">")
      .text(command)
      .raw("</pre><button type=\"button\" data-copy=\"command\">copy</button>\n");
}

void write_time(Page& page, const Report& report) {
  page.element("h2", "Time", "id=\"time\"").raw("\n<div class=\"grid\">");
  write_figure(page, {"stages", "Where the time goes",
                      "Mean of each stage for one call; together with the unattributed rest they make up total, which "
                      "stands beside the bar.",
                      of_each(report, shares_of_stages)});
  write_figure(page, {"distribution", "Distribution of total",
                      "Share of calls that took so long or less; marks at p50, p95 and p99, bars to their 95 % bounds "
                      "where there are enough calls for one.",
                      of_each(report, quantiles_of)});
  write_figure(page, {"time", "Over the run", over_time_description(report), of_each(report, drift_of)});
  if (std::ranges::any_of(report.results,
                          [](const ApproachReport& result) { return static_cast<bool>(result.accuracy); })) {
    write_figure(page, {"tradeoff", "Speed and accuracy",
                        "Up is more accurate, left is faster; lines are 95 % intervals, of time within this run.",
                        of_each(report, tradeoff_of)});
  }
  page.raw("</div>\n");
}

}  // namespace stagemark
