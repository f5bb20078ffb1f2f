// A gate's result and a report in the formats of CI services, which a program has from the library.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "judgement/made_rounds.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/console.hpp"
#include "stagemark/format/github.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/format/junit.hpp"
#include "stagemark/format/markdown.hpp"

namespace stagemark {
namespace {

using namespace testing;

GateResult one_of_each() {
  GateResult result;
  result.baseline = "base";
  result.checks = {{"a", "total:median", GateOutcome::pass, "+1.00 % slower"},
                   {"a", "accuracy", GateOutcome::fail, "-3 points & more"},
                   {"b|c", "total:p95", GateOutcome::inconclusive, "too few\ntimes"}};
  result.outcome = GateOutcome::fail;
  result.warnings = {"measure more images"};
  result.changes = {"libtorch: 1.13, now 2.6"};
  return result;
}

template <class Write>
std::string text_by(const Write& write) {
  std::ostringstream out;
  write(out);
  return out.str();
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(GateOnTheConsole, CountsTheOutcomes) {
  const std::string text = text_by([](std::ostream& out) { print_gate(out, one_of_each()); });
  EXPECT_TRUE(text.starts_with("Judged against base\n")) << text;
  EXPECT_TRUE(holds(text, "FAIL: 1 passed, 1 failed, 1 inconclusive")) << text;
  EXPECT_TRUE(holds(text, "changed: libtorch: 1.13, now 2.6")) << text;
  EXPECT_TRUE(holds(text, "warning: measure more images")) << text;
}

TEST(GateInJUnit, FailsOrSkipsWhatIsInconclusive) {
  const auto junit = [](bool inconclusive_fails) {
    return text_by([=](std::ostream& out) { write_junit(out, one_of_each(), inconclusive_fails); });
  };
  EXPECT_TRUE(holds(junit(false), R"(tests="3" failures="1" errors="0" skipped="1")")) << junit(false);
  EXPECT_TRUE(holds(junit(false), R"(<skipped message="too few times"/>)")) << junit(false);
  EXPECT_TRUE(holds(junit(true), R"(tests="3" failures="2" errors="0" skipped="0")")) << junit(true);
  EXPECT_TRUE(holds(junit(true), R"(<failure type="fail" message="-3 points &amp; more"/>)")) << junit(true);
}

TEST(GateInMarkdown, IsATable) {
  const std::string text = text_by([](std::ostream& out) { write_markdown(out, one_of_each()); });
  EXPECT_TRUE(text.starts_with("### stagemark: fail\n")) << text;
  EXPECT_TRUE(holds(text, "| FAIL | a | accuracy | -3 points &amp; more |")) << text;
  EXPECT_TRUE(holds(text, "| INCONCLUSIVE | b\\|c |")) << text;
}

TEST(GateInAnnotations, NamesWhatDidNotPass) {
  EXPECT_EQ(text_by([](std::ostream& out) { write_github_annotations(out, one_of_each()); }),
            "::error title=stagemark::a accuracy: -3 points & more\n"
            "::warning title=stagemark::b|c total:p95: too few%0Atimes\n");
}

TEST(GithubBenchmark, HasTheMedianOfEachStageAndTheWrongDecisions) {
  const Report report = report_of({{"base", {.factor = 1, .wrong = {1, 2, 3}, .fails_on = {}}}});
  const auto entries = nlohmann::json::parse(text_by([&](std::ostream& out) { write_github_benchmark(out, report); }));
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[1].at("name"), "base total median");
  EXPECT_EQ(entries[1].at("value"), report.results[0].stages.at(Stage::total).median);
  EXPECT_EQ(entries[1].at("unit"), "ms");
  EXPECT_EQ(entries[2].at("name"), "base wrong decisions");
  EXPECT_NEAR(entries[2].at("value").get<double>(), 2, 1e-9);
}

TEST(ReadReport, TakesTheFileOrItsDirectory) {
  const TemporaryDirectory directory;
  const Report report = report_of({{"base", {}}});
  directory.write("report.json", text_by([&](std::ostream& out) { write_json(out, report); }));
  EXPECT_EQ(read_report(directory.path()), report);
  EXPECT_EQ(read_report(directory.path() / "report.json"), report);
  EXPECT_THROW((void)read_report(directory.path() / "none"), InputError);
}

}  // namespace
}  // namespace stagemark
