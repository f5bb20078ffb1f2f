#include "stagemark/format/console.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "gate_text.hpp"
#include "load_text.hpp"
#include "sentences.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/format/console_table.hpp"
#include "stagemark/format/display_text.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace stagemark {
namespace {

/// Microseconds below a tenth of a millisecond, where milliseconds would show zeros.
std::string time_text(double milliseconds) {
  std::array<char, 48> text{};
  const double magnitude = milliseconds < 0 ? -milliseconds : milliseconds;
  if (magnitude < 0.1) {
    std::snprintf(text.data(), text.size(), "%.2f us", milliseconds * 1000);
  } else {
    std::snprintf(text.data(), text.size(), magnitude < 10 ? "%.3f ms" : "%.2f ms", milliseconds);
  }
  return text.data();
}

/// "83.2% [80.0, 86.0]", or why there is no such number.
std::string value_or_reason(const OrReason<double>& value, const OrReason<Interval>& interval, double scale, int digits,
                            const char* unit) {
  return value ? with_interval(value, interval, scale, digits, unit) : "n/a (" + value.reason + ")";
}

void print_dataset(std::ostream& out, const Report& report) {
  const DatasetReport& data = report.dataset;
  out << thousands(data.images) << " images in " << data.path;
  if (data.classes.empty()) {
    out << ", without labels: timing only\n";
  } else {
    out << " (";
    for (std::size_t i = 0; i < data.class_counts.size(); ++i) {
      out << (i > 0 ? ", " : "") << data.class_counts[i].first << ' ' << thousands(data.class_counts[i].second);
    }
    out << (data.positive ? "; positive: " + *data.positive : "") << ")\n";
  }
  if (data.synthetic) out << "SYNTHETIC data: the times are real, the accuracy says nothing about real images.\n";
  if (!data.skipped.empty()) {
    out << thousands(data.skipped.size()) << " skipped, the first: " << data.skipped.front().path << " ("
        << data.skipped.front().reason << ")\n";
  }
  for (const std::string& warning : data.warnings) out << "warning: " << warning << '\n';
}

/// How a run measured.
void print_rounds(std::ostream& out, const Report& report) {
  out << report.config.round_count << " rounds, " << report.config.passes
      << (report.config.passes == 1 ? " pass, " : " passes, ") << "up to " << report.config.warmup << " warm-up and "
      << report.config.settle << " settling calls, "
      << (report.config.isolation == Isolation::none ? "all approaches in one process"
          : report.config.processes == 1
              ? "each approach in a process of its own"
              : "each approach in " + std::to_string(report.config.processes) + " fresh processes, one after the other")
      << '\n';
  if (report.config.stopped_because != stopped_with_the_plan)
    out << "Stopped: " << report.config.stopped_because << '\n';
  if (report.config.batch > 1)
    out << "Batches: every time is that of a call with " << report.config.batch << " images.\n";
}

void print_lines(std::ostream& out, const std::string& indent, const std::string& text) {
  std::string before = indent;
  for (const std::string& line : wrapped(printable(text), console_columns - indent.size() - 2)) {
    out << before << line << '\n';
    before = indent + "  ";
  }
}

/// How a load test measured.
void print_load_settings(std::ostream& out, const LoadReport& load) {
  print_lines(out, "", "Load: " + scenario_sentence(load));
  print_lines(out, "", serving_sentence(load.settings));
  print_lines(out, "", measuring_sentence(load));
  if (const std::string hidden = what_the_scenario_hides(load); !hidden.empty()) print_lines(out, "", hidden);
  if (!load.stopped_because.empty()) print_lines(out, "", "Stopped: " + load.stopped_because);
}

void print_caveats(std::ostream& out, const Report& report) {
  for (const std::string& warning : report.environment.warnings) out << "warning: " << warning << '\n';
  if (report.interrupted) out << "INTERRUPTED: what follows is of the part that was measured.\n";
}

void print_stages(std::ostream& out, const ApproachReport& result) {
  if (!result.total_time_ms) {
    out << "  no times: " << result.total_time_ms.reason << '\n';
    return;
  }
  using Align = ConsoleTable::Align;
  ConsoleTable table({"stage", "mean", "median", "p95", "p99", "share"},
                     {Align::left, Align::right, Align::right, Align::right, Align::right, Align::right});
  for (const StageEntry& entry : stage_tree) {
    const auto found = result.stages.find(entry.stage);
    if (found == result.stages.end()) continue;
    const StageStatistics& s = found->second;
    const bool within_a_part = entry.parent && parent_of(*entry.parent);
    std::string name = (within_a_part ? "  " : "") + std::string(entry.name);
    if (is_outside_total(entry.stage)) name += " (before total)";
    table.add({name, time_text(s.mean), time_text(s.median), time_text(s.p95), time_text(s.p99),
               s.share ? decimal(100 * *s.share, 1) + "%" : ""});
  }
  if (result.unattributed_mean) {
    table.add({"unattributed", time_text(*result.unattributed_mean), "", "", "", ""});
  }
  table.print(out, "  ");
}

void print_accuracy(std::ostream& out, const ApproachReport& result) {
  const ClassificationMetrics& m = result.accuracy_metrics;
  ConsoleTable table({"metric", "value [95 % interval]"});
  table.add({"accuracy", value_or_reason(m.accuracy, m.ci95.accuracy, 100, 1, "%")});
  if (m.accuracy && (m.sensitivity || m.specificity)) {
    table.add({"sensitivity", value_or_reason(m.sensitivity, m.ci95.sensitivity, 100, 1, "%")});
    table.add({"specificity", value_or_reason(m.specificity, m.ci95.specificity, 100, 1, "%")});
  }
  if (m.accuracy) {
    table.add({"AUROC", value_or_reason(m.auroc, m.ci95.auroc, 1, 4, "")});
    if (m.f1) table.add({"F1", decimal(*m.f1, 4)});
  }
  if (m.confusion_matrix) {
    const ConfusionMatrix& c = *m.confusion_matrix;
    table.add({"confusion", "TN " + thousands(c.tn) + ", FP " + thousands(c.fp) + ", FN " + thousands(c.fn) + ", TP " +
                                thousands(c.tp)});
  }
  table.print(out, "  ");
}

/// What it is, and how it ran.
void print_identity(std::ostream& out, const ApproachReport& result) {
  out << '\n' << result.approach;
  if (result.specification != result.approach) out << " = " << result.specification;
  if (result.model) {
    out << ", " << result.model->format;
    if (result.model->parameters) out << ", " << thousands(*result.model->parameters) << " parameters";
  }
  out << '\n';
  if (result.error) out << "  FAILED: " << *result.error << '\n';
  if (result.inferences == 0) return;
  for (const auto& [name, value] : result.execution)
    out << (&name == &result.execution.front().first ? "  " : ", ") << name << ' ' << value;
  if (!result.execution.empty()) out << '\n';
}

void print_failures(std::ostream& out, const ApproachReport& result) {
  if (result.failures.empty()) return;
  out << "  " << thousands(result.failures.size()) << " failed, the first: " << result.failures.front().path << " ("
      << result.failures.front().reason << ")\n";
}

void print_approach(std::ostream& out, const ApproachReport& result) {
  print_identity(out, result);
  if (result.inferences == 0) return;
  if (result.asynchronous) out << "  asynchronous device: total and stages come from different passes\n";
  out << '\n';
  print_stages(out, result);
  out << '\n';
  if (result.throughput_images_per_second) {
    out << "  throughput " << decimal(*result.throughput_images_per_second, 1) << " images/s over "
        << thousands(result.inferences) << " inferences\n";
  }
  // Beside a network it does not count.
  const HarnessCost& harness = result.harness;
  if (!result.model && harness.clock_reading_ns && harness.cost_in_clock_readings) {
    out << "  harness cost " << decimal(*harness.clock_reading_ns * *harness.cost_in_clock_readings, 0)
        << " ns a call = " << decimal(*harness.cost_in_clock_readings, 1) << " readings of the clock\n";
  }
  print_failures(out, result);
  print_accuracy(out, result);
  for (const std::string& warning : result.warnings) out << "  warning: " << warning << '\n';
}

void print_table(std::ostream& out, const TextTable& text, std::vector<ConsoleTable::Align> alignment) {
  ConsoleTable table(text.headings, std::move(alignment));
  for (const std::vector<std::string>& row : text.rows) table.add(row);
  table.print(out, "  ");
}

/// The approach under load: `load` or `result` may be absent.
void print_load_of_approach(std::ostream& out, const LoadReport& load, const LoadResultReport* served,
                            const ApproachReport* result) {
  if (result != nullptr) {
    print_identity(out, *result);
  } else {
    out << '\n' << printable(served->approach) << '\n';
  }
  if (served != nullptr && !served->points.empty()) {
    const TextTable points = points_table(load, *served, TableDetail::brief);
    std::vector<ConsoleTable::Align> alignment(points.headings.size(), ConsoleTable::Align::right);
    if (points.headings.back() == "verdict") alignment.back() = ConsoleTable::Align::left;
    print_table(out, points, std::move(alignment));
  }
  if (served != nullptr) {
    for (const std::string& note : load_notes(load, *served)) print_lines(out, "  ", note);
  }
  if (result == nullptr || result->inferences == 0) return;
  print_failures(out, *result);
  print_accuracy(out, *result);
  for (const std::string& warning : result->warnings) out << "  warning: " << warning << '\n';
}

void print_load(std::ostream& out, const Report& report) {
  const LoadReport& load = *report.load;
  if (!load.results.empty()) {
    const TextTable approaches = approaches_table(load);
    std::vector<ConsoleTable::Align> alignment(approaches.headings.size(), ConsoleTable::Align::right);
    alignment.front() = ConsoleTable::Align::left;
    out << '\n';
    print_table(out, approaches, std::move(alignment));
  }
  print_comparisons(out, report);
  out << "\nQueries a second, and ms from the scheduled arrival to the answer; wait and service are means\n";
  for (const ApproachReport& result : report.results) {
    const auto served = std::ranges::find(load.results, result.approach, &LoadResultReport::approach);
    print_load_of_approach(out, load, served == load.results.end() ? nullptr : &*served, &result);
  }
  for (const LoadResultReport& served : load.results) {
    if (std::ranges::find(report.results, served.approach, &ApproachReport::approach) == report.results.end())
      print_load_of_approach(out, load, &served, nullptr);
  }
}

/// "1.902x [1.881, 1.923]"
std::string speedup_text(const Speedup& speedup) {
  if (!speedup.ratio) return "n/a";
  return ratio_text(*speedup.ratio) + "x" + ratio_interval_text(speedup.ci95);
}

/// How near the numbers are, whatever was decided; empty where nothing is known.
std::string nearness_sentence(const Comparison& comparison) {
  std::vector<std::string> parts;
  const auto add = [&](const char* what, const OrReason<double>& value) {
    if (value) parts.push_back(what + significant(*value, 2));
  };
  add("largest difference of a probability ", comparison.max_probability_difference);
  add("of a network's input ", comparison.max_input_difference);
  if (comparison.auroc_delta) {
    parts.push_back("AUROC " + signed_decimal(*comparison.auroc_delta, 4) +
                    (comparison.auroc_delta_p_value ? " (p " + p_text(*comparison.auroc_delta_p_value) + ")" : ""));
  }
  if (comparison.mcnemar_p_value) parts.push_back("McNemar's p " + p_text(*comparison.mcnemar_p_value));
  std::string sentence;
  for (const std::string& part : parts) sentence += (sentence.empty() ? "" : ", ") + part;
  return sentence;
}

/// Approaches by speed; those that cannot be told apart share a place.
std::string ranking_sentence(const Report& report) {
  std::map<std::size_t, std::string> places;
  for (const ApproachReport& result : report.results) {
    if (!result.speed_rank) continue;
    std::string& place = places[*result.speed_rank];
    place += (place.empty() ? "" : " = ") + result.approach;
  }
  std::string sentence;
  for (const auto& [rank, place] : places)
    sentence += (sentence.empty() ? "" : ", ") + std::to_string(rank) + ". " + place;
  return sentence;
}

/// The first few files of each kind; all of them are in the report.
void print_flips(std::ostream& out, const LabelFlips& flips) {
  constexpr std::size_t most = 3;
  const auto print = [&](const char* kind, const std::vector<std::string>& files) {
    if (files.empty()) return;
    out << "    " << kind << ": ";
    for (std::size_t i = 0; i < std::min(most, files.size()); ++i) out << (i == 0 ? "" : ", ") << files[i];
    if (files.size() > most) out << " and " << thousands(files.size() - most) << " more";
    out << '\n';
  };
  print("harmful", flips.harmful_files);
  print("helpful", flips.helpful_files);
  if (flips.harmful_files.empty() && flips.helpful_files.empty()) print("flipped", flips.files);
}

std::string percent_or_reason(const OrReason<double>& ratio) {
  return ratio ? percent(*ratio, 2) : "n/a (" + ratio.reason + ")";
}

void print_noise(std::ostream& out, const NoiseReport& noise) {
  out << "\nWhat this machine can tell apart, seen by measuring " << noise.approach << " against itself\n";
  ConsoleTable table({"of " + std::to_string(noise.rounds) + " rounds in " + std::to_string(noise.generations) +
                          (noise.generations == 1 ? " process" : " generations of processes"),
                      "value"});
  table.add({"smallest change found four times in five", percent_or_reason(noise.smallest_detectable_change)});
  table.add({"false differences (5 % are promised)", percent_or_reason(noise.false_difference_rate)});
  table.add({"spread between rounds", percent_or_reason(noise.between_round_sd)});
  table.add({"spread between processes", percent_or_reason(noise.between_process_sd)});
  table.add({"rounds worth one independent round", decimal(noise.autocorrelation_time, 1)});
  table.print(out, "  ");
}

void print_speeds(std::ostream& out, const Report& report) {
  using Align = ConsoleTable::Align;
  out << "\nAgainst " << report.comparisons.front().baseline << " (above 1: faster)\n";
  ConsoleTable table({"approach", "total", "p95", "inference", "p adjusted", "verdict"},
                     {Align::left, Align::left, Align::right, Align::right, Align::right, Align::left});
  for (const Comparison& comparison : report.comparisons) {
    const auto inference = comparison.stages.find(Stage::inference);
    const auto ratio = [](const OrReason<double>& value) {
      return value ? ratio_text(*value) + "x" : std::string("n/a");
    };
    table.add({comparison.candidate, speedup_text(comparison.speedup), ratio(comparison.tails.p95.ratio),
               inference == comparison.stages.end() ? "n/a" : ratio(inference->second.ratio),
               comparison.speedup.p_adjusted ? p_text(*comparison.speedup.p_adjusted) : "n/a",
               verdict_text(comparison.speed_verdict)});
  }
  table.print(out, "  ");
  if (report.results.size() > 2) {
    if (const std::string ranking = ranking_sentence(report); !ranking.empty())
      out << "  fastest first: " << ranking << '\n';
  }
}

void print_capacities_compared(std::ostream& out, const Report& report) {
  out << "\nAgainst " << printable(baseline_of_load(report))
      << (report.load->comparisons.empty() ? "" : " (above 1: serves more)") << '\n';
  print_table(out, candidates_table(report), {});
  for (const CapacityComparison& comparison : report.load->comparisons) {
    if (!comparison.reason.empty()) print_lines(out, "  ", comparison.candidate + ": " + comparison.reason);
  }
}

/// What was seen of the candidate's decisions.
void print_decisions_compared(std::ostream& out, const Report& report) {
  for (const Comparison& comparison : report.comparisons) {
    const std::string name = report.comparisons.size() > 1 ? comparison.candidate + ": " : "";
    for (const std::string& reason : comparison.reasons) out << "  " << name << reason << '\n';
    if (comparison.max_probability_difference) {
      out << "  " << name << accuracy_in_brief(comparison) << '\n';
      out << "    " << nearness_sentence(comparison) << '\n';
      print_flips(out, comparison.label_flips);
    }
  }
}

}  // namespace

