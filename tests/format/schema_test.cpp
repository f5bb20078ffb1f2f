#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "format/load_fixture.hpp"
#include "judgement/made_suite.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/judgement/make_report.hpp"

namespace stagemark {
namespace {

using namespace testing;
using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

Json schema() {
  std::stringstream text;
  write_json_schema(text);
  return Json::parse(text);
}

Json as_json(const Report& report) {
  std::stringstream text;
  write_json(text, report);
  return Json::parse(text);
}

/// With every kind of field.
Json report_as_json() {
  Report report = full_report();
  report.load = made_search();
  return as_json(report);
}

bool jsonschema_is_installed() {
  static const bool found = std::system("/usr/bin/python3 -c 'import jsonschema' >/dev/null 2>&1") == 0;
  return found;
}

/// Asks python3-jsonschema about each report; true where it is valid. The schema itself is checked too.
std::vector<bool> validity_of(const std::vector<Json>& reports) {
  const TemporaryDirectory directory;
  directory.write("schema.json", schema().dump());
  directory.write("reports.json", Json(reports).dump());
  directory.write("validate.py", R"(
import json, sys, jsonschema
folder = sys.argv[1]
schema = json.load(open(folder + "/schema.json"))
kind = jsonschema.validators.validator_for(schema, default=None)
kind.check_schema(schema)
assert schema["$schema"] == kind.META_SCHEMA["$schema"]
validator = kind(schema)
for report in json.load(open(folder + "/reports.json")):
    print(int(validator.is_valid(report)))
)");
  const std::string folder = directory.path().string();
  const std::string answers = folder + "/answers";
  const std::string command = "/usr/bin/python3 " + folder + "/validate.py " + folder + " > " + answers;
  if (std::system(command.c_str()) != 0) return {};
  std::istringstream in(TemporaryDirectory::read(answers));
  std::vector<bool> valid;
  for (int answer = 0; in >> answer;) valid.push_back(answer == 1);
  return valid;
}

class ReportSchema : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!jsonschema_is_installed()) GTEST_SKIP() << "python3-jsonschema is not installed";
  }
};

TEST_F(ReportSchema, AcceptsWhatIsWritten) {
  const Json empty = as_json(make_report(made_suite(made_dataset({})), {}));
  Json newer = report_as_json();
  newer["schema_version"] = "1.9";
  newer["energy"] = 1;
  newer["results"][0]["energy"] = 1;
  EXPECT_EQ(
      validity_of({report_as_json(), empty, newer, as_json(report_of_search()), as_json(report_of_closed_loop())}),
      (std::vector<bool>{true, true, true, true, true}));
}

TEST_F(ReportSchema, RejectsWrongTypes) {
  const std::vector<std::pair<std::string, Json>> mutations = {
      {"/schema_version", "2.0"},
      {"/schema_version", 1},
      {"/tool", Json::array()},
      {"/total_benchmarks", "2"},
      {"/total_benchmarks", -2},
      {"/results/0/stages/total/mean", nullptr},
      {"/results/0/stages/total/mean", "3"},
      {"/results/0/stages/total/ci95_median", Json::array({1})},
      {"/results/0/precision", "fp8"},
      {"/results/0/device", "gpu"},
      {"/results/0/asynchronous", "no"},
      {"/results/0/per_image/path/0", nullptr},
      {"/results/0/per_image/probability/0", "x"},
      {"/results/0/per_image/stages_ns/total/0", 1.5},
      {"/results/0/accuracy_metrics/confusion_matrix", Json::object()},
      {"/comparisons/0/speed_verdict", "quick"},
      {"/environment/libraries/libtorch", 2},
      {"/environment/cpu/load_average", Json::array({1, 2, 3, 4})},
      {"/load/scenario", "burst"},
      {"/load/settings/instances", -1},
      {"/load/results/0/points/0/verdict", "fine"},
      {"/load/results/0/points/0/latency", 5},
      {"/load/results/0/points/0/batch_sizes/1", "many"},
      {"/load/comparisons/0/verdict", "faster"},
  };
  std::vector<Json> reports;
  for (const auto& [pointer, value] : mutations) {
    reports.push_back(report_as_json());
    reports.back()[Pointer(pointer)] = value;
  }
  const std::vector<bool> valid = validity_of(reports);
  ASSERT_EQ(valid.size(), mutations.size());
  for (std::size_t i = 0; i < valid.size(); ++i) {
    EXPECT_FALSE(valid[i]) << mutations[i].first << " = " << mutations[i].second;
  }
}

