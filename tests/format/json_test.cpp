#include "stagemark/format/json.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <streambuf>

#include "format/json_text_of.hpp"
#include "judgement/made_suite.hpp"

namespace stagemark {
namespace {

using namespace testing;
using namespace std::string_literals;
using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

TEST(ReportJson, ReadsBackWhatItWrote) {
  const Report report = full_report();
  EXPECT_EQ(read(written(report)), report);
}

TEST(ReportJson, WritesTheSameBytesAgain) {
  const std::string once = written(full_report());
  EXPECT_EQ(written(read(once)), once);
}

TEST(ReportJson, ReadsBackAnEmptyReport) { EXPECT_EQ(read(written(Report())), Report()); }

TEST(ReportJson, KeepsTheNamesThatScriptsRelyOn) {
  const Json json = Json::parse(written(full_report()));
  for (const char* pointer : {"/schema_version",
                              "/tool/git",
                              "/timestamp",
                              "/time_unit",
                              "/percentile_method",
                              "/stddev_ddof",
                              "/environment/fingerprint",
                              "/environment/cpu",
                              "/environment/memory",
                              "/environment/gpu",
                              "/environment/os",
                              "/environment/libraries",
                              "/environment/threads",
                              "/environment/warnings",
                              "/config/argv",
                              "/config/seed",
                              "/config/warmup",
                              "/config/rounds",
                              "/config/threshold",
                              "/config/threshold_rule",
                              "/config/isolation",
                              "/dataset/path",
                              "/dataset/images",
                              "/dataset/classes",
                              "/dataset/positive",
                              "/dataset/class_counts/NORMAL",
                              "/dataset/sha256",
                              "/dataset/skipped/0/path",
                              "/dataset/skipped/0/reason",
                              "/dataset/synthetic",
                              "/dataset/warnings/0",
                              "/total_benchmarks",
                              "/approaches_tested/0",
                              "/results/0/approach",
                              "/results/0/engine",
                              "/results/0/precision",
                              "/results/0/device",
                              "/results/0/model/path",
                              "/results/0/model/format",
                              "/results/0/model/sha256",
                              "/results/0/model/parameters",
                              "/results/0/samples",
                              "/results/0/failures/0/path",
                              "/results/0/timestamp",
                              "/results/0/total_time_ms",
                              "/results/0/accuracy",
                              "/results/0/throughput_images_per_second",
                              "/results/0/stages/preprocessing/count",
                              "/results/0/stages/total/mean",
                              "/results/0/stages/total/median",
                              "/results/0/stages/total/p50",
                              "/results/0/stages/total/p90",
                              "/results/0/stages/total/p95",
                              "/results/0/stages/total/p99",
                              "/results/0/stages/total/min",
                              "/results/0/stages/total/max",
                              "/results/0/stages/total/stddev",
                              "/results/0/stages/total/share",
                              "/results/0/stages/total/ci95_median",
                              "/results/0/stages/total/effective_count",
                              "/results/0/stages/total/p99_upper",
                              "/results/0/unattributed_mean",
                              "/results/0/accuracy_metrics/precision",
                              "/results/0/accuracy_metrics/recall",
                              "/results/0/accuracy_metrics/sensitivity",
                              "/results/0/accuracy_metrics/specificity",
                              "/results/0/accuracy_metrics/f1",
                              "/results/0/accuracy_metrics/auroc",
                              "/results/0/accuracy_metrics/balanced_accuracy",
                              "/results/0/accuracy_metrics/mcc",
                              "/results/0/accuracy_metrics/average_precision",
                              "/results/0/accuracy_metrics/brier",
                              "/results/0/accuracy_metrics/ece",
                              "/results/0/accuracy_metrics/confusion_matrix/tn",
                              "/results/0/accuracy_metrics/ci95/accuracy/0",
                              "/results/0/accuracy_metrics/ci95/auroc",
                              "/results/0/memory/peak_rss_bytes",
                              "/results/0/memory/device_peak_bytes",
                              "/results/0/rounds/0/index",
                              "/results/0/rounds/0/process",
                              "/results/0/rounds/0/position",
                              "/results/0/rounds/0/count",
                              "/results/0/rounds/0/total_median",
                              "/results/0/per_image/path/0",
                              "/results/0/per_image/label/0",
                              "/results/0/per_image/probability/0",
                              "/results/0/per_image/logit/0",
                              "/results/0/per_image/predicted/0",
                              "/results/0/per_image/round/0",
                              "/results/0/per_image/process/0",
                              "/results/0/per_image/pass/0",
                              "/results/0/per_image/input_hash/0",
                              "/results/0/per_image/stages_ns/total/0",
                              "/comparisons/0/baseline",
                              "/comparisons/0/candidate",
                              "/comparisons/0/speedup/ratio",
                              "/comparisons/0/speedup/ci95/0",
                              "/comparisons/0/speedup/p_value",
                              "/comparisons/0/speedup/p_adjusted",
                              "/comparisons/0/speedup/scope",
                              "/comparisons/0/stages/inference/ratio",
                              "/comparisons/0/accuracy_delta_points",
                              "/comparisons/0/accuracy_delta_ci95",
                              "/comparisons/0/auroc_delta",
                              "/comparisons/0/auroc_delta_p_value",
                              "/comparisons/0/label_flips/harmful",
                              "/comparisons/0/label_flips/helpful",
                              "/comparisons/0/label_flips/files",
                              "/comparisons/0/mcnemar_p_value",
                              "/comparisons/0/max_probability_difference",
                              "/comparisons/0/max_input_difference",
                              "/comparisons/0/speed_verdict",
                              "/comparisons/0/accuracy_verdict",
                              "/comparisons/0/accuracy_population_verdict",
                              "/comparisons/0/reasons"}) {
    EXPECT_TRUE(json.contains(Pointer(pointer))) << pointer;
  }
}

/// Calls `visit` with each null that is the member of an object, and that object.
void visit_nulls(const Json& value, const std::function<void(const std::string&, const Json&)>& visit) {
  for (const auto& [key, child] : value.items()) {
    if (child.is_null() && value.is_object()) visit(key, value);
    if (child.is_structured()) visit_nulls(child, visit);
  }
}

TEST(ReportJson, GivesAReasonForEveryNullOfAnObject) {
  std::size_t count = 0;
  visit_nulls(Json::parse(written(full_report())), [&](const std::string& key, const Json& object) {
    ++count;
    EXPECT_TRUE(object.contains(key + "_reason") && !object.at(key + "_reason").get<std::string>().empty()) << key;
  });
  EXPECT_GT(count, 50U);
}

TEST(ReportJson, KnowsTheReasonForEveryNullOfAResult) {
  visit_nulls(Json::parse(written(full_report()))["results"], [](const std::string& key, const Json& object) {
    EXPECT_NE(object.value(key + "_reason", ""), "unknown") << key;
  });
}

TEST(ReportJson, NeverWritesNanOrInfinity) {
  Report report = full_report();
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ApproachReport& result = report.results[0];
  result.accuracy = nan;
  result.unattributed_mean = -infinity;
  result.accuracy_metrics.ci95.auroc = Interval{0.5, nan};
  result.per_image.probability.clear();
  for (std::size_t i = 0; i < result.per_image.path.size(); ++i) result.per_image.probability.push_back(nan);
  const std::string text = written(report);
  const Json json = Json::parse(text);  // which knows neither
  EXPECT_TRUE(json["results"][0]["accuracy"].is_null());
  EXPECT_EQ(json["results"][0]["accuracy_reason"], "not a finite number");
  EXPECT_TRUE(json["results"][0]["accuracy_metrics"]["ci95"]["auroc"].is_null());
  EXPECT_TRUE(json["results"][0]["per_image"]["probability"][0].is_null());
  EXPECT_EQ(written(read(text)), text);
}

TEST(ReportJson, WritesNumbersThatReadBackTheSame) {
  Report report = full_report();
  const std::vector<double> numbers = {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e22, 123456789.125, 100000};
  PerImage images;
  for (const double number : numbers) {
    images.path.emplace_back("x");
    images.probability.push_back(1 / (2 + std::abs(number)));
    images.logit.push_back(-number);
    images.input_hash.push_back("0123456789abcdef");
    for (auto* column :
         {&images.label, &images.predicted, &images.round, &images.process, &images.pass, &images.call}) {
      column->push_back(std::numeric_limits<std::uint32_t>::max());
    }
    images.stages_ns[Stage::total].push_back(std::numeric_limits<std::int64_t>::max());
    images.stages_ns[Stage::upload].push_back(std::numeric_limits<std::int64_t>::min());
  }
  report.config.seed = std::numeric_limits<std::uint64_t>::max();
  report.results[0].per_image = images;
  const Report again = read(written(report));
  EXPECT_EQ(again, report);
  EXPECT_TRUE(std::signbit(*again.results[0].per_image.logit[0]));
}

TEST(ReportJson, TakesAnEmptyReasonForNone) {
  Report report = full_report();
  report.results[0].accuracy = OrReason<double>::absent("");
  const Report once = read(written(report));
  EXPECT_EQ(once.results[0].accuracy.reason, "unknown");
  EXPECT_EQ(read(written(once)), once);
}

TEST(ReportJson, KeepsAnyTextThatIsUtf8) {
  Report report = full_report();
  report.dataset.path =
      "quote \" backslash \\ tab \t newline \n zero \0 delete \x7f euro \xE2\x82\xAC lungs \xF0\x9F\xAB\x81"s;
  report.environment.libraries = {{"strange \"name\"/~", "1"}};
  const std::string text = written(report);
  EXPECT_TRUE(Json::accept(text));
  EXPECT_EQ(read(text), report);
}

TEST(ReportJson, ReplacesBytesThatAreNotUtf8) {
  constexpr std::array<std::pair<const char*, const char*>, 8> cases = {{
      {"a\xFFz", "a\xEF\xBF\xBDz"},
      {"a\xC0\x80z", "a\xEF\xBF\xBD\xEF\xBF\xBDz"},                              // overlong zero
      {"a\xE2\x82z", "a\xEF\xBF\xBDz"},                                          // cut short: one for the maximal part
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                  // a surrogate
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // above U+10FFFF
      {"\xF0\x9F\xAB", "\xEF\xBF\xBD"},                                          // cut short by the end
      {"\x80", "\xEF\xBF\xBD"},
      {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},  // U+10FFFF itself
  }};
  for (const auto& [bytes, expected] : cases) {
    Report report = full_report();
    report.dataset.skipped = {{bytes, "unreadable"}};
    const std::string text = written(report);
    EXPECT_EQ(read(text).dataset.skipped[0].path, expected);
    EXPECT_EQ(written(read(text)), text);
  }
}

TEST(ReportJson, WritesLongArraysOnOneLine) {
  std::istringstream in(written(full_report()));
  bool found = false;
  for (std::string line; std::getline(in, line);) {
    found = found || line.find("\"probability\": [0.1, 0.9") != std::string::npos;
    EXPECT_EQ(line.find('\t'), std::string::npos);
  }
  EXPECT_TRUE(found);
}

TEST(ReportJson, ReadsReportsOfANewerMinor) {
  Json json = Json::parse(written(full_report()));
  json["schema_version"] = "1.7";
  json["energy"] = {{"joules", {1, {{"deep", {nullptr, "x", 1.5, true}}}}}};
  json["results"][0]["stages"]["teleportation"] = {{"count", "many"}};
  json["results"][0]["smell"] = "burnt";
  json["results"][0]["rounds"][0]["list"] = Json::array({Json::array({Json::array()})});
  Report expected = full_report();
  expected.schema_version = "1.7";
  EXPECT_EQ(read(json.dump()), expected);
}

TEST(ReportJson, ReadsReportsFromBeforeTheDiagnosis) {
  Json old = Json::parse(written(full_report()));
  Json& environment = old["environment"];
  for (const char* name : {"build", "compute_libraries", "variables", "configuration", "findings"}) {
    EXPECT_EQ(environment.erase(name), 1U) << name;
  }
  for (const char* name : {"load_average_after", "affinity_cpus", "usable_cores", "quota", "numa_nodes",
                           "usable_numa_nodes", "frequency"}) {
    EXPECT_EQ(environment["cpu"].erase(name), 1U) << name;
  }
  for (const char* name :
       {"memory_used_bytes", "clocks", "throttle_reasons", "persistence", "ecc", "mig", "other_processes"}) {
    EXPECT_EQ(environment["gpu"][0].erase(name), 1U) << name;
  }
  environment["memory"].erase("transparent_huge_pages");
  environment["os"].erase("address_randomisation");
  const Report report = read(old.dump());
  EXPECT_EQ(report.environment.findings.reason, "not in this report");
  EXPECT_EQ(report.environment.cpu.load_average, full_report().environment.cpu.load_average);
}

TEST(ReportJson, WritesAnEnvironmentAloneAsItStandsInAReport) {
  const Report report = full_report();
  std::stringstream alone;
  write_json(alone, report.environment);
  EXPECT_EQ(Json::parse(alone), Json::parse(written(report))["environment"]);
}

TEST(ReportJson, TakesTheReasonBeforeOrAfterTheNull) {
  Json json = Json::parse(written(full_report()));
  Json& total = json["results"][0]["stages"]["total"];
  total.erase("p99_upper");  // now the reason comes first
  total["p99_upper"] = nullptr;
  EXPECT_EQ(read(json.dump()), full_report());
  total.erase("p99_upper");
  total.erase("p99_upper_reason");
  EXPECT_EQ(read(json.dump()).results[0].stages.at(Stage::total).p99_upper.reason, "not in this report");
}

/// Counts and forgets.
class CountingBuffer final : public std::streambuf {
 public:
  [[nodiscard]] std::size_t count() const { return count_; }

