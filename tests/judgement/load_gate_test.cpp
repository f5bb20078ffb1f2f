// The gate on made load tests: capacities, service levels and decisions.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "fakes/expect_says.hpp"
#include "judgement/made_load.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/console.hpp"
#include "stagemark/format/github.hpp"
#include "stagemark/format/junit.hpp"
#include "stagemark/format/markdown.hpp"
#include "stagemark/judgement/gate.hpp"
#include "stagemark/judgement/machine_noise.hpp"

namespace stagemark {
namespace {

using namespace testing;
using namespace std::chrono_literals;

const std::vector<double> twenty = {20.0, 20.3, 19.8, 20.1, 19.9};

std::vector<double> times(double factor, std::vector<double> capacities = twenty) {
  const std::vector<double> noise = {1.001, 0.998, 1.003, 0.999, 1.0};
  for (std::size_t i = 0; i < capacities.size(); ++i) capacities[i] *= factor * noise[i];
  return capacities;
}

GateCriteria capacity_alone() {
  GateCriteria criteria;
  criteria.max_accuracy_drop.reset();
  return criteria;
}

/// What is asked of each approach, and nothing that is compared.
GateCriteria of_each() {
  GateCriteria criteria = capacity_alone();
  criteria.max_capacity_drop.reset();
  return criteria;
}

const GateCheck& check_of(const GateResult& result, const std::string& metric, const std::string& candidate) {
  static const GateCheck none;
  for (const GateCheck& check : result.checks) {
    if (check.metric == metric && check.candidate == candidate) return check;
  }
  ADD_FAILURE() << "no check of " << metric << " of " << candidate;
  return none;
}

template <class Error, class Call>
std::string sentence_of(Call&& call) {
  try {
    (void)call();
  } catch (const Error& error) {
    return error.what();
  }
  return "not refused";
}

TEST(LoadGate, PassesACapacityWithinTheMarginAndFailsOneBelowIt) {
  EXPECT_EQ(gate(load_of({{"base", twenty}, {"equal", twenty}})).outcome, GateOutcome::pass);
  EXPECT_EQ(gate(load_of({{"base", twenty}, {"more", times(3)}})).outcome, GateOutcome::pass);
  EXPECT_EQ(gate(load_of({{"base", twenty}, {"little", times(0.97)}})).outcome, GateOutcome::pass);
  const GateResult failed = gate(load_of({{"base", twenty}, {"less", times(0.9)}}));
  EXPECT_EQ(failed.outcome, GateOutcome::fail);
  EXPECT_EQ(failed.baseline, "base");
  ASSERT_EQ(failed.checks.size(), 2U) << "no latency";
  EXPECT_EQ(failed.checks[0].metric, "capacity:drop");
  EXPECT_EQ(failed.checks[0].outcome, GateOutcome::fail);
  EXPECT_EQ(failed.checks[0].finding,
            "capacity 18.02 after 20.02 queries a second, -9.98 % [-10.20 %, -9.77 %], allowed -5.00 %");
  EXPECT_EQ(check_of(failed, "accuracy", "less").outcome, GateOutcome::pass);
  EXPECT_TRUE(failed.warnings.empty());
}

TEST(LoadGate, CannotTellOfACapacityNearTheMargin) {
  const std::vector<double> wide = {20, 16, 21, 18, 20};
  EXPECT_EQ(gate(load_of({{"base", twenty}, {"wide", wide}})).outcome, GateOutcome::inconclusive);
  GateCriteria criteria;
  criteria.max_capacity_drop = 0.4;
  EXPECT_EQ(gate(load_of({{"base", twenty}, {"wide", wide}}), criteria).outcome, GateOutcome::pass);
}

TEST(LoadGate, ComparesGenerationsThatMetTheSameArrivals) {
  // Generations differ by a factor of four, the approaches in each by one in a hundred.
  const std::vector<double> base = {10, 20, 30, 40, 25};
  EXPECT_EQ(gate(load_of({{"base", base}, {"other", times(0.99, base)}})).outcome, GateOutcome::pass);
}

/// Shares of seeded reports that pass and that fail, where the candidate's true capacity is `ratio` x the baseline's.
/// Both share what differs from one generation to the next; their ratio has a spread of 1 %.
struct Shares {
  double pass = 0, fail = 0;
};
Shares shares_at(double ratio) {
  constexpr int reports = 2'000;
  std::mt19937_64 random(20'260'113);
  std::normal_distribution<double> shared(0, 0.1);
  std::normal_distribution<double> own(0, 0.01 / std::sqrt(2.0));
  const GateCriteria criteria = capacity_alone();
  Report report = load_of({{"base", twenty}, {"candidate", twenty}});
  Shares shares;
  for (int i = 0; i < reports; ++i) {
    std::vector<double> base;
    std::vector<double> candidate;
    for (int generation = 0; generation < 5; ++generation) {
      const double common = 20 * std::exp(shared(random));
      base.push_back(common * std::exp(own(random)));
      candidate.push_back(ratio * common * std::exp(own(random)));
    }
    report.load->results[0].capacity = made_capacity(base);
    report.load->results[1].capacity = made_capacity(candidate);
    const GateOutcome outcome = gate(report, criteria).outcome;
    shares.pass += outcome == GateOutcome::pass ? 1.0 / reports : 0;
    shares.fail += outcome == GateOutcome::fail ? 1.0 / reports : 0;
  }
  return shares;
}

TEST(LoadGate, KeepsItsLevelExactlyAtTheMargin) {
  const Shares shares = shares_at(0.95);
  // Three standard errors of 2,000 reports.
  const double most =
      interleaved_gate_level + 3 * std::sqrt(interleaved_gate_level * (1 - interleaved_gate_level) / 2'000);
  EXPECT_LE(shares.pass, most);
  EXPECT_LE(shares.fail, most);
  EXPECT_GE(shares.pass, 0.01) << "it is not merely silent";
  EXPECT_GE(shares.fail, 0.01);
}

TEST(LoadGate, FindsALossOfTenPercentAndPassesEqualCapacities) {
  EXPECT_GE(shares_at(0.9).fail, 0.99);
  EXPECT_GE(shares_at(1).pass, 0.98);
}

TEST(LoadGate, JudgesAllCandidatesAsOneFamily) {
  // t = 3.1 on 4 degrees of freedom: p_beyond of `less` is between half the level and the level.
  std::vector<double> less;
  for (std::size_t i = 0; i < 5; ++i) {
    const double own = std::vector<double>{1, -1, 1, -1, 0}[i];
    less.push_back(0.95 * twenty[i] * std::exp(0.01 * (own - 3.1 / std::sqrt(5.0))));
  }
  const std::vector<double> wide = {20, 16, 21, 18, 20};
  const GateCriteria criteria = capacity_alone();
  EXPECT_EQ(gate(load_of({{"base", twenty}, {"less", less}}), criteria).outcome, GateOutcome::fail);
  EXPECT_EQ(gate(load_of({{"base", twenty}, {"less", less}, {"wide", wide}}), criteria).outcome,
            GateOutcome::inconclusive);
}

TEST(LoadGate, FailsACandidateThatHoldsTheLevelNowhere) {
  Report report = load_of({{"base", twenty}, {"never", twenty}});
  CapacityReport& never = *report.load->results[1].capacity;
  never = {};
  never.rate = OrReason<double>::absent("unloaded p99 is 71 ms");
  never.upper = 2.0;
  never.reason = "the service level was not seen to hold even at 2 queries a second";
  for (int i = 0; i < 5; ++i) never.by_generation.push_back(std::nullopt);
  const GateResult failed = gate(report);
  EXPECT_EQ(check_of(failed, "capacity:drop", "never").outcome, GateOutcome::fail);
  EXPECT_EQ(check_of(failed, "capacity:drop", "never").finding,
            "was not seen to hold the service level, fails it at 2 queries a second, where the baseline holds it at "
            "19.6, allowed -5.00 %");
  // Where the search stopped above what is allowed, it may yet be found to hold.
  never.upper = 19.0;
  const GateResult open = gate(report);
  EXPECT_EQ(check_of(open, "capacity:drop", "never").outcome, GateOutcome::inconclusive);
  EXPECT_EQ(check_of(open, "capacity:drop", "never").finding,
            "generation 1 of the candidate has no capacity: the service level was not seen to hold even at 2 queries a "
            "second, allowed -5.00 %");
}

TEST(LoadGate, CannotTellWhereTheBaselineHoldsTheLevelNowhere) {
  Report report = load_of({{"base", twenty}, {"other", twenty}});
  CapacityReport& never = *report.load->results[0].capacity;
  never = {};
  never.upper = 2.0;
  never.reason = "the service level was not seen to hold even at 2 queries a second";
  const GateResult result = gate(report);
  EXPECT_EQ(check_of(result, "capacity:drop", "other").outcome, GateOutcome::inconclusive);
  EXPECT_EQ(check_of(result, "capacity:drop", "other").finding,
            "the baseline's capacity is unknown: the service level was not seen to hold even at 2 queries a second, "
            "allowed -5.00 %");
}

TEST(LoadGate, CannotTellFromOneGenerationOrFromUnequalNumbers) {
  EXPECT_SAYS(gate(load_of({{"base", {20}}, {"other", {10}}})).checks[0].finding, "needs 2 generations");
  const GateResult unequal = gate(load_of({{"base", twenty}, {"other", {10, 10}}}));
  EXPECT_EQ(unequal.outcome, GateOutcome::inconclusive);
  EXPECT_SAYS(unequal.checks[0].finding, "the baseline has capacities of 5 generations and the candidate of 2");
}

TEST(LoadGate, RefusesCapacitiesThatWereNotSearched) {
  const Report report = load_of({{"base", twenty}, {"other", {}}});
  EXPECT_EQ(sentence_of<InputError>([&] { return gate(report); }),
            "the gate: the capacity of 'other' was not searched; load it with `service_level` and without `rates`, or "
            "judge with `max_capacity_drop` off");
  GateCriteria criteria;
  criteria.max_capacity_drop.reset();
  EXPECT_EQ(gate(report, criteria).outcome, GateOutcome::pass) << "of accuracy";
  criteria.min_capacity = 1;
  EXPECT_SAYS(sentence_of<InputError>([&] { return gate(report, criteria); }), "or judge without `min_capacity`");
  Report absent = load_of({{"base", twenty}, {"other", twenty}});
  absent.load->results.pop_back();
  EXPECT_SAYS(sentence_of<InputError>([&] { return gate(absent); }), "approach 'other' has no result under load");
}

TEST(LoadGate, AsksOfEveryApproachACapacityThatWasSeen) {
  const Report report = load_of({{"base", twenty}, {"other", times(3)}});  // 19.6 to 20.4, 58.86 to 61.26
  GateCriteria criteria = of_each();
  const auto outcomes = [&](double needed) {
    criteria.min_capacity = needed;
    const GateResult result = gate(report, criteria);
    EXPECT_EQ(result.checks.size(), 2U);
    return std::pair(check_of(result, "capacity:min", "base").outcome,
                     check_of(result, "capacity:min", "other").outcome);
  };
  using enum GateOutcome;
  EXPECT_EQ(outcomes(0.98 * 20), std::pair(pass, pass)) << "exactly reached";
  EXPECT_EQ(outcomes(20), std::pair(inconclusive, pass));
  EXPECT_EQ(outcomes(1.02 * 20), std::pair(fail, pass)) << "exactly where it was seen to fail";
  EXPECT_EQ(outcomes(70), std::pair(fail, fail));
}

TEST(LoadGate, SaysWhichRatesWereSeenToHoldAndToFail) {
  Report report = load_of({{"alone", twenty}});
  CapacityReport& capacity = *report.load->results[0].capacity;
  GateCriteria criteria = of_each();
  criteria.min_capacity = 20;
  EXPECT_EQ(gate(report, criteria).checks[0].finding,
            "holds the service level at 19.6 queries a second, fails it at 20.4, needed 20");
  capacity.upper = OrReason<double>::absent("was not seen");
  capacity.reason = "the search ended after 3 rates";
  EXPECT_EQ(gate(report, criteria).checks[0].finding,
            "holds the service level at 19.6 queries a second, was not seen to fail it, needed 20; the search ended "
            "after 3 rates");
  capacity.rate = capacity.upper;
  EXPECT_EQ(gate(report, criteria).checks[0].finding,
            "was not seen to hold or to fail the service level, needed 20; the search ended after 3 rates");
  EXPECT_EQ(gate(report, criteria).outcome, GateOutcome::inconclusive);
}

TEST(LoadGate, JudgesOneApproachAloneByWhatIsAskedOfIt) {
  const Report report = load_of({{"alone", twenty}});
  GateCriteria criteria = of_each();
  criteria.min_capacity = 15;
  EXPECT_EQ(gate(report, criteria).outcome, GateOutcome::pass);
  criteria.max_accuracy_drop = 0.005;
  EXPECT_EQ(sentence_of<InputError>([&] { return gate(report, criteria); }),
            "the gate: the report holds 'alone' alone, and nothing to judge against it; measure a second approach, or "
            "judge it by `min_capacity` or `service_level` alone, with `max_capacity_drop` off and `max_accuracy_drop` "
            "off");
  EXPECT_SAYS(sentence_of<InputError>([&] { return gate(report, of_each()); }), "nothing to check");
}

TEST(LoadGate, JudgesEachGivenRateByItsVerdict) {
  Report report = load_of({{"base", {}}, {"other", {}}});
  for (LoadResultReport& result : report.load->results) result.points = {made_point(5, LoadVerdict::within, 31.4)};
  std::vector<LoadPointReport>& points = report.load->results[1].points;
  points.push_back(made_point(10, LoadVerdict::beyond, 62.5));
  points.push_back(made_point(12.5, LoadVerdict::undecided, 49));
  points.back().more_seconds = 120.0;
  points.push_back(made_point(15, LoadVerdict::unstable, 4'000));
  points.push_back(made_point(20, LoadVerdict::invalid, 20));
  points.back().reasons = {"the generator was late"};
  GateCriteria criteria = of_each();
  criteria.service_level = ServiceLevel{.quantile = 0.99, .bound = 50ms};
  const GateResult result = gate(report, criteria);
  ASSERT_EQ(result.checks.size(), 6U);
  const auto expect = [&](const std::string& metric, GateOutcome outcome, const std::string& finding) {
    const GateCheck& check = check_of(result, metric, "other");
    EXPECT_EQ(check.outcome, outcome) << metric;
    EXPECT_EQ(check.finding, finding);
  };
  expect("service_level:5/s", GateOutcome::pass, "within, p99 31.4 ms, allowed p99=50ms");
  expect("service_level:10/s", GateOutcome::fail, "beyond, p99 62.5 ms, allowed p99=50ms");
  expect("service_level:12.5/s", GateOutcome::inconclusive,
         "undecided, p99 49 ms, allowed p99=50ms; deciding takes about 120 s more");
  expect("service_level:15/s", GateOutcome::fail, "unstable, allowed p99=50ms");
  expect("service_level:20/s", GateOutcome::inconclusive,
         "invalid, p99 20 ms, allowed p99=50ms; the generator was late");
  EXPECT_EQ(check_of(result, "service_level:5/s", "base").outcome, GateOutcome::pass);
  // Callers that wait for their answers offer no rate.
  points = {made_point(5, LoadVerdict::within, 31.4)};
  points[0].offered_rate = OrReason<double>::absent("callers wait");
  EXPECT_EQ(check_of(gate(report, criteria), "service_level", "other").outcome, GateOutcome::pass);
  points.clear();
  EXPECT_SAYS(sentence_of<InputError>([&] { return gate(report, criteria); }), "no load of 'other' was measured");
}

TEST(LoadGate, RefusesAnotherServiceLevelThanTheMeasuredOne) {
  Report report = load_of({{"base", twenty}, {"other", twenty}});
  GateCriteria criteria;
  criteria.service_level = ServiceLevel{.quantile = 0.95, .bound = 250ms};
  const auto refusal = [&] { return sentence_of<InputError>([&] { return gate(report, criteria); }); };
  EXPECT_EQ(refusal(),
            "the gate: the load test was measured for p99=50ms, not for p95=250ms; load it again with `service_level` "
            "p95=250ms");
  report.load->service_level = ServiceLevelReport{.quantile = 0.95, .bound_ms = 250};
  EXPECT_EQ(refusal(), "not refused");
  // The points of a search lie on both sides of the level on purpose.
  report.load->results[0].points = {made_point(30, LoadVerdict::beyond, 400)};
  EXPECT_EQ(gate(report, criteria).outcome, GateOutcome::pass);
  report.load->service_level = OrReason<ServiceLevelReport>::absent("none was asked for");
  EXPECT_SAYS(refusal(), "the load test had no service level to judge p95=250ms by");
}

TEST(LoadGate, JudgesDecisionsAsOfRuns) {
  GateCriteria criteria;
  criteria.max_accuracy_drop = 2.0 / 150;
  criteria.max_flips.emplace(std::size_t{2});
  criteria.max_drops = {{Metric::sensitivity, 0.5}};
  const GateResult two = gate(load_of({{"base", twenty}, {"two", twenty, {1, 2}}}), criteria);
  EXPECT_EQ(two.outcome, GateOutcome::pass);
  EXPECT_SAYS(check_of(two, "accuracy", "two").finding, "on 150 images (2 harmful flips, 0 helpful)");
  Report report = load_of({{"base", twenty}, {"three", twenty, {1, 2, 3}}});
  const GateResult three = gate(report, criteria);
  EXPECT_EQ(check_of(three, "capacity:drop", "three").outcome, GateOutcome::pass);
  EXPECT_EQ(check_of(three, "accuracy", "three").outcome, GateOutcome::fail);
  EXPECT_EQ(check_of(three, "flips", "three").outcome, GateOutcome::fail);
  EXPECT_EQ(check_of(three, "sensitivity", "three").outcome, GateOutcome::pass);
  // Batching may change decisions.
  report.results[1].repeats = RepeatsReport{30, 12, 4, 3.5};
  const GateResult differing = gate(report, criteria);
  for (const char* metric : {"accuracy", "flips", "sensitivity"}) {
    EXPECT_EQ(check_of(differing, metric, "three").outcome, GateOutcome::inconclusive) << metric;
  }
  criteria.estimand = Estimand::population;
  EXPECT_EQ(check_of(gate(load_of({{"base", twenty}, {"two", twenty, {1, 2}}}), criteria), "accuracy", "two").outcome,
            GateOutcome::inconclusive);
}

TEST(LoadGate, NeverPassesWhatFailedAndSaysWhatWasInterrupted) {
  Report report = load_of({{"base", twenty}, {"broken", twenty}});
  report.interrupted = true;
  EXPECT_SAYS(gate(report).warnings.at(0), "interrupted");
  report.results[1].error = "its worker was ended by signal 11";
  EXPECT_SAYS(sentence_of<InputError>([&] { return gate(report); }), "signal 11");
  EXPECT_SAYS(sentence_of<InputError>([&] { return gate(report, {}, "other"); }), "it has base, broken");
}

TEST(LoadGate, RefusesWhatAReportOfItsKindCannotTell) {
  const Report load = load_of({{"base", twenty}, {"other", twenty}});
  const Report run = report_of({{"base", {}}, {"other", {}}});
  const auto refusal = [](const Report& report, auto change) {
    GateCriteria criteria;
    change(criteria);
    return sentence_of<InputError>([&] { return gate(report, criteria); });
  };
  EXPECT_EQ(refusal(load, [](GateCriteria& criteria) { criteria.latencies = {parse_gated_latency("total:p99")}; }),
            "`latencies`: a load test times no single calls; judge it by `max_capacity_drop`, `min_capacity` or "
            "`service_level`");
  EXPECT_SAYS(refusal(load, [](GateCriteria& criteria) { criteria.max_slowdown = 0.03; }), "`max_slowdown`: a load");
  EXPECT_EQ(refusal(load, [](GateCriteria& criteria) { criteria.latencies.clear(); }), "not refused");
  EXPECT_EQ(refusal(run, [](GateCriteria& criteria) { criteria.min_capacity = 10; }),
            "`min_capacity`: the report is of single calls and not of a load test; measure it with `load`, or judge "
            "`latencies`");
  EXPECT_SAYS(refusal(run, [](GateCriteria& criteria) { criteria.max_capacity_drop = 0.1; }), "`max_capacity_drop`: ");
  EXPECT_SAYS(
      refusal(run,
              [](GateCriteria& criteria) { criteria.service_level = ServiceLevel{.quantile = 0.99, .bound = 50ms}; }),
      "`service_level`: ");
  EXPECT_EQ(refusal(run, [](GateCriteria& criteria) { criteria.max_capacity_drop.reset(); }), "not refused");
}

TEST(LoadGate, RefusesLimitsAndReportsThatCannotBe) {
  Report report = load_of({{"base", twenty}, {"other", twenty}});
  const auto refusal = [&](auto change) {
    GateCriteria criteria;
    change(criteria);
    return sentence_of<UsageError>([&] { return gate(report, criteria); });
  };
  for (const double drop : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_SAYS(refusal([=](GateCriteria& criteria) { criteria.max_capacity_drop = drop; }), "`max_capacity_drop`: ");
  }
  for (const double rate : {0.0, -1.0, std::numeric_limits<double>::infinity()}) {
    EXPECT_SAYS(refusal([=](GateCriteria& criteria) { criteria.min_capacity = rate; }), "`min_capacity`: ");
  }
  EXPECT_SAYS(
      refusal([](GateCriteria& criteria) { criteria.service_level = ServiceLevel{.quantile = 1, .bound = 1ms}; }),
      "`quantile` of a service level");
  report.load->results[1].capacity->by_generation.push_back(0);
  EXPECT_EQ(sentence_of<InputError>([&] { return gate(report); }),
            "the report, by_generation/5 of approach 'other': 0 is no capacity");
  report.load->results[1].approach = "base";
  EXPECT_SAYS(sentence_of<InputError>([&] { return gate(report); }), "two approaches under load are called 'base'");
}

TEST(LoadGate, DoesNotJudgeAgainstAStoredLoadTest) {
  const Report load = load_of({{"base", twenty}});
  const Report run = report_of({{"base", {}}});
  const std::string sentence =
      "the gate: a load test is not judged against a stored one, whose processes and arrivals were others; measure "
      "both "
      "approaches in one load test, and judge that alone";
  EXPECT_EQ(sentence_of<InputError>([&] { return gate_against_stored(load, load); }), sentence);
  EXPECT_EQ(sentence_of<InputError>([&] { return gate_against_stored(run, load); }), sentence);
  EXPECT_EQ(sentence_of<InputError>([&] { return gate_against_stored(load, run); }), sentence);
}

TEST(LoadGate, HasNoUseForTheNoiseOfSingleCalls) {
  Report calibration;
  calibration.noise.emplace();
  calibration.noise->smallest_detectable_change = 0.2;
  const Report load = load_of({{"base", twenty}});
  calibration.environment = load.environment;
  EXPECT_EQ(noise_warnings(calibration, load, {}),
            std::vector<std::string>{"the calibration is of single calls and says nothing of a load test"});
}

TEST(LoadGate, IsWrittenAsOtherGatesAre) {
  const GateResult result = gate(load_of({{"base", twenty}, {"less", times(0.9)}}));
  const auto text_by = [&](auto write) {
    std::ostringstream out;
    write(out, result);
    return out.str();
  };
  EXPECT_SAYS(text_by([](std::ostream& out, const GateResult& of) { print_gate(out, of); }),
              "FAIL: 1 passed, 1 failed, 0 inconclusive");
  EXPECT_SAYS(
      text_by([](std::ostream& out, const GateResult& of) { write_junit(out, of, false); }),
      "<testcase classname=\"less\" name=\"capacity:drop\"><failure type=\"fail\" message=\"capacity 18.02 after");
  EXPECT_SAYS(text_by([](std::ostream& out, const GateResult& of) { write_markdown(out, of); }),
              "| FAIL | less | capacity:drop | capacity 18.02 after 20.02 queries a second");
  EXPECT_SAYS(text_by([](std::ostream& out, const GateResult& of) { write_github_annotations(out, of); }),
              "::error title=stagemark::less capacity:drop");
}

}  // namespace
}  // namespace stagemark
