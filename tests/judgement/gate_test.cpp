// The gate on made reports: what passes, what fails, what cannot be told, and what is never a pass.
#include "stagemark/judgement/gate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "judgement/made_rounds.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/judgement/make_report.hpp"

namespace stagemark {
namespace {

using namespace testing;

Made wrong_on(std::vector<std::size_t> images) {
  Made how;
  how.wrong = std::move(images);
  return how;
}

GateOutcome of(const GateResult& result, const std::string& metric) {
  for (const GateCheck& check : result.checks) {
    if (check.metric == metric) return check.outcome;
  }
  ADD_FAILURE() << "no check of " << metric;
  return GateOutcome::inconclusive;
}

template <class Error, class Call>
std::string refusal(Call&& call) {
  try {
    (void)call();
  } catch (const Error& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Gate, PassesWhatIsWithinTheMarginAndFailsWhatIsBeyondIt) {
  EXPECT_EQ(gate(report_of({{"base", {}}, {"equal", {}}})).outcome, GateOutcome::pass);
  EXPECT_EQ(gate(report_of({{"base", {}}, {"faster", slower(0.5)}})).outcome, GateOutcome::pass);
  EXPECT_EQ(gate(report_of({{"base", {}}, {"little", slower(1.02)}})).outcome, GateOutcome::pass);
  const GateResult failed = gate(report_of({{"base", {}}, {"slow", slower(1.08)}}));
  EXPECT_EQ(failed.outcome, GateOutcome::fail);
  EXPECT_EQ(of(failed, "total:median"), GateOutcome::fail);
  EXPECT_EQ(of(failed, "accuracy"), GateOutcome::pass);
  EXPECT_NE(failed.checks[0].finding.find("slower"), std::string::npos) << failed.checks[0].finding;
  EXPECT_EQ(failed.baseline, "base");
}

TEST(Gate, CannotTellOnTooFewRoundsAndSaysHowManyItNeeds) {
  Made few = slower(1.3);
  few.rounds = 4;
  const GateResult result =
      gate(report_of({{"base", {.factor = 1, .wrong = {}, .fails_on = {}, .rounds = 4}}, {"slow", few}}));
  EXPECT_EQ(of(result, "total:median"), GateOutcome::inconclusive);
  EXPECT_EQ(result.outcome, GateOutcome::inconclusive);
}

TEST(Gate, JudgesAccuracyOnTheseImagesToTheImage) {
  GateCriteria criteria;
  criteria.max_accuracy_drop = 2.0 / 150;
  EXPECT_EQ(of(gate(report_of({{"base", {}}, {"two", wrong_on({1, 2})}}), criteria), "accuracy"), GateOutcome::pass);
  EXPECT_EQ(of(gate(report_of({{"base", {}}, {"three", wrong_on({1, 2, 3})}}), criteria), "accuracy"),
            GateOutcome::fail);
}

TEST(Gate, CannotTellOfAccuracyWhereDecisionsDifferBetweenRepeats) {
  Report report = report_of({{"base", {}}, {"drops_at_random", {}}});
  report.results[1].repeats = RepeatsReport{30, 12, 4, 3.5};
  GateCriteria criteria;
  criteria.max_flips.emplace(std::size_t{0});
  criteria.max_drops = {{Metric::sensitivity, 0.5}};
  const GateResult result = gate(report, criteria);
  for (const char* metric : {"accuracy", "flips", "sensitivity"}) {
    EXPECT_EQ(of(result, metric), GateOutcome::inconclusive) << metric;
  }
}

TEST(Gate, JudgesThePopulationWhereAskedAndThenOftenCannotTell) {
  GateCriteria criteria;
  criteria.estimand = Estimand::population;
  const GateResult result = gate(report_of({{"base", {}}, {"one", wrong_on({1})}}), criteria);
  EXPECT_EQ(of(result, "accuracy"), GateOutcome::inconclusive);
  std::vector<std::size_t> half;
  for (std::size_t i = 0; i < 75; ++i) half.push_back(2 * i);
  EXPECT_EQ(of(gate(report_of({{"base", {}}, {"bad", wrong_on(half)}}), criteria), "accuracy"), GateOutcome::fail);
}

// At the gate's own level, which Holm shares out to two checks, not at that of the comparison.
TEST(Gate, SaysHowManyImagesWouldLetThePopulationPass) {
  GateCriteria criteria;
  criteria.estimand = Estimand::population;
  criteria.max_accuracy_drop = 0.02;
  const GateResult result = gate(report_of({{"base", {}}, {"one", wrong_on({1})}}), criteria);
  const PairedOutcomes outcomes{.both_right = 149, .harmful = 1, .helpful = 0, .both_wrong = 0};
  const std::uint64_t needed = *images_needed(outcomes, 0.02, interleaved_gate_level / 2);
  EXPECT_GT(needed, *images_needed(outcomes, 0.02));
  EXPECT_NE(result.checks[1].finding.find("about " + std::to_string(needed) + " images"), std::string::npos)
      << result.checks[1].finding;
}

TEST(Gate, CatchesAFastApproachThatAnswersGarbage) {
  Made garbage = slower(0.01);
  for (std::size_t i = 0; i < 60; ++i) garbage.wrong.push_back(i);
  const GateResult result = gate(report_of({{"base", {}}, {"garbage", garbage}}));
  EXPECT_EQ(of(result, "total:median"), GateOutcome::pass);
  EXPECT_EQ(of(result, "accuracy"), GateOutcome::fail);
  EXPECT_EQ(result.outcome, GateOutcome::fail);
}

TEST(Gate, FailsAnApproachThatGivesNoAnswerWhereTheBaselineDoes) {
  Made fails;
  fails.fails_on = 3;
  const GateResult result = gate(report_of({{"base", {}}, {"fails", fails}}));
  EXPECT_EQ(of(result, "failures"), GateOutcome::fail);
  EXPECT_EQ(of(result, "accuracy"), GateOutcome::pass);
  EXPECT_EQ(result.outcome, GateOutcome::fail);
  EXPECT_NE(result.checks[1].finding.find("on 1 images"), std::string::npos) << result.checks[1].finding;
  // Where both fail, or the baseline alone, the candidate is not to blame.
  EXPECT_EQ(gate(report_of({{"base", fails}, {"fails", fails}})).outcome, GateOutcome::pass);
  EXPECT_EQ(gate(report_of({{"base", fails}, {"answers", {}}})).outcome, GateOutcome::pass);
}

TEST(Gate, CountsFlipsWhetherHarmfulOrNot) {
  GateCriteria criteria;
  criteria.max_accuracy_drop.reset();
  criteria.max_flips.emplace(std::size_t{1});
  EXPECT_EQ(of(gate(report_of({{"base", wrong_on({4})}, {"other", wrong_on({5})}}), criteria), "flips"),
            GateOutcome::fail);
  criteria.max_flips.emplace(0.02);  // of 150: 3
  EXPECT_EQ(of(gate(report_of({{"base", wrong_on({4})}, {"other", wrong_on({5})}}), criteria), "flips"),
            GateOutcome::pass);
}

TEST(Gate, JudgesEachFigureThatWasAskedFor) {
  GateCriteria criteria;
  criteria.latencies = {parse_gated_latency("total"), parse_gated_latency("inference:mean"),
                        parse_gated_latency("total:p95")};
  const GateResult result = gate(report_of({{"base", {}}, {"slow", slower(1.2)}}), criteria);
  EXPECT_EQ(of(result, "total:median"), GateOutcome::fail);
  EXPECT_EQ(of(result, "inference:mean"), GateOutcome::fail);
  EXPECT_EQ(of(result, "total:p95"), GateOutcome::fail);
}

TEST(Gate, RefusesAnUnknownFigureAndListsTheKnown) {
  for (const char* text : {"total:max", "speed:median", "total:", ":median", ""}) {
    EXPECT_NE(refusal<UsageError>([&] { return parse_gated_latency(text); }).find("preprocessing"), std::string::npos)
        << text;
  }
  EXPECT_EQ(to_string(parse_gated_latency("classification:p99")), "classification:p99");
}

TEST(Gate, CannotTellOfTimesThatAreZero) {
  Report report = report_of({{"base", {}}, {"other", {}}});
  Column<std::int64_t>& times = report.results[1].per_image.stages_ns.at(Stage::total);
  const std::size_t rows = times.size();
  times.clear();
  for (std::size_t row = 0; row < rows; ++row) times.push_back(0);
  GateCriteria criteria;
  criteria.latencies = {parse_gated_latency("total:median"), parse_gated_latency("total:p90")};
  const GateResult result = gate(report, criteria);
  EXPECT_EQ(result.outcome, GateOutcome::inconclusive);
  EXPECT_NE(result.checks[0].finding.find("than the clock can tell"), std::string::npos);
  EXPECT_NE(result.checks[1].finding.find("than the clock can tell"), std::string::npos);
}

TEST(Gate, NeverPassesWhatItCouldNotJudge) {
  EXPECT_NE(refusal<InputError>([] { return gate(Report{}); }).find("no result"), std::string::npos);
  EXPECT_NE(refusal<InputError>([] {
              return gate(report_of({{"alone", {}}}));
            }).find("nothing to judge"),
            std::string::npos);
  Report failed = report_of({{"base", {}}, {"broken", {}}});
  failed.results[1].error = "its worker was ended by signal 11";
  EXPECT_NE(refusal<InputError>([&] { return gate(failed); }).find("signal 11"), std::string::npos);
  Report empty = report_of({{"base", {}}, {"empty", {}}});
  empty.results[1].inferences = 0;
  EXPECT_NE(refusal<InputError>([&] { return gate(empty); }).find("no result"), std::string::npos);
  GateCriteria upload;
  upload.latencies = {parse_gated_latency("upload")};
  EXPECT_NE(refusal<InputError>([&] {
              return gate(report_of({{"a", {}}, {"b", {}}}), upload);
            }).find("'upload'"),
            std::string::npos);
  Report unlabelled = report_of({{"base", {}}, {"other", {}}});
  for (ApproachReport& result : unlabelled.results) {
    const std::size_t rows = result.per_image.label.size();
    result.per_image.label.clear();
    for (std::size_t row = 0; row < rows; ++row) result.per_image.label.push_back(std::nullopt);
  }
  EXPECT_NE(refusal<InputError>([&] { return gate(unlabelled); }).find("`max_accuracy_drop` off"), std::string::npos);
  // Not even as inconclusive, which `check --inconclusive pass` would let pass.
  Report untimed = report_of({{"base", {}}, {"other", {}}});
  untimed.results[1].per_image.stages_ns.erase(Stage::total);
  EXPECT_NE(refusal<InputError>([&] { return gate(untimed); }).find("no time of stage 'total'"), std::string::npos);
  Report unot_a_numberswered = report_of({{"base", {}}, {"other", {}}});
  PerImage& images = unot_a_numberswered.results[1].per_image;
  images.predicted.clear();
  for (std::size_t row = 0; row < images.path.size(); ++row) images.predicted.push_back(std::nullopt);
  EXPECT_NE(refusal<InputError>([&] { return gate(unot_a_numberswered); }).find("no image was classified"),
            std::string::npos);
  GateCriteria none;
  none.latencies.clear();
  none.max_accuracy_drop.reset();
  EXPECT_NE(refusal<InputError>([&] {
              return gate(report_of({{"a", {}}, {"b", {}}}), none);
            }).find("nothing to check"),
            std::string::npos);
  EXPECT_NE(refusal<InputError>([&] {
              return gate(report_of({{"a", {}}, {"b", {}}}), {}, "c");
            }).find("it has a, b"),
            std::string::npos);
}

/// A run of one approach in so many processes.
Report stored_run(double factor, std::size_t processes, const std::string& name = "net") {
  ApproachResult result = made(name, slower(factor));
  for (CallRecord& call : result.calls) call.process = call.round * processes / 30;
  SuiteResult suite = made_suite(made_dataset(alternating(30 * round_size)));
  suite.in_workers = true;
  suite.options.processes = processes;
  suite.generations = processes;
  suite.collector.add(std::move(result));
  ReportContext context;
  context.argv = {"stagemark", "run", "images", "--processes", "1"};
  context.environment.emplace().fingerprint = "this machine";
  return make_report(suite, context);
}

TEST(StoredGate, JudgesProcessRunsAgainstProcessRuns) {
  // The drift over a run is 30 %, so that only a large change stands out of ten runs and five.
  EXPECT_EQ(of(gate_against_stored(stored_run(1, 10), stored_run(2.5, 5)), "total:median"), GateOutcome::fail);
  EXPECT_EQ(of(gate_against_stored(stored_run(1, 10), stored_run(0.4, 5)), "total:median"), GateOutcome::pass);
}

TEST(StoredGate, CannotTellFromTooFewRunsAndNamesTheCommandThatMendsIt) {
  const GateResult result = gate_against_stored(stored_run(1, 1), stored_run(3, 2));
  EXPECT_EQ(of(result, "total:median"), GateOutcome::inconclusive);
  const std::string& finding = result.checks[0].finding;
  EXPECT_NE(finding.find("'stagemark run images `processes` 10'"), std::string::npos) << finding;
  EXPECT_NE(finding.find("'stagemark run images `processes` 5'"), std::string::npos) << finding;
}

TEST(StoredGate, QuotesTheCommandForAShell) {
  Report report = stored_run(1, 2);
  report.config.argv = {"stagemark", "run", "chest x-rays", "it's"};
  const GateResult result = gate_against_stored(stored_run(1, 10), report);
  EXPECT_NE(result.checks[0].finding.find(R"(stagemark run 'chest x-rays' 'it'\''s' `processes` 5)"), std::string::npos)
      << result.checks[0].finding;
}

TEST(StoredGate, WantsEachProcessToHaveATailBeforeItJudgesOne) {
  GateCriteria criteria;
  criteria.latencies = {parse_gated_latency("total:p95"), parse_gated_latency("total:p90")};
  const GateResult result = gate_against_stored(stored_run(1, 5), stored_run(2.5, 5), criteria);
  // 150 times in 5 processes are 30 each.
  EXPECT_EQ(of(result, "total:p95"), GateOutcome::inconclusive);
  EXPECT_NE(result.checks[0].finding.find("needs 59 times of each process, one has 30"), std::string::npos)
      << result.checks[0].finding;
  EXPECT_EQ(of(result, "total:p90"), GateOutcome::fail);
}

TEST(StoredGate, DoesNotJudgeWhatWasMeasuredInAnotherWay) {
  Report batches = stored_run(3, 5);
  batches.config.batch = 8;
  const GateResult result = gate_against_stored(stored_run(1, 10), batches);
  EXPECT_EQ(of(result, "total:median"), GateOutcome::inconclusive);
  EXPECT_NE(result.checks[0].finding.find("other batch"), std::string::npos) << result.checks[0].finding;
  EXPECT_EQ(of(result, "accuracy"), GateOutcome::pass);
}

TEST(StoredGate, RefusesRunsWithoutTimes) {
  const Report stored = report_of({{"base", {}}});
  Report report = stored;
  report.results[0].per_image.stages_ns.erase(Stage::total);
  EXPECT_NE(refusal<InputError>([&] { return gate_against_stored(stored, report); }).find("no time of stage 'total'"),
            std::string::npos);
}

TEST(StoredGate, SaysWhatChangedAndWhatItDidNotJudge) {
  Report stored = stored_run(1, 10);
  stored.environment.libraries = {{"libtorch", "1.13"}, {"opencv", "4.6"}};
  Report report = stored_run(1, 5);
  report.environment.libraries = {{"libtorch", "2.6"}, {"opencv", "4.6"}, {"onnxruntime", "1.21"}};
  report.results[0].model = ModelReport{"net.ckpt", "lightning-checkpoint", std::string(64, 'c'), 1};
  report.results.push_back(report.results[0]);
  report.results[1].approach = "another";
  const GateResult result = gate_against_stored(stored, report);
  EXPECT_EQ(result.changes, (std::vector<std::string>{"libtorch: 1.13, now 2.6", "onnxruntime: none, now 1.21",
                                                      "model of 'net': none, now cccccccccccc"}));
  ASSERT_EQ(result.warnings.size(), 1);
  EXPECT_NE(result.warnings[0].find("'another' is not in the baseline"), std::string::npos);
  EXPECT_TRUE(gate_against_stored(stored, report, {}, "net").warnings.empty());
}

TEST(StoredGate, JudgesAccuracyButNotLatencyOnAnotherMachine) {
  Report elsewhere = stored_run(3, 5);
  elsewhere.environment.fingerprint = "another machine";
  const GateResult result = gate_against_stored(stored_run(1, 10), elsewhere);
  EXPECT_EQ(of(result, "total:median"), GateOutcome::inconclusive);
  EXPECT_NE(result.checks[0].finding.find("environment_mismatch"), std::string::npos);
  EXPECT_EQ(of(result, "accuracy"), GateOutcome::pass);
}

TEST(StoredGate, RefusesOtherImagesAndAMissingApproach) {
  Report other = stored_run(1, 5);
  other.dataset.sha256 = std::string(64, 'b');
  EXPECT_NE(refusal<InputError>([&] { return gate_against_stored(stored_run(1, 10), other); }).find("other images"),
            std::string::npos);
  EXPECT_NE(refusal<InputError>([] {
              return gate_against_stored(stored_run(1, 10), stored_run(1, 5, "renamed"));
            }).find("no approach 'net'"),
            std::string::npos);
  EXPECT_NE(refusal<InputError>([] {
              return gate_against_stored(stored_run(1, 10), stored_run(1, 5), {}, "x");
            }).find("no approach 'x'"),
            std::string::npos);
}

TEST(Gate, JudgesTheDropOfOtherMetricsOnTheseVeryImages) {
  // Image 1 is a positive one of 75: sensitivity falls by 1.33 points, specificity not at all.
  const Report report = report_of({{"base", {}}, {"one", wrong_on({1})}});
  GateCriteria criteria;
  criteria.max_drops = {{Metric::sensitivity, 1.0 / 75}, {Metric::specificity, 0}};
  EXPECT_EQ(gate(report, criteria).outcome, GateOutcome::fail);  // accuracy: one of 150 is more than half a point
  criteria.max_accuracy_drop.reset();
  const GateResult within = gate(report, criteria);
  EXPECT_EQ(within.outcome, GateOutcome::pass) << within.checks[1].finding;
  criteria.max_drops[0].most = 0.013;
  const GateResult beyond = gate(report, criteria);
  EXPECT_EQ(of(beyond, "sensitivity"), GateOutcome::fail);
  EXPECT_EQ(of(beyond, "specificity"), GateOutcome::pass);
  EXPECT_NE(refusal<UsageError>([] { return parse_dropping_metric("speed"); }).find("balanced_accuracy"),
            std::string::npos);
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A gate's limits with one of them changed, and the parameter that is at fault.
struct BadLimit {
  const char* parameter;
  void (*spoil)(GateCriteria& criteria);
};

TEST(Gate, RefusesLimitsThatMeanNothingAndNamesTheParameter) {
  const std::vector<BadLimit> bad_limits = {
      {"max_slowdown", [](GateCriteria& criteria) { criteria.max_slowdown = not_a_number; }},
      {"max_slowdown", [](GateCriteria& criteria) { criteria.max_slowdown = -0.01; }},
      {"max_slowdown", [](GateCriteria& criteria) { criteria.max_slowdown = 101; }},
      {"latencies", [](GateCriteria& criteria) { criteria.latencies[0].stage = static_cast<Stage>(200); }},
      {"max_accuracy_drop", [](GateCriteria& criteria) { criteria.max_accuracy_drop = not_a_number; }},
      {"max_accuracy_drop", [](GateCriteria& criteria) { criteria.max_accuracy_drop = 1; }},
      {"max_drops",
       [](GateCriteria& criteria) {
         criteria.max_drops = {{Metric::auroc, -0.5}};
       }},
      {"max_drops",
       [](GateCriteria& criteria) {
         criteria.max_drops = {{Metric::auroc, not_a_number}};
       }},
      {"max_drops",
       [](GateCriteria& criteria) {
         criteria.max_drops = {{Metric::brier, 0.1}};
       }},
      {"max_drops",
       [](GateCriteria& criteria) {
         criteria.max_drops = {{static_cast<Metric>(99), 0.1}};
       }},
      {"max_flips", [](GateCriteria& criteria) { criteria.max_flips.emplace(2.0); }},
      {"max_flips", [](GateCriteria& criteria) { criteria.max_flips.emplace(not_a_number); }},
      {"level", [](GateCriteria& criteria) { criteria.level = not_a_number; }},
      {"level", [](GateCriteria& criteria) { criteria.level = 0; }},
  };
  const Report report = report_of({{"base", {}}, {"equal", {}}});
  for (const BadLimit& bad : bad_limits) {
    GateCriteria criteria;
    bad.spoil(criteria);
    const std::string where = "`" + std::string(bad.parameter) + "`";
    EXPECT_TRUE(refusal<UsageError>([&] { return gate(report, criteria); }).starts_with(where)) << bad.parameter;
    EXPECT_TRUE(refusal<UsageError>([&] { return gate_against_stored(report, report, criteria); }).starts_with(where))
        << bad.parameter;
  }
}

TEST(Gate, SaysWhereItsMarginLetsACandidateTakeTwiceAsLong) {
  const Report report = report_of({{"base", {}}, {"equal", {}}});
  const auto warns = [&](double margin, const std::string& text) {
    GateCriteria criteria;
    criteria.max_slowdown = margin;
    return std::ranges::any_of(gate(report, criteria).warnings,
                               [&](const std::string& warning) { return warning.find(text) != std::string::npos; });
  };
  EXPECT_TRUE(warns(5, "a candidate take 6 times as long"));
  EXPECT_FALSE(warns(1, "times as long"));
}

TEST(Gate, RefusesReportsThatCannotBeAndSaysWhatIsWrong) {
  const auto gates = [](const Report& report) { return refusal<InputError>([&] { return gate(report); }); };
  const Report good = report_of({{"base", {}}, {"equal", {}}});
  Report emptied = good;
  emptied.results[1].per_image.round.clear();
  EXPECT_NE(gates(emptied).find("round of approach 'equal'"), std::string::npos) << gates(emptied);
  Report longer = good;
  longer.results[0].per_image.stages_ns.at(Stage::total).push_back(1);
  EXPECT_NE(gates(longer).find("stages_ns/total"), std::string::npos) << gates(longer);
  Report unlikely = good;
  unlikely.results[0].per_image.probability.clear();
  for (std::size_t i = 0; i < unlikely.results[0].per_image.path.size(); ++i) {
    unlikely.results[0].per_image.probability.push_back(std::numeric_limits<double>::quiet_NaN());
  }
  EXPECT_NE(gates(unlikely).find("from 0 to 1"), std::string::npos) << gates(unlikely);
  Report unknown = good;
  unknown.dataset.classes.pop_back();
  EXPECT_NE(gates(unknown).find("class 1 of 1"), std::string::npos) << gates(unknown);
  Report wrong_positive = good;
  wrong_positive.dataset.positive = std::string("TUBERCULOSIS");
  EXPECT_NE(gates(wrong_positive).find("TUBERCULOSIS"), std::string::npos) << gates(wrong_positive);
  Report twins = good;
  twins.results[1].approach = "base";
  EXPECT_NE(gates(twins).find("two approaches are called 'base'"), std::string::npos) << gates(twins);
}

TEST(StoredGate, RefusesTwoApproachesOfOneNameOnEitherSide) {
  Report twins = stored_run(1, 5);
  twins.results.push_back(twins.results[0]);
  const Report good = stored_run(1, 10);
  const std::string wanted = "two approaches are called 'net'";
  EXPECT_NE(refusal<InputError>([&] { return gate_against_stored(twins, good); }).find(wanted), std::string::npos);
  EXPECT_NE(refusal<InputError>([&] { return gate_against_stored(good, twins); }).find(wanted), std::string::npos);
}

}  // namespace
}  // namespace stagemark
