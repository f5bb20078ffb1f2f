// Approaches in processes of their own, and what becomes of a run in which they fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "stagemark/core/error.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "stagemark/suite/worker_program.hpp"
#include "suite/numbered_dataset.hpp"
#include "suite/one_pass.hpp"
#include "suite/turn_messages.hpp"
#include "workers/frames.hpp"

namespace stagemark {
namespace {

class AnyImage final : public ImageSource {
 public:
  [[nodiscard]] Image load(const std::filesystem::path& /*file*/) const override { return {1, 1, 1, {0}}; }
};

WorkerCommand worker(const std::string& how) { return {STAGEMARK_MADE_WORKER, {how}}; }

ApproachRequest asked_of_worker(const std::string& name) {
  ApproachRequest request;
  request.approach = {name, "made", Precision::bf16, Device{}, {}};
  return request;
}

SuiteResult run(const std::vector<std::string>& behaviours, RunOptions options = {}, std::size_t images = 40) {
  BenchmarkSuite suite(numbered_dataset(images), std::make_shared<AnyImage>(), options);
  for (const std::string& how : behaviours) suite.add(asked_of_worker(how), worker(how));
  return suite.run();
}

bool says(const ApproachResult& result, const std::string& part) {
  return result.error.value_or("").find(part) != std::string::npos;
}

/// What an approach that works gives of so many images.
void expect_complete(const ApproachResult& result, std::size_t images) {
  EXPECT_FALSE(result.error) << *result.error;
  // Number 13 cannot be decoded.
  const std::size_t broken = images > 13 ? 1 : 0;
  ASSERT_EQ(result.inferences.size(), images - broken);
  for (const InferenceRecord& record : result.inferences) {
    ASSERT_TRUE(record.prediction);
    EXPECT_DOUBLE_EQ(record.prediction->probability, record.image % 2 == 1 ? 0.9 : 0.1) << record.image;
    EXPECT_DOUBLE_EQ(record.prediction->logit.value_or(0), record.image % 2 == 1 ? 2.0 : -2.0);
  }
  std::size_t next = 0;
  for (const CallRecord& call : result.calls) {
    EXPECT_EQ(call.first_inference, next);
    next += call.size;
    EXPECT_TRUE(call.times.has(Stage::decode));
    EXPECT_TRUE(call.times.has(Stage::total));
    EXPECT_TRUE(call.times.has(Stage::feature_extraction));
  }
  EXPECT_EQ(next, result.inferences.size());
}

TEST(Worker, MeasuresWhatTheSuiteAsksFor) {
  const SuiteResult result = run({"work", "other"}, one_pass());
  EXPECT_TRUE(result.in_workers);
  ASSERT_EQ(result.collector.results().size(), 2U);
  for (const ApproachResult& approach : result.collector.results()) {
    expect_complete(approach, 40);
    EXPECT_EQ(approach.facts.precision, Precision::bf16);
    EXPECT_EQ(approach.facts.model->parameters, 42U);
    EXPECT_EQ(approach.facts.details.front().second, approach.approach.name);
    EXPECT_GT(approach.peak_rss_bytes, 0U);
    EXPECT_EQ(approach.turns.size(), result.round_count);
    EXPECT_GE(approach.settling_calls, result.round_count);
    EXPECT_LE(approach.settling_calls, 2 * result.round_count);
    EXPECT_GE(approach.repeats.compared, result.round_count);
    EXPECT_EQ(approach.repeats.other_scores, 0U);
  }
  // Two approaches, two processes.
  EXPECT_NE(result.collector.results()[0].facts.model->path, result.collector.results()[1].facts.model->path);
}

TEST(Worker, TellsTheScoresOfEveryClassWhereTheyAreAskedFor) {
  RunOptions options = one_pass();
  options.keep_scores = true;
  const ApproachResult asked = run({"throw"}, options, 10).collector.results()[0];
  ASSERT_EQ(asked.scores.classes, 2U);
  ASSERT_EQ(asked.scores.rows(), asked.inferences.size());
  for (std::size_t i = 0; i < asked.inferences.size(); ++i) {
    const float odd = asked.inferences[i].image % 2 == 1 ? 2.0F : -2.0F;
    if (asked.inferences[i].prediction) {
      EXPECT_EQ(asked.scores.values[2 * i], 0.0F);
      EXPECT_EQ(asked.scores.values[2 * i + 1], odd);
    } else {
      EXPECT_TRUE(std::isnan(asked.scores.values[2 * i]));
    }
  }
  EXPECT_EQ(run({"work"}, one_pass(), 10).collector.results()[0].scores, ClassScores{});
}

TEST(Worker, TellsWhichImagesCannotBeDecoded) {
  const SuiteResult result = run({"work", "other"}, one_pass());
  ASSERT_EQ(result.dataset.skipped.size(), 1U);
  EXPECT_EQ(result.dataset.skipped[0].path, "13");
  EXPECT_EQ(result.dataset.skipped[0].reason, "unlucky");
}

TEST(Worker, FailsWhereTheModelIsAnotherOneInTheNextGeneration) {
  RunOptions options = one_pass();
  options.processes = 2;
  const SuiteResult result = run({"replaced", "work"}, options);
  const ApproachResult& replaced = result.collector.results()[0];
  EXPECT_TRUE(says(replaced, "was replaced during the run: its SHA-256 was"));
  EXPECT_FALSE(replaced.inferences.empty()) << "what was measured before is kept";
  expect_complete(result.collector.results()[1], 40);
}

TEST(Worker, FailsWhereTheModelIsAnotherOneThanAnApproachBeforeItOpened) {
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<AnyImage>(), one_pass());
  for (int copy = 0; copy < 2; ++copy) suite.add(asked_of_worker("replaced"), worker("replaced"));
  const SuiteResult result = suite.run();
  expect_complete(result.collector.results()[0], 10);
  EXPECT_TRUE(says(result.collector.results()[1], "was replaced during the run: its SHA-256 was"));
}

TEST(Worker, OpensAllApproachesOfAGenerationBeforeOneWarmsUp) {
  class Listener final : public RunObserver {
   public:
    void opening(const std::string& approach) override { heard += "open " + approach + ", "; }
    void warming_up(const std::string& approach) override { heard += "warm " + approach + ", "; }
    std::string heard;
  } listener;
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<AnyImage>(), one_pass());
  for (const char* how : {"work", "other"}) suite.add(asked_of_worker(how), worker(how));
  (void)suite.run(listener);
  EXPECT_EQ(listener.heard, "open work, open other, warm work, warm other, ");
}

