// Load tests as people read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "format/load_fixture.hpp"
#include "format/load_text.hpp"
#include "format/page_parts.hpp"
#include "stagemark/format/console.hpp"
#include "stagemark/format/csv.hpp"
#include "stagemark/format/display_text.hpp"
#include "stagemark/format/github.hpp"
#include "stagemark/format/html.hpp"
#include "stagemark/format/markdown.hpp"

namespace stagemark {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

template <class Write>
std::string text_of(const Write& write, const Report& report) {
  std::ostringstream out;
  write(out, report);
  return out.str();
}

std::string console_of(const Report& report) { return text_of(print_results, report); }
std::string markdown_of(const Report& report) {
  return text_of([](std::ostream& out, const Report& of) { write_markdown(out, of); }, report);
}
std::string html_of(const Report& report) {
  return text_of([](std::ostream& out, const Report& of) { write_html(out, of); }, report);
}
/// What a reader sees, without the scripts.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

TEST(LoadText, ShowsThreeDigitsThatCount) {
  EXPECT_EQ(three_digits(0), "0");
  EXPECT_EQ(three_digits(0.01234), "0.0123");
  EXPECT_EQ(three_digits(1.234), "1.23");
  EXPECT_EQ(three_digits(12.34), "12.3");
  EXPECT_EQ(three_digits(123.4), "123");
  EXPECT_EQ(three_digits(999.7), "1,000");
  EXPECT_EQ(three_digits(12345.6), "12,346");
}

TEST(LoadText, SaysWhatIsKnownOfACapacity) {
  CapacityReport capacity = made_capacity(12.1, 12.9);
  EXPECT_EQ(capacity_text(capacity), "12.1 to 12.9");
  capacity.upper = OrReason<double>();
  EXPECT_EQ(capacity_text(capacity), "> 12.1");
  capacity.rate = OrReason<double>();
  EXPECT_EQ(capacity_text(capacity), "none");
  capacity.upper = 12.9;
  EXPECT_EQ(capacity_text(capacity), "< 12.9");
  EXPECT_EQ(capacity_text(std::nullopt), "n/a");
}

TEST(LoadText, CountsEveryBatchOnceInTheirMeanSize) {
  LoadPointReport point;
  EXPECT_FALSE(mean_batch(point));
  point.batch_sizes = {{"1", 6}, {"4", 8}};  // six batches and two
  EXPECT_DOUBLE_EQ(mean_batch(point).value(), 14.0 / 8);
}

TEST(LoadText, ShowsTheQuantileOfTheServiceLevel) {
  LoadReport load = made_search();
  const LatencyReport times = made_latency(1, 2);
  EXPECT_EQ(quantile_of_interest(load).name, "p99");
  load.service_level.value->quantile = 0.95;
  EXPECT_EQ(quantile_of_interest(load).name, "p95");
  EXPECT_EQ(quantile_of_interest(load).of(times), times.p95);
  load.service_level.value->quantile = 0.999;
  EXPECT_FALSE(quantile_of_interest(load).of(times));  // too few for it
  load.service_level.value->quantile = 0.97;           // not among those that are reported
  EXPECT_EQ(quantile_of_interest(load).name, "p99");
}

TEST(LoadText, SaysHowQueriesCame) {
  LoadReport load = made_search();
  EXPECT_EQ(scenario_sentence(load), "server, poisson arrivals; p99 within 250 ms");
  load.arrivals = ArrivalKind::trace;
  load.service_level.value->quantile = 0.999;
  EXPECT_EQ(scenario_sentence(load), "server, recorded arrivals; p99.9 within 250 ms");
  load.service_level = OrReason<ServiceLevelReport>();
  load.scenario = Scenario::multi_stream;
  load.samples_per_query = 8;
  EXPECT_EQ(scenario_sentence(load), "multi-stream, one after the other, queries of 8 images");
  EXPECT_EQ(serving_sentence(load.settings),
            "1 instance x 2 threads, batches of up to 4 that wait at most 2 ms to fill, queue of at most 64, no "
            "deadline");
  EXPECT_EQ(measuring_sentence(load),
            "5 generations of fresh processes x 12 s a point, each after 5 s of warm-up; seed 7");
}

TEST(LoadConsole, ShowsCapacitiesComparisonsAndEveryPoint) {
  const std::string text = console_of(report_of_search());
  EXPECT_THAT(text, HasSubstr(R"(
Load: server, poisson arrivals; p99 within 250 ms
1 instance x 2 threads, batches of up to 4 that wait at most 2 ms to fill, queue of at most 64, no
  deadline
5 generations of fresh processes x 12 s a point, each after 5 s of warm-up; seed 7
)"));
  EXPECT_THAT(text, HasSubstr(R"(
  approach           offline images/s  unloaded p99 ms    capacity/s  predicted  accuracy
  libtorch-fp32@cpu              21.3             62.9  12.1 to 12.9       12.3   100.0 %
  libtorch-bf16@cpu              51.8             25.1  29.0 to 30.4       29.6    98.7 %
  opencv-fp32@cpu                3.10              386       < 0.310        n/a   100.0 %

Against libtorch-fp32@cpu (above 1: serves more)
  approach           capacity [95 %]        p adjusted  verdict       accuracy  flipped
  libtorch-bf16@cpu  2.380x [2.290, 2.470]  <0.001      higher        lost      2 of 150
  opencv-fp32@cpu    n/a                    n/a         inconclusive  kept      0 of 150
  opencv-fp32@cpu: no generation of opencv-fp32@cpu has a capacity
)"));
  EXPECT_THAT(text, HasSubstr(R"(
libtorch-fp32@cpu
  offered  achieved   p50   p90   p95  p99  wait  filling  service  batch  busy  lost  verdict
     6.00      5.97  62.9  84.9  96.0  118  16.0    0.672     54.0   1.45   20%     0  within
     12.1      12.0  72.8   129   158  214  26.3    0.746     62.5   1.45   46%     0  within
     12.5      12.4  73.4   144   179  249  29.8    0.751     63.0   1.45   48%     0  undecided
     12.9      12.8  75.6   166   211  301  35.1    0.767     64.9   1.45   51%     0  beyond
     24.0      21.1   n/a   n/a   n/a  n/a   n/a      n/a     92.7   1.45  100%   130  unstable
  at 12.5/s undecided: the share over the bound is 0.96 %, too near to 1 % to tell; about 340 s
    more would tell
  at 24.0/s unstable: of 24 queries a second 21.1 were answered, and the queue still grew at the
    end; 120 refused, 10 expired
)"));
  EXPECT_THAT(text, HasSubstr("\n  at 24.0/s invalid: the generator was late by 14 ms (p99), more than 5 %"));
  EXPECT_THAT(text, HasSubstr("\n  capacity: no rate holds the level: unloaded p99 is 386 ms\n"));
  EXPECT_THAT(text, HasSubstr("\n  warning: BF16 is emulated on this CPU\n"));
  EXPECT_THAT(text, HasSubstr("\n  confusion    TN 74, FP 1, FN 1, TP 74\n"));
}

TEST(LoadConsole, SaysNothingOfTimesOfSingleCalls) {
  const std::string text = console_of(report_of_search());
  for (const char* of_a_run : {"no times", "faster", "inference", "rounds,", "settling", "stage ", "images/s over"}) {
    EXPECT_THAT(text, Not(HasSubstr(of_a_run)));
  }
}

TEST(LoadConsole, StaysWithinItsColumns) {
  Report report = report_of_search();
  report.load->results[1].points[0].failed = 3;
  report.load->results[1].points[0].queries += 3;
  ApproachReport& long_one = report.results[0];
  report.load->results[0].approach = long_one.approach = long_one.specification = std::string(90, 'x');
  for (const std::string& line : lines_of(console_of(report))) EXPECT_LE(display_width(line), console_columns) << line;
}

TEST(LoadConsole, SaysWhatAClosedLoopHides) {
  const std::string text = console_of(report_of_closed_loop());
  EXPECT_THAT(text, HasSubstr("\nLoad: closed, 4 callers that wait for their answers\n"));
  EXPECT_THAT(text, HasSubstr("coordinated omission"));
  EXPECT_THAT(text, Not(HasSubstr("offered")));
  EXPECT_THAT(text, Not(HasSubstr("verdict")));
  EXPECT_THAT(text, HasSubstr("\nonly\n  achieved   p50   p90   p95  p99  wait"));
  EXPECT_THAT(text, HasSubstr("92.8 %"));
  EXPECT_THAT(console_of(report_of_search()), Not(HasSubstr("coordinated omission")));
}

TEST(LoadConsole, ShowsAPointWithoutAnAnswer) {
  Report report = report_of_closed_loop();
  LoadPointReport& point = report.load->results[0].points[0];
  point = {};
  point.queries = point.failed = 9;
  point.latency = point.queue_wait = point.batch_formation = point.service =
      OrReason<LatencyReport>::absent("no query was completed");
  const std::string text = console_of(report);
  EXPECT_THAT(text, HasSubstr("at 0/s no latency: no query was completed\n"));
  EXPECT_THAT(text, HasSubstr("  achieved  p50  p90  p95  p99  wait  service  busy  failed\n"
                              "         0  n/a  n/a  n/a  n/a   n/a      n/a    0%       9\n"));
}

TEST(LoadConsole, ShowsAnApproachThatCouldNotBeServed) {
  Report report = report_of_search();
  report.results[2].error = "killed by signal 9";
  report.results[2].inferences = 0;
  report.load->results.pop_back();
  EXPECT_THAT(console_of(report), HasSubstr("\nopencv-fp32@cpu\n  FAILED: killed by signal 9\n"));
}

TEST(LoadConsole, ComparesDecisionsWhereNoCapacityWasSearched) {
  Report report = report_of_search();
  report.load->comparisons.clear();
  for (LoadResultReport& result : report.load->results) result.capacity.reset();
  const std::string text = console_of(report);
  EXPECT_THAT(text, HasSubstr("\nAgainst libtorch-fp32@cpu\n  approach           accuracy  flipped\n"));
  EXPECT_THAT(text, Not(HasSubstr("capacity")));
}

TEST(LoadConsole, LetsNoNameSteerTheTerminal) {
  Report report = report_of_closed_loop();
  report.load->results[0].approach = "a\x1b[2Jb";
  EXPECT_THAT(console_of(report), Not(HasSubstr("\x1b")));
}

TEST(LoadMarkdown, HasATableOfCapacitiesAndOneOfPoints) {
  const std::string text = markdown_of(report_of_search());
  EXPECT_THAT(text, HasSubstr("\n| libtorch-bf16@cpu | 51.8 | 25.1 | 29.0 to 30.4 | 29.6 | 98.7 % |\n"));
  EXPECT_THAT(text,
              HasSubstr("\n| libtorch-bf16@cpu | 2.380x \\[2.290, 2.470\\] | &lt;0.001 | higher | lost | 2 of 150 |"));
  EXPECT_THAT(text,
              HasSubstr("\n| libtorch-fp32@cpu | 12.5 | 12.4 | 73.4 | 144 | 179 | 249 | 29.8 | 0.751 | 63.0 | 1.45 | "
                        "48% | 0 | undecided |\n"));
  EXPECT_THAT(text, HasSubstr("\n> libtorch-bf16@cpu: BF16 is emulated on this CPU\n"));
  EXPECT_THAT(text, HasSubstr("\n> libtorch-fp32@cpu: at 12.5/s undecided: "));
  EXPECT_THAT(text, Not(HasSubstr("total, mean ms")));
  EXPECT_THAT(text, Not(HasSubstr("speed-up")));
}

TEST(LoadMarkdown, KeepsNamesTextAndEveryRowWhole) {
  Report report = report_of_search();
  for (auto* name : {&report.load->results[0].approach, &report.results[0].approach}) *name = "a|b<i>*c*";
  std::size_t columns = 0;
  for (const std::string& line : lines_of(markdown_of(report))) {
    if (!line.starts_with('|')) {
      columns = 0;
      continue;
    }
    const auto bars = occurrences(line, "|") - occurrences(line, "\\|");
    if (columns > 0) {
      EXPECT_EQ(bars, columns) << line;
    }
    columns = bars;
  }
  EXPECT_THAT(markdown_of(report), HasSubstr("| a\\|b&lt;i&gt;\\*c\\* | 6.00 |"));
}

TEST(LoadCsv, HasOneRowForEachApproachAndPoint) {
  Report report = report_of_search();
  report.load->results[1].approach = "a,\"b\"";
  const std::vector<std::string> lines = lines_of(text_of(write_csv, report));
  ASSERT_THAT(lines, SizeIs(11));
  EXPECT_TRUE(lines[0].starts_with("approach,scenario,offered_rate,achieved_rate,queries,completed,refused,"))
      << lines[0];
  EXPECT_THAT(lines[3], HasSubstr(",undecided,340,21.3,12.1,12.9,"));
  EXPECT_TRUE(lines[5].starts_with("libtorch-fp32@cpu,server,24,21.1,1440,1310,120,10,0,,,,,,,,,,,,,,,,92.7,117,"))
      << lines[5];
  EXPECT_TRUE(lines[6].starts_with("\"a,\"\"b\"\"\",server,6,")) << lines[6];
  for (const std::string& line : lines) {
    const std::ptrdiff_t within_the_name = line.starts_with('"') ? 1 : 0;
    EXPECT_EQ(std::ranges::count(line, ',') - within_the_name, std::ranges::count(lines[0], ',')) << line;
  }
}

TEST(LoadCsv, LeavesEmptyWhatAClosedLoopDoesNotOffer) {
  const std::vector<std::string> lines = lines_of(text_of(write_csv, report_of_closed_loop()));
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_TRUE(lines[1].starts_with("only,closed,,37.81,2280,2280,0,0,0,")) << lines[1];
}

TEST(LoadHtml, SaysTheAnswerFirst) {
  const std::string page = markup_of(html_of(report_of_search()));
  const std::size_t answer = page.find(
      "libtorch-bf16@cpu serves more: 2.380× [2.290, 2.470] the load of libtorch-fp32@cpu with p99 within 250 ms.");
  ASSERT_NE(answer, std::string::npos) << page;
  EXPECT_LT(answer, page.find("<table>"));
  EXPECT_LT(page.find("accuracy is lost (-1.33 points"), page.find("<table>"));
  EXPECT_THAT(page, HasSubstr("<div class=\"answer bad\"><p class=\"headline\">libtorch-bf16@cpu"));
  EXPECT_THAT(page, HasSubstr("opencv-fp32@cpu is not compared in capacity: no generation of"));
  EXPECT_THAT(page, HasSubstr("150 images, 3 approaches under load"));
}

TEST(LoadHtml, SaysWhatOneApproachServes) {
  Report report = report_of_closed_loop();
  EXPECT_THAT(markup_of(html_of(report)), HasSubstr("only answered up to 37.8 queries a second."));
  report.load->service_level = ServiceLevelReport{.quantile = 0.95, .bound_ms = 80};
  report.load->results[0].capacity = made_capacity(31, 33);
  EXPECT_THAT(markup_of(html_of(report)),
              HasSubstr("only serves 31.0 queries a second with p95 within 80 ms, and 33.0 no more."));
  report.load->results[0].capacity->rate = OrReason<double>();
  EXPECT_THAT(markup_of(html_of(report)),
              HasSubstr("only was not seen to hold p95 within 80 ms, not even at 33.0 queries a second."));
}

TEST(LoadHtml, SaysNothingOfTimesOfSingleCalls) {
  const std::string page = markup_of(html_of(report_of_search()));
  for (const char* of_a_run :
       {"Nothing was measured", "id=\"time\"", "id=\"stages\"", "data-chart=\"stages\"", "data-chart=\"tradeoff\"",
        "failed", "rounds", "not told apart in speed", "were timed"}) {
    EXPECT_THAT(page, Not(HasSubstr(of_a_run)));
  }
  for (const char* of_a_load : {"load_latency", "load_time", "load_batches", "roc"})
    EXPECT_THAT(page, HasSubstr("data-chart=\"" + std::string(of_a_load) + "\""));
}

TEST(LoadHtml, ReadsOutWhatTheChartsShow) {
  const std::string page = markup_of(html_of(report_of_search()));
  EXPECT_THAT(page, HasSubstr("libtorch-fp32@cpu: at 6.00 a second p50 62.88 ms and p99 118.0 ms, at 12.1 a second"));
  EXPECT_THAT(page, HasSubstr("capacity 12.1 to 12.9."));
  EXPECT_THAT(page,
              HasSubstr("libtorch-fp32@cpu at 6.00 a second: waiting 15.99 ms, filling a batch 0.672 ms, service"));
}

TEST(LoadHtml, GivesEachChartWhatItDraws) {
  const nlohmann::json load = data_of(html_of(report_of_search()))["load"];
  EXPECT_EQ(load["bound"], 250);
  EXPECT_EQ(load["quantile"], "p99");
  EXPECT_EQ(load["rate"], "offered");
  // By rate, and none of those whose queue grew without end.
  EXPECT_THAT(load["approaches"][0]["points"], SizeIs(4));
  EXPECT_EQ(load["approaches"][1]["points"][1][0], 24);
  EXPECT_EQ(load["approaches"][0]["capacity"], nlohmann::json({12.1, 12.9}));
  EXPECT_EQ(load["approaches"][2]["capacity"], nlohmann::json({nullptr, 0.31}));
  EXPECT_EQ(load["batch_sizes"], nlohmann::json({"1", "2", "3 to 4"}));
  ASSERT_THAT(load["bars"], SizeIs(9));
  EXPECT_EQ(load["bars"][0]["label"], nlohmann::json({"libtorch-fp32@cpu", "at 6.00/s"}));
  EXPECT_EQ(load["bars"][0]["shares"], nlohmann::json({50, 25, 25}));
}

TEST(LoadHtml, ShowsOnlySomeBarsWhereThereAreManyRates) {
  Report report = report_of_closed_loop();
  LoadResultReport& result = report.load->results[0];
  result.points.clear();
  for (int rate = 100; rate > 0; --rate) result.points.push_back(made_point(rate, 5, 20, LoadVerdict::within));
  const nlohmann::json load = data_of(html_of(report))["load"];
  EXPECT_THAT(load["approaches"][0]["points"], SizeIs(100));
  ASSERT_THAT(load["bars"], SizeIs(24));
  EXPECT_EQ(load["bars"].back()["label"][1], "at 100/s");
}

TEST(LoadHtml, DrawsNothingWhereNothingWasAnswered) {
  Report report = report_of_closed_loop();
  report.load->results[0].points = {LoadPointReport{}};
  const std::string page = markup_of(html_of(report));
  EXPECT_THAT(page, Not(HasSubstr("<figure")));
  EXPECT_THAT(page, HasSubstr("<h3>only</h3>"));
  report.load->results.clear();
  EXPECT_THAT(markup_of(html_of(report)), HasSubstr("Nothing was measured."));
}

TEST(LoadHtml, LeavesBatchesOutWhereThereAreNone) {
  EXPECT_THAT(markup_of(html_of(report_of_closed_loop())), Not(HasSubstr("load_batches")));
}

TEST(LoadHtml, LetsNothingOfAReportBecomeMarkup) {
  const std::string hostile = "<script>alert('1')</script>\"&\n</table>";
  Report report = report_of_search();
  LoadReport& load = *report.load;
  load.stopped_because = load.results[0].points[2].reasons[0] = load.results[2].capacity->reason = hostile;
  load.comparisons[0].candidate = report.comparisons[0].candidate = report.results[1].approach =
      load.results[1].approach = hostile;
  load.comparisons[0].baseline = load.comparisons[1].reason = hostile;
  const std::string page = html_of(report);
  EXPECT_EQ(occurrences(page, "<script"), 3);
  EXPECT_EQ(occurrences(page, "</script"), 3);
  EXPECT_THAT(markup_of(page), Not(HasSubstr("alert('")));
  EXPECT_EQ(data_of(page)["load"]["approaches"][1]["name"], hostile);
}

TEST(LoadGitHub, TracksWhatIsTrueWithoutTimes) {
  const nlohmann::json entries = nlohmann::json::parse(text_of(write_github_benchmark, report_of_search()));
  EXPECT_THAT(entries, SizeIs(3));
  EXPECT_EQ(entries[1]["name"], "libtorch-bf16@cpu wrong decisions");
}

}  // namespace
}  // namespace stagemark
