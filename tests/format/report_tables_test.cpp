// Reports as tables for other programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "format/markdown_table.hpp"
#include "judgement/made_rounds.hpp"
#include "stagemark/format/csv.hpp"
#include "stagemark/format/markdown.hpp"
#include "stagemark/judgement/compare.hpp"

namespace stagemark {
namespace {

using namespace testing;

Report base_and_slow() {
  Made slow;
  slow.factor = 2;
  slow.wrong = {3};
  slow.fails_on = 4;
  Report report = report_of({{"base", {}}, {"slow", slow}});
  compare_approaches(report);
  return report;
}

template <class Write>
std::vector<std::string> lines_of(Write write, const Report& report, const std::string& end = "\r\n") {
  std::ostringstream out;
  write(out, report);
  std::vector<std::string> lines;
  const std::string text = out.str();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = text.find(end, at);
    lines.push_back(text.substr(at, stop - at));
    at = stop + end.size();
  }
  return lines;
}

TEST(Csv, HasOneRowForEachApproachAndStage) {
  const Report report = base_and_slow();
  const auto lines = lines_of(write_csv, report);
  ASSERT_EQ(lines.size(), 5);
  EXPECT_TRUE(lines[0].starts_with("approach,engine,precision,device,stage,count,mean_ms,")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("base,libtorch,fp32,cpu,inference,150,")) << lines[1];
  EXPECT_TRUE(lines[4].starts_with("slow,libtorch,fp32,cpu,total,149,")) << lines[4];
  const auto columns = std::count(lines[0].begin(), lines[0].end(), ',');
  for (const std::string& line : lines) EXPECT_EQ(std::count(line.begin(), line.end(), ','), columns) << line;
}

TEST(Csv, HasOneRowForEachInferenceEmptyWhereItFailed) {
  const auto lines = lines_of(write_per_image_csv, base_and_slow());
  ASSERT_EQ(lines.size(), 301);
  EXPECT_EQ(lines[0], "approach,path,label,predicted,probability,logit,round,process,pass,call,inference_ns,total_ns");
  EXPECT_TRUE(lines[1].starts_with("base,NORMAL/0.png,NORMAL,NORMAL,0.1,0.2,0,0,0,0,80")) << lines[1];
  EXPECT_TRUE(lines[154].starts_with("slow,PNEUMONIA/3.png,PNEUMONIA,NORMAL,0.1,")) << lines[154];
  EXPECT_TRUE(lines[155].starts_with("slow,NORMAL/4.png,NORMAL,,,,0,")) << lines[155];
}

TEST(Csv, QuotesWhatItMust) {
  Report report = base_and_slow();
  report.results[0].approach = "a,\"b\"\nc";
  EXPECT_TRUE(lines_of(write_csv, report)[1].starts_with("\"a,\"\"b\"\"\nc\",libtorch,"));
}

TEST(MarkdownReport, TellsWhatEachTakesAndHowTheyCompare) {
  Report report = base_and_slow();
  for (ApproachReport& result : report.results) result.warnings.clear();
  const auto lines = lines_of([](std::ostream& out, const Report& of) { write_markdown(out, of); }, report, "\n");
  ASSERT_EQ(lines.size(), 12);
  EXPECT_TRUE(lines[4].starts_with("| base | 12.")) << lines[4];
  EXPECT_NE(lines[4].find("| 100.0 % \\[97.5, 100.0\\] |"), std::string::npos) << lines[4];
  EXPECT_TRUE(lines[11].starts_with("| slow | 0.500x \\[0.500, 0.500\\] | slower | lost, -0.67 \\[")) << lines[11];
  EXPECT_NE(lines[11].find("| 1 of 149 |"), std::string::npos) << lines[11];
}

TEST(MarkdownReport, ShowsTheWarningsOfTheImagesAndOfEachApproach) {
  Report report = base_and_slow();
  report.dataset.warnings = {"of the images"};
  report.results[1].warnings = {"of the approach"};
  std::ostringstream out;
  write_markdown(out, report);
  EXPECT_NE(out.str().find("\n> of the images\n"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("\n> slow: of the approach\n"), std::string::npos) << out.str();
}

TEST(Markdown, KeepsTextText) {
  EXPECT_EQ(markdown_cell("a|b\n<i>&`*_[x](y)"), "a\\|b &lt;i&gt;&amp;\\`\\*\\_\\[x\\](y)");
}

}  // namespace
}  // namespace stagemark
