// The HTML report as text: what it says, and that nothing in a report can become markup. How it looks and that its
// charts have their marks is for a browser to say (tests/house/browser_test.sh).
#include "stagemark/format/html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "format/curves.hpp"
#include "format/page_parts.hpp"
#include "judgement/made_rounds.hpp"
#include "report/shell_word.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/judgement/compare.hpp"
#include "stagemark/judgement/make_report.hpp"

namespace stagemark {
namespace {

using namespace testing;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string page_of(const Report& report, const HtmlOptions& options = {}) {
  std::ostringstream out;
  write_html(out, report, options);
  return out.str();
}

/// What a reader sees and what it is made of, without the scripts.
std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

Report two_approaches() {
  Made slow;
  slow.factor = 1.2;
  slow.wrong = {3};
  Report report = report_of({{"base", {}}, {"slow", slow}});
  compare_approaches(report);
  return report;
}

TEST(Html, SaysTheAnswerFirst) {
  const std::string page = markup_of(page_of(two_approaches()));
  const std::size_t answer = page.find("slow is slower: 0.833×");
  ASSERT_NE(answer, std::string::npos) << page;
  EXPECT_LT(answer, page.find("<table>"));
  EXPECT_THAT(page, HasSubstr("1 of 150 decisions flipped, 1 for the worse and 0 for the better"));
  EXPECT_THAT(page, HasSubstr("accuracy is lost (-0.67 points"));
}

TEST(Html, SaysWhatOneApproachTakesWhereThereIsNothingToCompare) {
  const std::string page = markup_of(page_of(report_of({{"alone", {}}})));
  EXPECT_THAT(page, HasSubstr("alone takes "));
  EXPECT_THAT(page, HasSubstr("It is right on 100.0 % [97.5, 100.0] of the images."));
}

TEST(Html, SaysWhatACallIsWhereItHoldsABatch) {
  Report report = report_of({{"alone", {}}});
  report.config.batch = 8;
  EXPECT_THAT(markup_of(page_of(report)), HasSubstr(" for a call with 8 images (median)"));
}

TEST(Html, NamesWhatWasSkippedAndWhatFailed) {
  Made broken;
  broken.fails_on = 3;
  Report report = report_of({{"base", {}}, {"broken", broken}});
  report.dataset.found = 151;
  report.dataset.skipped = {{"NORMAL/empty.png", "it is empty"}};
  report.environment.warnings = {"the governor is powersave"};
  const std::string page = markup_of(page_of(report));
  EXPECT_THAT(page, HasSubstr("1 of 151 files were skipped, the first: NORMAL/empty.png (it is empty)"));
  EXPECT_THAT(page, HasSubstr("broken failed on 1 images, the first: "));
  EXPECT_LT(page.find("the governor is powersave"), page.find("<figure"));
}

TEST(Html, SaysThatNothingWasMeasuredWhereAllFailed) {
  Report report = report_of({{"base", {}}});
  report.results[0].stages.clear();
  report.results[0].error = "killed by signal 9";
  const std::string page = markup_of(page_of(report));
  EXPECT_LT(page.find("Nothing was measured."), page.find("<table>"));
  EXPECT_THAT(page, HasSubstr("base failed: killed by signal 9"));
}

TEST(Html, ReadsOutWhatTheChartsShow) {
  const std::string page = markup_of(page_of(two_approaches()));
  EXPECT_THAT(page, ContainsRegex("aria-label=\"Where the time goes[^\"]*base: [0-9.]+ ms, inference [0-9.]+ ms"));
  EXPECT_THAT(page, ContainsRegex("aria-label=\"ROC curves[^\"]*base: area under the curve 1.0000"));
}

TEST(Html, GivesEachChartWhatItDraws) {
  const nlohmann::json data = data_of(page_of(two_approaches()));
  EXPECT_EQ(data["stages"], nlohmann::json({"inference", "unattributed"}));
  ASSERT_EQ(data["approaches"].size(), 2);
  const nlohmann::json& slow = data["approaches"][1];
  EXPECT_EQ(slow["name"], "slow");
  EXPECT_EQ(slow["distribution"].size(), 150);
  EXPECT_EQ(slow["distribution"].back()[1], 1);
  EXPECT_EQ(slow["over_time"].size(), 30);
  EXPECT_NEAR(slow["accuracy"]["value"], 100 * 149.0 / 150, 1e-9);
  EXPECT_EQ(slow["quantiles"].size(), 3);
  EXPECT_EQ(data["generations"], nlohmann::json({0.5, 6.5, 12.5, 18.5, 24.5}));
  EXPECT_FALSE(slow["roc"].empty());
  EXPECT_FALSE(slow["reliability"].empty());
}

TEST(Html, LetsNothingOfAReportBecomeMarkup) {
  const std::string hostile = "<script>alert('1')</script>\"&\n</table>";
  Report report = two_approaches();
  report.dataset.path = report.dataset.classes[0] = hostile;
  report.results[1].approach = report.comparisons[0].candidate = hostile;
  report.results[0].warnings = report.environment.warnings = {hostile};
  report.results[0].error = hostile;
  report.config.argv = {"stagemark", hostile};
  for (auto* files : {&report.comparisons[0].label_flips.files, &report.comparisons[0].label_flips.harmful_files}) {
    (*files)[0] = hostile;
  }
  for (ApproachReport& result : report.results) {
    for (std::string& path : result.per_image.path) {
      if (path.ends_with("/3.png")) path = hostile;
    }
  }
  const std::string page = page_of(report);
  // The three of the page itself.
  EXPECT_EQ(count(page, "<script"), 3);
  EXPECT_EQ(count(page, "</script"), 3);
  EXPECT_THAT(markup_of(page), Not(HasSubstr("alert('")));
  EXPECT_THAT(markup_of(page), HasSubstr("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"));
  EXPECT_EQ(data_of(page)["approaches"][1]["name"], hostile);
}

TEST(Html, NeedsNothingFromOutside) {
  const std::string page = page_of(two_approaches());
  for (const char* reference : {"src=\"http", "href=\"http", "src=\"/", "@import", "url("}) {
    EXPECT_THAT(markup_of(page), Not(HasSubstr(reference)));
  }
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(Html, ShowsTheFlippedImagesUpToALimit) {
  Made wrong;
  wrong.wrong = {3, 5, 7};
  Report report = report_of({{"base", {}}, {"wrong", wrong}});
  compare_approaches(report);
  HtmlOptions options;
  options.most_thumbnails = 2;
  options.thumbnail = [](const std::string& path) -> std::optional<std::string> {
    if (path.ends_with("/5.png")) return std::nullopt;  // it is gone
    return "data:image/png;base64,AAAA";
  };
  const std::string page = markup_of(page_of(report, options));
  EXPECT_EQ(count(page, "<img "), 1);
  EXPECT_EQ(count(page, "0.9000 → 0.1000, now wrong"), 2);
  EXPECT_THAT(page, HasSubstr("report.json names all 3."));
}

TEST(Html, LeavesOutWhatAnUnlabelledSetCannotShow) {
  Report report = two_approaches();
  for (ApproachReport& result : report.results) {
    result.accuracy = OrReason<double>::absent("the images have no labels");
    result.accuracy_metrics = {};
    result.accuracy_metrics.accuracy = result.accuracy_metrics.auroc = result.accuracy;
  }
  const std::string page = markup_of(page_of(report));
  EXPECT_EQ(count(page, "<figure"), 3);
  EXPECT_THAT(page, HasSubstr("<p>the images have no labels</p>"));
}

/// What was stored by the first version of the schema stays readable, whatever later ones add.
TEST(Html, ShowsAReportOfTheFirstMinorVersion) {
  std::ifstream in(STAGEMARK_TESTS_DIR "/format/stored/1.0.json");
  const Report report = read_json(in, "1.0.json");
  const std::string page = markup_of(page_of(report));
  EXPECT_THAT(page, HasSubstr("6 images, 2 approaches"));
  EXPECT_THAT(page, HasSubstr("second is "));
  EXPECT_EQ(count(page, "<figure"), 7);
}

TEST(Html, WritesAnEmptyReport) { EXPECT_THAT(page_of(Report{}), HasSubstr("Nothing was measured.")); }

TEST(Html, StaysSmallOnALargeRun) {
  Made one;
#ifdef STAGEMARK_IS_SANITIZED
  const std::size_t rounds = 2'000;  // of 5 images
#else
  const std::size_t rounds = 20'000;
#endif
  SuiteResult suite = made_suite(made_dataset(alternating(rounds * round_size)));
  suite.in_workers = true;
  one.rounds = rounds;
  suite.collector.add(made("base", one));
  one.factor = 1.1;
  suite.collector.add(made("other", one));
  Report report = make_report(suite, {});
  compare_approaches(report);
  // Every decision flipped, and every name is hostile.
  const auto rename = [](std::string& path) { path = "<script>alert(1)</script>\"'\n" + path; };
  for (ApproachReport& result : report.results) std::ranges::for_each(result.per_image.path, rename);
  report.comparisons[0].label_flips.files = report.results[0].per_image.path;
  const std::string page = page_of(report);
  EXPECT_LT(page.size(), 1'000'000);
  EXPECT_EQ(count(page, "<script>alert"), 0);
  EXPECT_EQ(count(page, "<li>"), HtmlOptions{}.most_thumbnails);
}

TEST(Curves, AreThoseOfTheTextbook) {
  // Fawcett (2006), figure 3: 20 instances and their scores.
  const std::string truth = "ppnpppnnpnpnpnnnpnpn";
  const std::vector<double> scores = {.9, .8,  .7,  .6,  .55, .54, .53, .52, .51, .505,
                                      .4, .39, .38, .37, .36, .35, .34, .33, .30, .1};
  std::vector<ScoredImage> images;
  for (std::size_t i = 0; i < scores.size(); ++i) images.push_back({truth[i] == 'p', scores[i], scores[i] >= 0.5});
  const std::vector<CurvePoint> roc = roc_curve(images);
  ASSERT_EQ(roc.size(), 21);
  EXPECT_EQ(roc[1].x, 0);
  EXPECT_EQ(roc[1].y, 0.1);
  EXPECT_EQ(roc[3].x, 0.1);
  EXPECT_EQ(roc[3].y, 0.2);
  EXPECT_EQ(roc.back().x, 1);
  EXPECT_EQ(roc.back().y, 1);
  const std::vector<CurvePoint> precision_recall = precision_recall_curve(images);
  EXPECT_EQ(precision_recall[2].x, 0.2);
  EXPECT_DOUBLE_EQ(precision_recall[2].y, 2.0 / 3);
}

TEST(Curves, StepOverTiesAtOnce) {
  const std::vector<ScoredImage> images = {{true, 0.5, true}, {false, 0.5, true}, {true, 0.5, true}};
  EXPECT_EQ(roc_curve(images).size(), 2);
  EXPECT_TRUE(roc_curve(std::span(images).first(1)).empty());
}

TEST(Curves, KeepTheirEndsWhenThinned) {
  std::vector<double> values(100'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  const std::vector<CurvePoint> curve = empirical_distribution(values, 600);
  ASSERT_EQ(curve.size(), 600);
  EXPECT_EQ(curve.front().x, 0);
  EXPECT_EQ(curve.back().x, 99'999);
  EXPECT_EQ(curve.back().y, 1);
}

TEST(Curves, CalibrateByTenths) {
  const std::vector<ScoredImage> images = {{true, 1, true}, {true, 0.95, true}, {false, 0.91, true}, {false, 0, false}};
  const std::vector<ReliabilityBin> bins = reliability_curve(images);
  ASSERT_EQ(bins.size(), 2);
  EXPECT_EQ(bins[0].share_positive, 0);
  EXPECT_DOUBLE_EQ(bins[1].mean_probability, 2.86 / 3);
  EXPECT_DOUBLE_EQ(bins[1].share_positive, 2.0 / 3);
}

TEST(ShellWord, QuotesWhereItMust) {
  EXPECT_EQ(shell_word("a-b_c=1.5/x:y@z"), "a-b_c=1.5/x:y@z");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), R"('it'\''s')");
}

}  // namespace
}  // namespace stagemark