TEST_F(ReportSchema, RejectsANullWithoutAReason) {
  Json without = report_as_json();
  without["results"][0]["stages"]["total"].erase("p99_upper_reason");
  Json empty = report_as_json();
  empty["results"][0]["stages"]["total"]["p99_upper_reason"] = "";
  EXPECT_EQ(validity_of({without, empty}), (std::vector<bool>{false, false}));
}

/// Calls `visit` with the pointer of each member of an object that is not a reason, and not one of the
/// members that differ from report to report.
void visit_members(const Json& value, const Pointer& place, const std::function<void(const Pointer&)>& visit) {
  for (const auto& [key, child] : value.items()) {
    const Pointer here = value.is_array() ? place / std::stoul(key) : place / key;
    const std::string parent = place.empty() ? "" : place.back();
    const bool free_names = parent == "stages" || parent == "stages_ns" || parent == "libraries" ||
                            parent == "threads" || parent == "class_counts" || parent == "execution" ||
                            parent == "variables" || parent == "batch_sizes" ||
                            place.to_string().starts_with("/environment/configuration");
    const bool omissible = key.ends_with("_reason") || key == "error" || key == "scope" || key == "repeats" ||
                           key == "load" || key == "capacity";
    if (value.is_object() && !free_names && !omissible) visit(here);
    if (child.is_object() || (child.is_array() && !child.empty() && child[0].is_object())) {
      visit_members(child, here, visit);
    }
  }
}

TEST_F(ReportSchema, RejectsAReportThatLacksAnyOneField) {
  std::vector<Json> reports;
  std::vector<std::string> removed;
  const Json whole = report_as_json();
  visit_members(whole, Pointer(), [&](const Pointer& member) {
    const std::string name = member.to_string();
    // The same fields as of the first.
    if (name.starts_with("/results/1") || name.starts_with("/load/results/1")) return;
    Json report = whole;
    report[member.parent_pointer()].erase(member.back());
    reports.push_back(std::move(report));
    removed.push_back(member.to_string());
  });
  EXPECT_GT(removed.size(), 150U);
  const std::vector<bool> valid = validity_of(reports);
  ASSERT_EQ(valid.size(), removed.size());
  for (std::size_t i = 0; i < valid.size(); ++i) EXPECT_FALSE(valid[i]) << removed[i];
}

/// Calls `visit` with each property of each object that the schema describes.
void visit_properties(const Json& node, const std::string& place,
                      const std::function<void(const std::string&, const Json&)>& visit) {
  if (!node.is_structured()) return;
  const bool describes_an_object =
      node.is_object() && node.contains("properties") && node.contains("required") && node.contains("type");
  for (const auto& [key, child] : node.items()) {
    if (!describes_an_object || key != "properties") {
      visit_properties(child, place, visit);
      continue;
    }
    for (const auto& [name, property] : child.items()) {
      const std::string here = std::string(place).append("/").append(name);
      visit(here, property);
      visit_properties(property, here, visit);
    }
  }
}

TEST(ReportSchemaText, DocumentsEveryField) {
  std::size_t count = 0;
  visit_properties(schema(), "", [&](const std::string& place, const Json& property) {
    ++count;
    EXPECT_TRUE(property.contains("description") && !property.at("description").get<std::string>().empty()) << place;
  });
  EXPECT_GT(count, 250U);
}

TEST(ReportSchemaText, GivesTheUnit) {
  const Json schema_as_json = schema();
  const Pointer mean("/properties/results/items/properties/stages/additionalProperties/properties/mean/description");
  EXPECT_EQ(schema_as_json.at(mean), "Arithmetic mean [ms]");
}

}  // namespace
}  // namespace stagemark