TEST(Worker, IsAFreshProcessInEachGeneration) {
  RunOptions options = one_pass();
  options.processes = 4;
  BenchmarkSuite suite(numbered_dataset(40), std::make_shared<AnyImage>(), options);
  suite.add(asked_of_worker("work"), worker("work"));
  const SuiteResult result = suite.run();
  const ApproachResult& approach = result.collector.results()[0];
  expect_complete(approach, 40);
  std::set<std::size_t> processes;
  for (const CallRecord& call : approach.calls) processes.insert(call.process);
  EXPECT_EQ(processes, (std::set<std::size_t>{0, 1, 2, 3}));
  EXPECT_TRUE(std::ranges::is_sorted(approach.turns, {}, &TurnRecord::process));
}

TEST(Worker, ThatDiesLeavesTheOthersResultsCompleteAndItsOwnSoFar) {
  const SuiteResult result = run({"crash", "work", "kill", "exit"}, one_pass(), 200);
  const auto results = result.collector.results();
  expect_complete(results[1], 200);
  EXPECT_TRUE(says(results[0], "signal 11")) << results[0].error.value_or("");
  EXPECT_TRUE(says(results[2], "signal 9")) << results[2].error.value_or("");
  EXPECT_TRUE(says(results[2], "memory")) << results[2].error.value_or("");
  EXPECT_TRUE(says(results[3], "status 9")) << results[3].error.value_or("");
  EXPECT_TRUE(says(results[3], "no more memory")) << results[3].error.value_or("");
  for (const std::size_t i : {0U, 2U, 3U}) {
    EXPECT_GT(results[i].inferences.size(), 20U) << "what was measured before it died";
    EXPECT_LT(results[i].inferences.size(), 100U);
    EXPECT_EQ(results[i].error->find('\n'), std::string::npos);
  }
}

TEST(Worker, ThatHangsIsEnded) {
  RunOptions options = one_pass();
  options.hang_limit = std::chrono::seconds(1);
  const SuiteResult result = run({"hang", "slow", "work", "unread"}, options, 200);
  const auto results = result.collector.results();
  EXPECT_TRUE(says(results[0], "no sign of life for 1 s")) << results[0].error.value_or("");
  EXPECT_TRUE(says(results[1], "no sign of life for 1 s")) << results[1].error.value_or("");
  EXPECT_TRUE(results[1].inferences.empty());
  expect_complete(results[2], 200);
  EXPECT_TRUE(says(results[3], "no sign of life for 1 s")) << results[3].error.value_or("");
}

TEST(Worker, IsNotWaitedForWhileItOpensWhereTheRunIsEnded) {
  class AtOnce final : public RunObserver {
   public:
    void opening(const std::string& /*approach*/) override { asked_ = true; }
    [[nodiscard]] bool interrupted() override { return asked_; }

   private:
    bool asked_ = false;
  } observer;
  RunOptions options = one_pass();
  options.hang_limit = std::chrono::seconds(30);
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<AnyImage>(), options);
  suite.add(asked_of_worker("slow"), worker("slow"));
  const SuiteResult result = suite.run(observer);
  EXPECT_TRUE(result.interrupted);
  // Had it been waited for, it would have been ended for its silence.
  EXPECT_FALSE(result.collector.results()[0].error) << *result.collector.results()[0].error;
}