 protected:
  int_type overflow(int_type character) override {
    ++count_;
    return traits_type::not_eof(character);
  }
  std::streamsize xsputn(const char* /*bytes*/, std::streamsize size) override {
    count_ += static_cast<std::size_t>(size);
    return size;
  }

 private:
  std::size_t count_ = 0;
};

std::size_t peak_memory_kibibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss);
}

TEST(ReportJson, WritesAMillionImagesWithoutASecondCopyInMemory) {
  constexpr std::size_t count = 1'000'000;
  Report report = full_report();
  PerImage images;
  images.path.assign(count, "NORMAL/1.png");
  images.probability.reserve(count);
  images.stages_ns[Stage::total].reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    images.probability.push_back(1.0 / static_cast<double>(i + 1));
    images.stages_ns[Stage::total].push_back(static_cast<std::int64_t>(i));
  }
  report.results[0].per_image = std::move(images);
  const std::size_t before = peak_memory_kibibytes();
  CountingBuffer buffer;
  std::ostream out(&buffer);
  write_json(out, report);
  EXPECT_GT(buffer.count(), count * 30);
  // A tree of two million values would take more than 32 MiB; a buffer takes none to speak of.
  EXPECT_LT(peak_memory_kibibytes() - before, 8U * 1024U);
}

TEST(ReportJson, LeavesAFailedStreamFailed) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  write_json(out, full_report());
  EXPECT_TRUE(out.bad());
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace stagemark
