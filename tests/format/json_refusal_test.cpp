#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "format/json_text_of.hpp"
#include "judgement/made_suite.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {
namespace {

using namespace testing;
using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

/// What reading complains of; empty if it does not.
std::string complaint_about(const std::string& text) {
  try {
    read(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// The full report with one value replaced.
std::string with(const std::string& pointer, const Json& value) {
  Json json = Json::parse(written(full_report()));
  json[Pointer(pointer)] = value;
  return json.dump();
}

TEST(ReportJson, NamesThePlaceOfAWrongType) {
  EXPECT_NE(complaint_about(with("/results/0/stages/total/mean", "fast"))
                .find("report.json at /results/0/stages/total/mean: expected a number, found a string"),
            std::string::npos)
      << complaint_about(with("/results/0/stages/total/mean", "fast"));
  const std::vector<std::pair<std::string, Json>> cases = {
      {"/tool", 1},
      {"/results", Json::object()},
      {"/results/1/samples", -1},
      {"/results/1/samples", 1.5},
      {"/results/1/samples", nullptr},
      {"/results/0/precision", "fp8"},
      {"/results/0/device", "tpu"},
      {"/results/0/device", 3},
      {"/results/0/asynchronous", 0},
      {"/results/0/stages/total/ci95_median", Json::array({1})},
      {"/results/0/stages/total/ci95_median", 7},
      {"/results/0/accuracy_reason", 7},
      {"/results/0/per_image/path", "x"},
      {"/results/0/per_image/stages_ns/total", Json::object()},
      {"/results/0/rounds/0/index", "one"},
      {"/config/isolation", "chroot"},
      {"/dataset/classes/1", nullptr},
      {"/environment/libraries/libtorch", 2.6},
      {"/comparisons/0/speed_verdict", "dunno"},
      {"/environment/cpu/load_average", Json::array({1, 2})},
  };
  for (const auto& [pointer, value] : cases) {
    const std::string complaint = complaint_about(with(pointer, value));
    EXPECT_NE(complaint.find("report.json at " + pointer + ": "), std::string::npos)
        << pointer << " = " << value << ": " << complaint;
  }
}

TEST(ReportJson, NamesThePlaceInsideALongArray) {
  const std::string complaint = complaint_about(with("/results/0/per_image/probability/5", "x"));
  EXPECT_NE(complaint.find("at /results/0/per_image/probability/5: "), std::string::npos) << complaint;
  const std::string large = complaint_about(with("/results/0/per_image/round/2", 4294967296));
  EXPECT_NE(large.find("at /results/0/per_image/round/2: the number is above 4294967295"), std::string::npos) << large;
}

TEST(ReportJson, RefusesAnIntervalOfThreeNumbers) {
  const std::string complaint = complaint_about(with("/results/0/stages/total/ci95_median", Json::array({1, 2, 3})));
  EXPECT_NE(complaint.find("at /results/0/stages/total/ci95_median/2: expected 2 numbers"), std::string::npos)
      << complaint;
}

TEST(ReportJson, EscapesThePlaceAsPointersAsk) {
  const std::string complaint = complaint_about(with("/environment/threads", {{"a/b~c", "two"}}));
  EXPECT_NE(complaint.find("at /environment/threads/a~1b~0c: "), std::string::npos) << complaint;
}

TEST(ReportJson, RefusesColumnsOfUnequalLength) {
  Json json = Json::parse(written(full_report()));
  json["results"][0]["per_image"]["stages_ns"]["total"].push_back(1);
  const std::string complaint = complaint_about(json.dump());
  EXPECT_NE(complaint.find("at /results/0/per_image/stages_ns/total: "), std::string::npos) << complaint;
}

TEST(ReportJson, RefusesProbabilitiesThatAreNone) {
  for (const double value : {-0.001, 1.001, 1e300}) {
    const std::string complaint = complaint_about(with("/results/0/per_image/probability/1", value));
    EXPECT_NE(complaint.find("at /results/0/per_image/probability/1: "), std::string::npos) << complaint;
  }
}

TEST(ReportJson, RefusesANameThatStandsTwice) {
  std::string text = written(full_report());
  const std::string once = R"("time_unit")";
  text.insert(text.find(once), R"("time_unit": "ms", )");
  EXPECT_NE(complaint_about(text).find("at /time_unit: the name stands twice"), std::string::npos)
      << complaint_about(text);
  text = written(full_report());
  text.insert(text.find(R"("total": {)"), R"("total": {}, )");
  EXPECT_NE(complaint_about(text), "");
}

TEST(ReportJson, NamesAFieldThatIsMissing) {
  Json json = Json::parse(written(full_report()));
  json["results"][0]["stages"]["total"].erase("count");
  const std::string complaint = complaint_about(json.dump());
  EXPECT_NE(complaint.find("at /results/0/stages/total: \"count\" is missing"), std::string::npos) << complaint;
  EXPECT_NE(complaint_about("{}").find("\"schema_version\" is missing"), std::string::npos);
}

TEST(ReportJson, RefusesANewerMajor) {
  const std::string complaint = complaint_about(with("/schema_version", "2.0"));
  EXPECT_NE(complaint.find("report.json at /schema_version: "), std::string::npos) << complaint;
  EXPECT_NE(complaint.find("2.0 is newer than 1.2"), std::string::npos) << complaint;
  for (const char* bad : {"", "1", "one.two", ".", "-1.0", "99999999999999999999999.0"}) {
    EXPECT_NE(complaint_about(with("/schema_version", bad)), "") << bad;
  }
}

TEST(ReportJson, RefusesAReportCutShortAnywhere) {
  const std::string whole = written(full_report());
  for (std::size_t length = 0; length < whole.size() - 2; length += 13) {
    EXPECT_NE(complaint_about(whole.substr(0, length)).find("cut short at byte"), std::string::npos) << length;
  }
  const std::string complaint = complaint_about(whole.substr(0, whole.find("\"per_image\"") + 20));
  EXPECT_NE(complaint.find("at /results/0/per_image"), std::string::npos) << complaint;
}

TEST(ReportJson, RefusesWhatIsNotJson) {
  EXPECT_NE(complaint_about("<html>").find("not JSON at byte 1"), std::string::npos) << complaint_about("<html>");
  EXPECT_NE(complaint_about(written(full_report()) + "}"), "");
  EXPECT_NE(complaint_about("[]").find("expected an object, found an array"), std::string::npos);
  EXPECT_NE(complaint_about("null"), "");
  EXPECT_NE(complaint_about("{\"total_benchmarks\": 1e999}").find("at /total_benchmarks"), std::string::npos);
  EXPECT_NE(complaint_about("{\"schema_version\": \"1.0\", \"timestamp\": \"\xFF\"}"), "");
  EXPECT_NE(complaint_about("{\"results\": NaN}"), "");
}

TEST(ReportJson, DoesNotRunOutOfStackOnDeepNesting) {
  const std::string deep(1'000'000, '[');
  EXPECT_NE(complaint_about("{\"unknown\": " + deep), "");
}

}  // namespace
}  // namespace stagemark