TEST(Worker, ThatNeverReadsWhatItIsToldIsEnded) {
  RunOptions options = one_pass();
  options.hang_limit = std::chrono::milliseconds(1'500);
  const SuiteResult result = run({"deaf"}, options, 50'000);  // more than the channel holds
  const auto results = result.collector.results();
  EXPECT_TRUE(says(results[0], "no sign of life for 1.500 s")) << results[0].error.value_or("");
}

TEST(Worker, ThatCannotHaveItsApproachSaysWhy) {
  const SuiteResult result = run({"refuse", "mute", "work"}, one_pass());
  const auto results = result.collector.results();
  EXPECT_EQ(results[0].error.value_or(""), "net.ckpt: has no head");
  EXPECT_TRUE(says(results[1], "its worker ended with status 0")) << results[1].error.value_or("");
  expect_complete(results[2], 40);
}

TEST(Worker, ThatCannotBeStartedIsOneFailedApproach) {
  BenchmarkSuite suite(numbered_dataset(40), std::make_shared<AnyImage>(), one_pass());
  suite.add(asked_of_worker("missing"), WorkerCommand{"/no/such/program", {}});
  suite.add(asked_of_worker("stranger"), WorkerCommand{"/bin/cat", {}});
  suite.add(asked_of_worker("work"), worker("work"));
  const SuiteResult result = suite.run();
  EXPECT_TRUE(says(result.collector.results()[0], "/no/such/program"));
  EXPECT_TRUE(result.collector.results()[1].error);
  expect_complete(result.collector.results()[2], 40);
}

TEST(Worker, OfAnotherProtocolIsOneFailedApproachThatNamesBothVersions) {
  const SuiteResult result = run({"newer", "work"}, one_pass());
  const std::string known = std::to_string(worker_protocol::version);
  const std::string newer = std::to_string(worker_protocol::version + 1);
  const ApproachResult& refused = result.collector.results()[0];
  EXPECT_TRUE(says(refused, "speaks version " + newer) && says(refused, "this is version " + known))
      << refused.error.value_or("");
  expect_complete(result.collector.results()[1], 40);
}

TEST(Worker, OfABuildThatEndsBeforeItTellsItsVersionIsRefusedByVersion) {
  const SuiteResult result = run({"older", "work"}, one_pass());
  const ApproachResult& refused = result.collector.results()[0];
  EXPECT_TRUE(says(refused, "this is version " + std::to_string(worker_protocol::version)) &&
              says(refused, "an older build speaks 3 or less"))
      << refused.error.value_or("");
  expect_complete(result.collector.results()[1], 40);
}

TEST(Worker, WhoseProgramOpensNothingOrThrowsANumberIsOneFailedApproach) {
  const SuiteResult result = run({"nothing", "number", "work"}, one_pass());
  EXPECT_TRUE(says(result.collector.results()[0], "opened nothing"));
  EXPECT_TRUE(says(result.collector.results()[1], "no std::exception"));
  expect_complete(result.collector.results()[2], 40);
}

TEST(Worker, ThatTellsOfImagesThatThereAreNotIsNotBelieved) {
  const SuiteResult result = run({"stray", "overlong", "classes", "work"}, one_pass());
  for (const std::size_t i : {0U, 1U, 2U}) {
    EXPECT_TRUE(says(result.collector.results()[i], "cannot be true")) << i;
    EXPECT_TRUE(result.collector.results()[i].inferences.empty());
  }
  expect_complete(result.collector.results()[3], 40);
}

TEST(Worker, ThatLiesAboutItsPrecisionFails) {
  const SuiteResult result = run({"lie", "work"}, one_pass());
  EXPECT_TRUE(says(result.collector.results()[0], "asked for bf16"))
      << result.collector.results()[0].error.value_or("");
  EXPECT_TRUE(result.collector.results()[0].inferences.empty());
}

TEST(Worker, NamesImagesThatFailInIt) {
  const SuiteResult result = run({"throw"}, one_pass(), 10);
  const ApproachResult& approach = result.collector.results()[0];
  ASSERT_EQ(approach.failures.size(), 1U);
  EXPECT_EQ(approach.failures[0].image, 7U);
  EXPECT_EQ(approach.failures[0].reason, "seven");
  EXPECT_FALSE(approach.error);
}

TEST(Worker, EndsItsTurnWhenTheRunIsInterruptedAndKeepsWhatItHas) {
  /// Ends the run once the first turns are over.
  class AfterSomeTurns final : public RunObserver {
   public:
    void progressed(const RunProgress& progress) override { stop_ = progress.images_done >= 60; }
    [[nodiscard]] bool interrupted() override { return stop_; }

   private:
    bool stop_ = false;
  };
  BenchmarkSuite suite(numbered_dataset(200), std::make_shared<AnyImage>(), one_pass());
  suite.add(asked_of_worker("work"), worker("work"));
  suite.add(asked_of_worker("other"), worker("other"));
  AfterSomeTurns observer;
  const SuiteResult result = suite.run(observer);
  EXPECT_TRUE(result.interrupted);
  for (const ApproachResult& approach : result.collector.results()) {
    EXPECT_FALSE(approach.error) << *approach.error;
    EXPECT_GT(approach.inferences.size(), 10U);
    EXPECT_LT(approach.inferences.size(), 100U);
  }
}

TEST(Worker, IsForASuiteOnly) {
  EXPECT_THROW(serve_as_worker([](const ApproachRequest&) { return OpenedApproach{}; }), UsageError);
}

using namespace worker_protocol;

TEST(WorkerProtocol, GivesBackWhatWasSent) {
  Measured measured;
  measured.result.facts = {
      Precision::bf16, Device{Device::Kind::cuda, 3}, ModelFacts{"m", "f", "s", 7}, {{"a", "b"}}, true, true};
  measured.result.inferences = {{4, Prediction{0.5, std::nullopt, 2}}, {5, std::nullopt}};
  CallRecord call{.round = 1, .pass = 2, .process = 3, .first_inference = 4, .size = 5, .timed = false, .times = {}};
  call.times.add(Stage::total, Nanoseconds{-7});
  measured.result.scores = {3, {0.5F, -1, 2, 3, 4, 5}};
  measured.result.calls = {call};
  measured.result.turns = {{1, 2, 3, Nanoseconds{4}, 5}};
  measured.result.failures = {{6, "reason\n\"quoted\""}};
  measured.result.device_peak_bytes = 1;
  measured.result.logits = {5, 4, 3, 2, 1};
  measured.notes = {{{9, "broken"}}, {{3, {.lowest = 7, .highest = 4080}}, {5, {}}}};
  measured.interrupted = true;
  const Measured back = decode_measured(encode(measured));
  EXPECT_EQ(back.result.facts.device, measured.result.facts.device);
  EXPECT_EQ(back.result.facts.model->sha256, "s");
  EXPECT_EQ(back.result.facts.details, measured.result.facts.details);
  EXPECT_TRUE(back.result.facts.outputs_unknown);
  EXPECT_TRUE(back.result.facts.does_nothing);
  ASSERT_EQ(back.result.inferences.size(), 2U);
  EXPECT_EQ(back.result.inferences[0].prediction->class_index, 2U);
  EXPECT_FALSE(back.result.inferences[1].prediction);
  EXPECT_EQ(back.result.scores, measured.result.scores);
  EXPECT_EQ(back.result.calls[0].process, 3U);
  EXPECT_FALSE(back.result.calls[0].timed);
  EXPECT_EQ(back.result.calls[0].times[Stage::total], Nanoseconds{-7});
  EXPECT_FALSE(back.result.calls[0].times.has(Stage::upload));
  EXPECT_EQ(back.result.turns[0].wall, Nanoseconds{4});
  EXPECT_EQ(back.result.failures[0].reason, "reason\n\"quoted\"");
  EXPECT_EQ(back.result.device_peak_bytes, 1U);
  EXPECT_EQ(back.result.logits, measured.result.logits);
  EXPECT_EQ(back.notes.broken, measured.notes.broken);
  EXPECT_EQ(back.notes.sixteen_bit, measured.notes.sixteen_bit);
  EXPECT_TRUE(back.interrupted);
}

TEST(WorkerProtocol, RefusesEveryMessageThatIsCutOrHasMoreBehindIt) {
  Measured measured;
  measured.result.inferences = {{4, Prediction{0.5, 1.0, 2}}};
  measured.notes.broken = {{9, "broken"}};
  std::vector<std::byte> whole = encode(measured);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW((void)decode_measured(std::span(whole).first(size)), BackendError) << size;
  }
  whole.push_back(std::byte{0});
  EXPECT_THROW((void)decode_measured(whole), BackendError);
}

TEST(WorkerProtocol, AllocatesNothingForALengthThatIsNotThere) {
  std::vector<std::byte> whole = encode(worker_protocol::Setup{{}, numbered_dataset(1), {}, {}});
  // The length of the approach's name comes first.
  for (std::size_t i = 0; i < 8; ++i) whole[i] = std::byte{0x7f};
  EXPECT_THROW((void)decode_setup(whole), BackendError);
}

}  // namespace
}  // namespace stagemark