void print_comparisons(std::ostream& out, const Report& report) {
  if (report.load) {
    if (baseline_of_load(report).empty()) return;
    print_capacities_compared(out, report);
  } else {
    if (report.comparisons.empty()) return;
    print_speeds(out, report);
  }
  print_decisions_compared(out, report);
}

void print_results(std::ostream& out, const Report& report) {
  print_dataset(out, report);
  if (report.load) {
    print_load_settings(out, *report.load);
  } else {
    print_rounds(out, report);
  }
  print_caveats(out, report);
  if (report.load) {
    print_load(out, report);
  } else {
    for (const ApproachReport& result : report.results) print_approach(out, result);
    print_comparisons(out, report);
  }
  if (report.noise) print_noise(out, *report.noise);
  out << '\n';
}

void print_gate(std::ostream& out, const GateResult& result) {
  out << "Judged against " << result.baseline << '\n';
  ConsoleTable table({"outcome", "approach", "metric", "finding"});
  for (const GateCheck& check : result.checks) {
    table.add({in_capitals(check.outcome), check.candidate, check.metric, check.finding});
  }
  table.print(out, "  ");
  for (const std::string& change : result.changes) out << "  changed: " << change << '\n';
  for (const std::string& warning : result.warnings) out << "  warning: " << warning << '\n';
  out << in_capitals(result.outcome) << ": " << count_of(result, GateOutcome::pass) << " passed, "
      << count_of(result, GateOutcome::fail) << " failed, " << count_of(result, GateOutcome::inconclusive)
      << " inconclusive\n";
}

}  // namespace stagemark
