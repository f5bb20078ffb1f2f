#include "format/html/load_sections.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "format/html/figure.hpp"
#include "format/html/load_charts.hpp"
#include "format/load_text.hpp"
#include "format/sentences.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

const Comparison* decisions_of(const Report& report, const std::string& candidate) {
  const auto found = std::ranges::find(report.comparisons, candidate, &Comparison::candidate);
  return found == report.comparisons.end() ? nullptr : &*found;
}

bool loses_accuracy(const Comparison& comparison) {
  return comparison.accuracy_verdict == AccuracyVerdict::lost ||
         comparison.accuracy_verdict == AccuracyVerdict::decisions_differ;
}

void write_decisions(Page& page, const Comparison& comparison) {
  page.element("p", accuracy_in_full(comparison));
  for (const std::string& reason : comparison.reasons) page.element("p", reason, "class=\"faint\"");
}

/// What the approach was seen to serve.
std::string served_sentence(const LoadReport& load, const LoadResultReport& result) {
  if (result.capacity && load.service_level) {
    const std::string level = service_level_text(*load.service_level);
    const CapacityReport& capacity = *result.capacity;
    if (capacity.rate) {
      return result.approach + " serves " + three_digits(*capacity.rate) + " queries a second with " + level +
             (capacity.upper ? ", and " + three_digits(*capacity.upper) + " no more." : ", perhaps more.");
    }
    return result.approach + " was not seen to hold " + level +
           (capacity.upper ? ", not even at " + three_digits(*capacity.upper) + " queries a second." : ".");
  }
  double highest = 0;
  for (const LoadPointReport& point : result.points) highest = std::max(highest, point.achieved_rate);
  if (result.points.empty()) return result.approach + ": no load was measured.";
  return result.approach + " answered up to " + three_digits(highest) + " queries a second.";
}

std::string latencies_in_words(const LoadReport& load) {
  const ReportedQuantile quantile = quantile_of_interest(load);
  std::string text;
  for (const LoadResultReport& result : load.results) {
    std::string said;
    for (const LoadPointReport& point : result.points) {
      const LatencyReport* latency = shown_times(point, &LoadPointReport::latency);
      if (latency == nullptr) continue;
      said += said.empty() ? "" : ", ";
      said += "at " + three_digits(shown_rate(point)) + " a second p50 " + page_time(latency->p50);
      if (const std::optional<double> high = quantile.of(*latency); high && quantile.name != "p50")
        said += " and " + std::string(quantile.name) + " " + page_time(*high);
    }
    if (result.capacity) said += (said.empty() ? "" : ", ") + ("capacity " + capacity_text(result.capacity));
    if (!said.empty()) text += " " + result.approach + ": " + said + ".";
  }
  return text;
}

/// One sentence for each bar.
template <class Say>
std::string of_each_bar(const LoadReport& load, const Say& say) {
  std::string text;
  for (const LoadBar& bar : load_bars(load)) {
    text += " " + bar.approach + " at " + three_digits(shown_rate(*bar.point)) + " a second: " + say(*bar.point) + ".";
  }
  return text;
}

std::string parts_in_words(const LoadPointReport& point) {
  std::string text;
  const auto add = [&](const char* name, const OrReason<LatencyReport>& times) {
    if (times) text += (text.empty() ? "" : ", ") + (name + (" " + page_time(times->mean)));
  };
  add("waiting", point.queue_wait);
  add("filling a batch", point.batch_formation);
  add("service", point.service);
  return text;
}

std::string batches_in_words(const LoadPointReport& point) {
  const std::optional<double> mean = mean_batch(point);
  return mean ? "mean size " + three_digits(*mean) : std::string("no batch");
}

void write_load_figures(Page& page, const LoadReport& load) {
  const std::string quantile(quantile_of_interest(load).name);
  const bool bars = !load_bars(load).empty();
  if (has_latencies(load)) {
    write_figure(page, {"load_latency", "Latency against rate",
                        "From the scheduled arrival to the answer: thick lines " + quantile + ", thin ones p50." +
                            (load.service_level ? " Dashed: the service level." : "") +
                            (has_capacities(load) ? " Shaded: the capacity, between the highest rate that was seen to "
                                                    "hold the level and the lowest that was not; where one of them is "
                                                    "unknown, a line at the other."
                                                  : "") +
                            " Where the queue grew without end there is no latency.",
                        latencies_in_words(load)});
  }
  if (bars) {
    page.raw("<div class=\"grid\">");
    write_figure(page, {"load_time", "Where the time goes",
                        "Means: waiting in the queue, waiting for the batch to fill while an instance was free, and "
                        "service. Where there are many rates, some of them.",
                        of_each_bar(load, parts_in_words)});
    if (load.settings.max_batch > 1) {
      write_figure(page, {"load_batches", "Batch sizes", "Share of the images by the size of the batch they were in.",
                          of_each_bar(load, batches_in_words)});
    }
    page.raw("</div>\n");
  }
}

}  // namespace

