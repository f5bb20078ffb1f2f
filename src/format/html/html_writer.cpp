#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/curves.hpp"
#include "format/html/resources.hpp"
#include "judgement/paired_inferences.hpp"
#include "report/shell_word.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/format/html.hpp"

namespace stagemark {
namespace {

using Json = nlohmann::ordered_json;

/// More points than a screen has columns show nothing more.
constexpr std::size_t most_points = 600;

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string number(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

/// Four significant digits and the unit that suits.
std::string time_text(double milliseconds) {
  const auto [value, unit] = milliseconds >= 1000  ? std::pair(milliseconds / 1000, " s")
                             : milliseconds >= 0.1 ? std::pair(milliseconds, " ms")
                                                   : std::pair(milliseconds * 1000, " µs");
  return number(value, value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3) + unit;
}

std::string percent(double ratio, int digits = 1) { return number(100 * ratio, digits) + " %"; }

std::string with_interval(const OrReason<double>& value, const OrReason<Interval>& interval, double factor, int digits,
                          const std::string& unit) {
  if (!value) return "n/a";
  std::string text = number(factor * *value, digits) + unit;
  if (interval) {
    text += " [" + number(factor * interval->low, digits) + ", " + number(factor * interval->high, digits) + "]";
  }
  return text;
}

/// One file of the page at a time, and everything that comes from a report escaped.
class Page {
 public:
  explicit Page(std::ostream& out) : out_(out) {}

  Page& raw(std::string_view html) {
    out_ << html;
    return *this;
  }
  Page& text(std::string_view text) { return raw(escaped(text)); }
  Page& element(std::string_view tag, std::string_view content, std::string_view attributes = "") {
    raw("<").raw(tag);
    if (!attributes.empty()) raw(" ").raw(attributes);
    return raw(">").text(content).raw("</").raw(tag).raw(">");
  }
  Page& row(std::string_view cell_tag, const std::vector<std::string>& cells, std::size_t text_columns = 1) {
    raw("<tr>");
    for (std::size_t i = 0; i < cells.size(); ++i) {
      element(cell_tag, cells[i], i > 0 && i < text_columns ? "class=\"text\"" : "");
    }
    return raw("</tr>\n");
  }

 private:
  std::ostream& out_;
};

void table(Page& page, const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows,
           std::size_t text_columns = 1, std::string_view caption = "") {
  // Not a caption, which would be as wide as the table.
  if (!caption.empty()) page.element("p", caption, "class=\"faint\"");
  // Whoever has no mouse scrolls what is wider than the screen with the arrow keys.
  page.raw(R"(<div class="scroll" tabindex="0"><table>)");
  page.raw("<thead>").row("th", headings, text_columns).raw("</thead><tbody>");
  for (const auto& row : rows) page.row("td", row, text_columns);
  page.raw("</tbody></table></div>\n");
}

bool ran(const ApproachReport& result) { return result.stages.contains(Stage::total); }

/// Scores of the first inference of each image.
std::vector<ScoredImage> scores_of(const ApproachReport& result, const DatasetReport& dataset) {
  if (dataset.classes.size() != 2) return {};
  const Pair itself = pair_by_image(result, result);
  return paired_scores(itself, first_inferences(itself), dataset).baseline;
}

std::vector<double> sorted_totals(const ApproachReport& result) {
  std::vector<double> values;
  const auto column = result.per_image.stages_ns.find(Stage::total);
  if (column == result.per_image.stages_ns.end()) return values;
  std::optional<std::uint32_t> last_call;
  for (std::size_t row = 0; row < column->second.size(); ++row) {
    const auto call = result.per_image.call[row];
    if (call && std::exchange(last_call, call) == call) continue;
    if (const auto time = column->second[row]) values.push_back(static_cast<double>(*time) / 1e6);
  }
  std::ranges::sort(values);
  return values;
}

Json pairs(const std::vector<CurvePoint>& points) {
  Json json = Json::array();
  for (const CurvePoint& point : points) json.push_back({point.x, point.y});
  return json;
}

struct TimeUnit {
  const char* name;
  double per_millisecond;
};

/// In which the axes of time have few zeros.
TimeUnit time_unit_for(const Report& report) {
  double longest = 0;
  for (const ApproachReport& result : report.results) {
    if (ran(result)) longest = std::max(longest, result.stages.at(Stage::total).p99);
  }
  if (longest >= 10'000) return {"s", 0.001};
  return longest >= 0.1 ? TimeUnit{"ms", 1} : TimeUnit{"µs", 1000};
}

/// The stages that make up `total`, without those that contain others.
std::vector<Stage> parts_of(const ApproachReport& result) {
  const bool split = result.stages.contains(Stage::feature_extraction);
  std::vector<Stage> parts;
  for (const Stage stage : {Stage::preprocessing, Stage::upload, Stage::inference, Stage::feature_extraction,
                            Stage::classification, Stage::download}) {
    const bool shown = stage == Stage::inference ? !split : true;
    if (shown && result.stages.contains(stage)) parts.push_back(stage);
  }
  return parts;
}

/// Where a new generation of processes began, having warmed up, as places between rounds.
Json generation_starts(const Report& report) {
  std::map<std::size_t, std::size_t> first_rounds;
  for (const ApproachReport& result : report.results) {
    for (const RoundReport& round : result.rounds) {
      const auto [first, added] = first_rounds.emplace(round.process, round.index);
      first->second = std::min(first->second, round.index);
    }
  }
  Json starts = Json::array();
  for (const auto& [process, round] : first_rounds) starts.push_back(static_cast<double>(round) + 0.5);
  return starts;
}

Json chart_data(const Report& report) {
  Json data;
  const TimeUnit unit = time_unit_for(report);
  data["time_unit"] = unit.name;
  data["stages"] = Json::array();
  std::set<std::string> seen;
  const auto add_stage = [&](const std::string& name) {
    if (seen.insert(name).second) data["stages"].push_back(name);
  };
  data["generations"] = generation_starts(report);
  data["approaches"] = Json::array();
  for (const ApproachReport& result : report.results) {
    if (!ran(result)) continue;
    Json approach;
    approach["name"] = result.approach;
    for (const Stage stage : parts_of(result)) {
      const std::string name(to_string(stage));
      add_stage(name);
      approach["parts"][name] = unit.per_millisecond * result.stages.at(stage).mean;
    }
    if (result.unattributed_mean)
      approach["parts"]["unattributed"] = unit.per_millisecond * std::max(0.0, *result.unattributed_mean);
    const StageStatistics& total = result.stages.at(Stage::total);
    approach["total"] = time_text(total.mean);
    if (const auto waits = result.stages.find(Stage::total_with_waits); waits != result.stages.end())
      approach["total"] = time_text(total.mean) + " (with waits " + time_text(waits->second.mean) + ")";
    approach["median"] = unit.per_millisecond * total.median;
    approach["median_interval"] = nullptr;
    if (total.ci95_median)
      approach["median_interval"] = {unit.per_millisecond * total.ci95_median->low,
                                     unit.per_millisecond * total.ci95_median->high};
    std::vector<double> totals = sorted_totals(result);
    for (double& time : totals) time *= unit.per_millisecond;
    approach["distribution"] = pairs(empirical_distribution(totals, most_points));
    approach["quantiles"] = Json::array();
    const auto quantile = [&](double p, double value, double lower, const OrReason<double>& upper) {
      approach["quantiles"].push_back({{"p", p},
                                       {"value", unit.per_millisecond * value},
                                       {"lower", unit.per_millisecond * lower},
                                       {"upper", upper ? Json(unit.per_millisecond * *upper) : Json()}});
    };
    quantile(0.5, total.p50, total.ci95_median ? total.ci95_median->low : total.p50,
             total.ci95_median ? OrReason<double>(total.ci95_median->high) : OrReason<double>());
    quantile(0.95, total.p95, total.p95, total.p95_upper);
    quantile(0.99, total.p99, total.p99, total.p99_upper);
    std::vector<CurvePoint> over_time;
    for (const RoundReport& round : result.rounds) {
      if (round.total_median)
        over_time.push_back({static_cast<double>(round.index + 1), unit.per_millisecond * *round.total_median});
    }
    approach["over_time"] = pairs(thinned(std::move(over_time), most_points));
    approach["accuracy"] = nullptr;
    if (result.accuracy && result.accuracy_metrics.ci95.accuracy) {
      approach["accuracy"] = {{"value", 100 * *result.accuracy},
                              {"low", 100 * result.accuracy_metrics.ci95.accuracy->low},
                              {"high", 100 * result.accuracy_metrics.ci95.accuracy->high}};
    }
    const std::vector<ScoredImage> scores = scores_of(result, report.dataset);
    approach["roc"] = pairs(thinned(roc_curve(scores), most_points));
    approach["precision_recall"] = pairs(thinned(precision_recall_curve(scores), most_points));
    approach["calibration"] = Json::array();
    for (const CalibrationBin& bin : calibration_curve(scores)) {
      approach["calibration"].push_back({bin.mean_probability, bin.share_positive});
    }
    data["approaches"].push_back(std::move(approach));
  }
  if (!data["approaches"].empty()) add_stage("unattributed");
  return data;
}

/// Within a script element nothing may look like its end.
std::string script_text(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

/// Beyond a hundredfold nobody counts thousandths.
std::string ratio_text(double ratio) { return number(ratio, ratio < 100 ? 3 : 0); }

std::string speed_sentence(const Comparison& comparison) {
  if (!comparison.speedup.ratio) return "not compared in speed: " + comparison.speedup.ratio.reason;
  const double ratio = *comparison.speedup.ratio;
  std::string interval;
  if (comparison.speedup.ci95) {
    interval = " [" + ratio_text(comparison.speedup.ci95->low) + ", " + ratio_text(comparison.speedup.ci95->high) + "]";
  }
  std::string times = ratio_text(ratio) + "×" + interval + " the speed of " + comparison.baseline;
  switch (comparison.speed_verdict) {
    case SpeedVerdict::faster:
      return "faster: " + times;
    case SpeedVerdict::slower:
      return "slower: " + times;
    case SpeedVerdict::no_difference:
      return "as fast as " + comparison.baseline + ": " + ratio_text(ratio) + "×" + interval;
    case SpeedVerdict::inconclusive:
      return "not told apart in speed: " + times;
  }
  return times;
}

std::string accuracy_sentence(const Comparison& comparison) {
  const LabelFlips& flips = comparison.label_flips;
  if (comparison.images == 0) return "There is no image that both classified.";
  std::string text =
      std::to_string(flips.files.size()) + " of " + std::to_string(comparison.images) + " decisions flipped";
  if (!comparison.accuracy_delta_points) return text + "; " + comparison.accuracy_delta_points.reason + ".";
  if (!flips.files.empty()) {
    text += ", " + std::to_string(flips.harmful) + " for the worse and " + std::to_string(flips.helpful) +
            " for the better";
  }
  text += ". On these images accuracy is " + std::string(to_string(comparison.accuracy_verdict)) + " (" +
          (*comparison.accuracy_delta_points < 0 ? "" : "+") + number(*comparison.accuracy_delta_points, 2) + " points";
  if (comparison.accuracy_delta_ci95) {
    text += ", 95 % interval for the population " + number(comparison.accuracy_delta_ci95->low, 2) + " to " +
            number(comparison.accuracy_delta_ci95->high, 2);
  }
  text += "). ";
  const std::string margin = number(comparison.accuracy_margin_points, 2) + " points";
  switch (comparison.accuracy_population_verdict) {
    case AccuracyVerdict::kept:
      return text + "For images like these, too, a drop of " + margin + " is ruled out (one-sided 95 % test).";
    case AccuracyVerdict::lost:
      return text + "For images like these, too, it drops by more than " + margin + ".";
    case AccuracyVerdict::inconclusive:
      return text + "Whether it drops by " + margin + " for images like these they cannot decide" +
             (comparison.images_needed ? ": that takes about " + std::to_string(*comparison.images_needed) + " images."
                                       : ".");
  }
  return text;
}

void write_answer(Page& page, const Report& report) {
  for (const Comparison& comparison : report.comparisons) {
    const bool lost = comparison.accuracy_verdict == AccuracyVerdict::lost;
    const bool slower = comparison.speed_verdict == SpeedVerdict::slower;
    const bool faster = comparison.speed_verdict == SpeedVerdict::faster;
    page.raw("<div class=\"answer ").raw(lost || slower ? "bad" : (faster ? "good" : "")).raw("\">");
    page.element("p", comparison.candidate + " is " + speed_sentence(comparison) + ".", "class=\"headline\"");
    page.element("p", accuracy_sentence(comparison));
    for (const std::string& reason : comparison.reasons) page.element("p", reason, "class=\"faint\"");
    page.raw("</div>\n");
  }
  if (!report.comparisons.empty()) return;
  if (std::ranges::none_of(report.results, ran)) {
    page.raw("<div class=\"answer bad\">").element("p", "Nothing was measured.", "class=\"headline\"").raw("</div>\n");
  }
  for (const ApproachReport& result : report.results) {
    if (!ran(result)) continue;
    const StageStatistics& total = result.stages.at(Stage::total);
    const std::string call =
        report.config.batch == 1 ? "an image" : "a call with " + std::to_string(report.config.batch) + " images";
    page.raw("<div class=\"answer\">");
    page.element("p",
                 result.approach + " takes " + time_text(total.median) + " for " + call + " (median), " +
                     time_text(total.p95) + " at the 95th percentile.",
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
    if (!ran(result)) {
      rows.push_back({result.approach, "failed", "", "", "", "", "", ""});
      continue;
    }
    const StageStatistics& total = result.stages.at(Stage::total);
    rows.push_back(
        {result.approach, time_text(total.mean), time_text(total.median), time_text(total.p95), time_text(total.p99),
         result.throughput_images_per_second
             ? number(*result.throughput_images_per_second, *result.throughput_images_per_second < 1000 ? 1 : 0)
             : "n/a",
         with_interval(result.accuracy, result.accuracy_metrics.ci95.accuracy, 100, 1, " %"),
         result.memory.peak_rss_bytes
             ? number(static_cast<double>(*result.memory.peak_rss_bytes) / 1048576.0, 0) + " MB"
             : "n/a"});
  }
  table(page, {"approach", "mean", "median", "p95", "p99", "images/s", "accuracy [95 %]", "peak memory"}, rows, 1,
        "Times are of total, from the decoded image to the answer" +
            (report.config.batch == 1 ? std::string(".")
                                      : ", for a call with " + std::to_string(report.config.batch) + " images."));
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

struct Figure {
  std::string_view chart;
  std::string_view title;
  std::string description;  ///< what it shows and how to read it, for the caption and those who cannot see it
  std::string figures;      ///< what it says of these approaches, for those who cannot see it
};

/// One sentence with `say` of each approach that ran.
template <class Say>
std::string of_each(const Report& report, const Say& say) {
  std::string text;
  for (const ApproachReport& result : report.results) {
    if (!ran(result)) continue;
    if (const std::string said = say(result); !said.empty()) text += " " + result.approach + ": " + said + ".";
  }
  return text;
}

std::string shares_of_stages(const ApproachReport& result) {
  std::string text = time_text(result.stages.at(Stage::total).mean);
  for (const Stage stage : parts_of(result)) {
    text += ", " + std::string(to_string(stage)) + " " + time_text(result.stages.at(stage).mean);
  }
  return text + (result.unattributed_mean ? ", unattributed " + time_text(*result.unattributed_mean) : "");
}

std::string quantiles_of(const ApproachReport& result) {
  const StageStatistics& total = result.stages.at(Stage::total);
  return "p50 " + time_text(total.p50) + ", p95 " + time_text(total.p95) + ", p99 " + time_text(total.p99);
}

std::string drift_of(const ApproachReport& result) {
  if (!result.drift.spearman) return "";
  return "rank correlation with time " + number(*result.drift.spearman, 2) +
         (result.drift.lag1_autocorrelation ? ", with the call before " + number(*result.drift.lag1_autocorrelation, 2)
                                            : "");
}

std::string over_time_description(const Report& report) {
  return "Median of total in each round: what drifts shows here. Dotted lines: fresh processes begin, after " +
         std::to_string(report.config.warmup) + " warm-up calls that are not shown.";
}

std::string tradeoff_of(const ApproachReport& result) {
  if (!result.accuracy) return "";
  return time_text(result.stages.at(Stage::total).median) + ", " +
         with_interval(result.accuracy, result.accuracy_metrics.ci95.accuracy, 100, 1, " %");
}

/// A metric that sums up a curve.
std::string metric_text(const char* name, const OrReason<double>& value) {
  return value ? name + (" " + number(*value, 4)) : std::string();
}

void write_figure(Page& page, const Figure& figure) {
  page.raw("<figure data-chart=\"").raw(figure.chart).raw("\">");
  page.element("h3", figure.title);
  if (figure.chart == "distribution") {
    page.raw(R"(<button type="button" data-logarithmic aria-pressed="false">logarithmic axis</button>)");
  }
  page.raw(R"(<div class="chart"><canvas role="img" tabindex="0" aria-label=")").text(figure.title).raw(". ");
  page.text(figure.description + figure.figures).raw("\"></canvas></div>");
  page.element("figcaption", figure.description).raw("</figure>\n");
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
             (of > 0 ? " (" + percent(static_cast<double>(count) / static_cast<double>(of)) + ")" : "");
    };
    const std::uint64_t negatives = matrix.tn + matrix.fp;
    const std::uint64_t positives = matrix.fn + matrix.tp;
    page.raw("<div>");
    table(page, {result.approach, "called " + negative, "called " + positive},
          {{"is " + negative, cell(matrix.tn, negatives), cell(matrix.fp, negatives)},
           {"is " + positive, cell(matrix.fn, positives), cell(matrix.tp, positives)}});
    page.raw("</div>");
  }
  if (any) page.raw("</div>\n");
}

void write_accuracy(Page& page, const Report& report) {
  page.element("h2", "Accuracy", "id=\"accuracy\"");
  std::vector<std::vector<std::string>> rows;
  for (const ApproachReport& result : report.results) {
    const AccuracyMetrics& m = result.accuracy_metrics;
    if (!m.accuracy) continue;
    rows.push_back({result.approach, with_interval(m.accuracy, m.ci95.accuracy, 100, 1, " %"),
                    with_interval(m.sensitivity, m.ci95.sensitivity, 100, 1, " %"),
                    with_interval(m.specificity, m.ci95.specificity, 100, 1, " %"),
                    with_interval(m.auroc, m.ci95.auroc, 1, 4, ""), m.f1 ? number(*m.f1, 4) : "n/a",
                    m.brier ? number(*m.brier, 4) : "n/a", m.ece ? number(*m.ece, 4) : "n/a"});
  }
  if (rows.empty()) {
    page.element("p", report.results.empty() ? "Nothing was measured." : report.results.front().accuracy.reason);
    return;
  }
  table(page, {"approach", "accuracy", "sensitivity", "specificity", "AUROC", "F1", "Brier", "ECE"}, rows, 1,
        "Scored from the very inferences that were timed; in brackets 95 % intervals.");
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
  write_figure(page, {"calibration", "Calibration",
                      "On the diagonal a probability of 0.8 is right in 80 of 100 images. One point per tenth of the "
                      "probability that occurs.",
                      of_each(report, [](const ApproachReport& result) {
                        return metric_text("expected calibration error", result.accuracy_metrics.ece);
                      })});
  page.raw("</div>\n");
}

/// The images whose decision differs, with what both said.
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
        return p ? number(*p, 4) : std::string("n/a");
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
    if (!ran(result)) continue;
    page.element("h3", result.approach);
    std::vector<std::vector<std::string>> rows;
    for (const auto& [stage, s] : result.stages) {
      const auto upper = [](const OrReason<double>& bound) { return bound ? time_text(*bound) : std::string("n/a"); };
      rows.push_back({std::string(to_string(stage)), std::to_string(s.count), time_text(s.mean), time_text(s.median),
                      time_text(s.p95), upper(s.p95_upper), time_text(s.p99), upper(s.p99_upper), time_text(s.max),
                      s.share && stage != Stage::decode ? percent(*s.share) : ""});
    }
    if (result.unattributed_mean) {
      rows.push_back({"unattributed", "", time_text(*result.unattributed_mean), "", "", "", "", "", "", ""});
    }
    table(page, {"stage", "calls", "mean", "median", "p95", "p95 at most", "p99", "p99 at most", "largest", "share"},
          rows);
    const OutlierCounts& outliers = result.drift.outliers;
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
  std::string text = number(frequency.before_mhz, 0) + " MHz before";
  if (frequency.lowest_mhz && frequency.highest_mhz) {
    text +=
        ", " + number(*frequency.lowest_mhz, 0) + " to " + number(*frequency.highest_mhz, 0) + " MHz during the run";
  }
  return text + ", says " + frequency.source;
}

std::string load_text(const CpuEnvironment& cpu) {
  if (!cpu.load_average) return cpu.load_average.reason;
  std::string text = number(cpu.load_average->front(), 2) + " before";
  if (cpu.load_average_after) text += ", " + number(cpu.load_average_after->front(), 2) + " after the run";
  return text;
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
  rows.push_back(
      {"rounds", std::to_string(report.config.round_count) + " over " + std::to_string(report.config.passes) +
                     (report.config.passes == 1 ? " pass" : " passes") + ", seed " +
                     std::to_string(report.config.seed) + "; stopped because " + report.config.stopped_because});
  rows.push_back(
      {"processes", report.config.isolation == Isolation::none
                        ? std::string("all approaches in one")
                        : std::to_string(report.config.processes) + " for each approach, one after the other"});
  table(page, {"what", "value"}, rows, 2);
  page.element("h3", "The command");
  std::string command;
  for (const std::string& argument : report.config.argv) command += (command.empty() ? "" : " ") + shell_word(argument);
  page.raw("<pre id=\"command\">")
      .text(command)
      .raw("</pre><button type=\"button\" data-copy=\"command\">copy</button>\n");
}

}  // namespace

void write_html(std::ostream& out, const Report& report, const HtmlOptions& options) {
  Page page(out);
  page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
      .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
      // Nothing may be fetched: what is not in the file is not part of the report.
      .raw(
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\">\n")
      .raw("<link rel=\"icon\" href=\"data:,\">\n");
  page.element("title", "stagemark: " + report.dataset.path).raw("\n<style>\n").raw(html_resources::style);
  page.raw("</style>\n</head>\n<body>\n<main>\n");
  page.element("h1", std::to_string(report.dataset.images) + " images, " + std::to_string(report.results.size()) +
                         (report.results.size() == 1 ? " approach" : " approaches"));
  page.element("p", report.dataset.path + ", " + report.timestamp + ", stagemark " + report.tool.version,
               "class=\"faint\"");
  if (report.interrupted)
    page.element("p", "The run was interrupted: this is what had been measured.", "class=\"warning\"");
  if (report.dataset.synthetic) {
    page.element("p", "Synthetic images: the times are real, the accuracy says nothing about real images.",
                 "class=\"warning\"");
  }
  if (const auto& skipped = report.dataset.skipped; !skipped.empty()) {
    page.element("p",
                 std::to_string(skipped.size()) + " of " + std::to_string(report.dataset.found) +
                     " files were skipped, the first: " + skipped.front().path + " (" + skipped.front().reason + ")",
                 "class=\"warning\"");
  }
  for (const std::string& warning : report.dataset.warnings) page.element("p", warning, "class=\"warning\"");
  write_answer(page, report);
  write_overview(page, report);
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
  write_accuracy(page, report);
  write_flips(page, report, options);
  write_stages(page, report);
  write_environment(page, report);
  page.raw("</main>\n<script>\n").raw(html_resources::chart_library).raw("\n</script>\n");
  page.raw(R"(<script type="application/json" id="data">)").raw(script_text(chart_data(report))).raw("</script>\n");
  page.raw("<script>\n").raw(html_resources::script).raw("</script>\n</body>\n</html>\n");
}

}  // namespace stagemark