void write_load_answer(Page& page, const Report& report) {
  const LoadReport& load = *report.load;
  if (load.results.empty()) {
    page.raw("<div class=\"answer bad\">").element("p", "Nothing was measured.", "class=\"headline\"").raw("</div>\n");
  }
  for (const CapacityComparison& comparison : load.comparisons) {
    const Comparison* decisions = decisions_of(report, comparison.candidate);
    const bool bad =
        comparison.verdict == CapacityVerdict::lower || (decisions != nullptr && loses_accuracy(*decisions));
    const bool good = comparison.verdict == CapacityVerdict::higher;
    page.raw("<div class=\"answer ").raw(bad ? "bad" : (good ? "good" : "")).raw("\">");
    page.element(
        "p",
        comparison.candidate + " " + capacity_sentence(comparison) +
            (load.service_level && comparison.capacity_ratio.ratio ? " with " + service_level_text(*load.service_level)
                                                                   : "") +
            ".",
        "class=\"headline\"");
    if (!comparison.reason.empty() && comparison.capacity_ratio.ratio)
      page.element("p", comparison.reason, "class=\"faint\"");
    if (decisions != nullptr) write_decisions(page, *decisions);
    page.raw("</div>\n");
  }
  if (!load.comparisons.empty()) return;
  for (const LoadResultReport& result : load.results) {
    const Comparison* decisions = decisions_of(report, result.approach);
    page.raw("<div class=\"answer ").raw(decisions != nullptr && loses_accuracy(*decisions) ? "bad" : "").raw("\">");
    page.element("p", served_sentence(load, result), "class=\"headline\"");
    if (decisions != nullptr) {
      write_decisions(page, *decisions);
    } else if (result.accuracy) {
      page.element("p", "It is right on " + percent(*result.accuracy, 1) + " of the images.");
    } else {
      page.element("p", "Accuracy: " + result.accuracy.reason + ".");
    }
    page.raw("</div>\n");
  }
}

void write_load(Page& page, const Report& report) {
  const LoadReport& load = *report.load;
  page.element("h2", "Under load", "id=\"load\"");
  page.element("p", "Scenario " + scenario_sentence(load) + ". Each approach: " + serving_sentence(load.settings) +
                        ". " + measuring_sentence(load) + ".");
  if (const std::string hidden = what_the_scenario_hides(load); !hidden.empty())
    page.element("p", hidden, "class=\"warning\"");
  if (!load.stopped_because.empty()) page.element("p", "Stopped: " + load.stopped_because + ".", "class=\"faint\"");
  if (!load.results.empty()) {
    const TextTable approaches = approaches_table(load);
    page.table(
        approaches.headings, approaches.rows, 1,
        has_capacities(load)
            ? "Capacity: from the highest rate that was seen to hold the service level to the lowest that was not; "
              "predicted: by a replay of measured service times."
            : "");
  }
  if (const TextTable candidates = candidates_table(report); !candidates.rows.empty()) {
    page.table(candidates.headings, candidates.rows, 1,
               "Against " + baseline_of_load(report) + (load.comparisons.empty() ? "." : "; above 1: serves more."));
  }
  write_load_figures(page, load);
  for (const LoadResultReport& result : load.results) {
    const std::vector<std::string> notes = load_notes(load, result);
    if (result.points.empty() && notes.empty()) continue;
    page.element("h3", result.approach);
    if (!result.points.empty()) {
      const TextTable points = points_table(load, result, TableDetail::full);
      page.table(points.headings, points.rows, 1,
                 "Queries a second, and milliseconds from the scheduled arrival to the answer; wait and service are "
                 "means; lateness is the generator's p99.");
    }
    for (const std::string& note : notes) page.element("p", note, "class=\"faint\"");
  }
}

}  // namespace stagemark
