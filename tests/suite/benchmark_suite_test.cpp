#include "stagemark/suite/benchmark_suite.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "fakes/asynchronous_engine.hpp"
#include "fakes/manual_clock.hpp"
#include "stagemark/backend/timed.hpp"
#include "stagemark/core/error.hpp"
#include "suite/numbered_dataset.hpp"
#include "suite/one_pass.hpp"

namespace stagemark {
namespace {

using fakes::AsynchronousEngine;
using fakes::ManualClock;

/// Images that carry their own index in their first two pixels; some cannot be read.
class NumberedImages final : public ImageSource {
 public:
  std::vector<std::string> broken;
  std::vector<std::string> sixteen_bit;
  std::size_t side = 4;
  mutable std::size_t loads = 0;

  [[nodiscard]] Image load(const std::filesystem::path& file) const override {
    ++loads;
    ManualClock::burn(Nanoseconds{50});
    const std::string name = file.filename().string();
    if (std::find(broken.begin(), broken.end(), name) != broken.end()) throw InputError("broken on purpose");
    const auto index = static_cast<std::size_t>(std::stoi(name));
    Image image{side, side, 1, std::vector<std::uint8_t>(side * side, 0)};
    image.pixels.at(0) = static_cast<std::uint8_t>(index % 256);
    image.pixels.at(1) = static_cast<std::uint8_t>(index / 256);
    if (std::find(sixteen_bit.begin(), sixteen_bit.end(), name) != sixteen_bit.end()) {
      image.sixteen_bit_range = SampleRange{.lowest = static_cast<std::uint16_t>(100 + index),
                                            .highest = static_cast<std::uint16_t>(4000 + index)};
    }
    return image;
  }
};

std::size_t index_of(const Image& image) { return image.pixels[0] + std::size_t{256} * image.pixels[1]; }

/// Positive for odd images; takes 1 ns to preprocess, 10 to extract, 3 to classify, and 5 beside the stages.
class OracleEngine {
 public:
  std::map<std::size_t, std::string> throws_on;
  std::map<std::size_t, double> returns_on;
  std::vector<std::size_t> calls;
  ExecutionFacts facts;

  [[nodiscard]] ExecutionFacts execution_facts() const { return facts; }
  [[nodiscard]] std::vector<float> input_of(const Image& image) const {
    return {static_cast<float>(index_of(image)), 0.5F};
  }

  std::size_t preprocess(std::span<const Image> images) {
    ManualClock::burn(Nanoseconds{1});
    images_ = images;
    return index_of(images[0]);
  }
  std::size_t extract_features(const std::size_t& index) {
    ManualClock::burn(Nanoseconds{10});
    calls.push_back(index);
    if (const auto found = throws_on.find(index); found != throws_on.end()) throw std::runtime_error(found->second);
    return index;
  }
  void classify(const std::size_t&, std::span<Prediction> out) {
    ManualClock::burn(Nanoseconds{3});
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t index = index_of(images_[i]);
      out[i].probability = index % 2 == 1 ? 0.9 : 0.1;
      if (const auto found = returns_on.find(index); found != returns_on.end()) out[i].probability = found->second;
    }
  }

 private:
  std::span<const Image> images_;
};
using Oracle = Timed<OracleEngine>;

/// An observer that ends the run after so many calls.
class Interrupter final : public RunObserver {
 public:
  explicit Interrupter(std::size_t after) : left_(after) {}
  [[nodiscard]] bool interrupted() override { return left_ == 0 || --left_ == 0; }

 private:
  std::size_t left_;
};

Approach named(const std::string& name) { return {name, "oracle", Precision::fp32, Device{}, {}}; }

TEST(BenchmarkSuite, RecordsEveryImageOnceInAPassForEachApproach) {
  const ManualClock clock;
  BenchmarkSuite suite(numbered_dataset(23), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  suite.add(named("b"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  ASSERT_EQ(result.collector.results().size(), 2U);
  for (const ApproachResult& approach : result.collector.results()) {
    ASSERT_EQ(approach.inferences.size(), 23U);
    for (std::size_t i = 0; i < 23; ++i) {
      EXPECT_EQ(approach.inferences[i].image, i);
      EXPECT_DOUBLE_EQ(approach.inferences[i].prediction->probability, i % 2 == 1 ? 0.9 : 0.1);
    }
    EXPECT_TRUE(approach.failures.empty());
    EXPECT_FALSE(approach.error);
  }
}

TEST(BenchmarkSuite, TimesTotalOnAClockOfItsOwn) {
  const ManualClock clock;
  BenchmarkSuite suite(numbered_dataset(5), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  for (const CallRecord& call : result.collector.results()[0].calls) {
    EXPECT_EQ(call.times[Stage::total], Nanoseconds{14});
    EXPECT_EQ(call.times[Stage::inference], Nanoseconds{13});
    EXPECT_EQ(call.times[Stage::decode], Nanoseconds{50});
    EXPECT_TRUE(call.timed);
  }
}

/// Burns 7 ns in its own predict, between the stages that it times.
class Gap final : public InferenceWrapper {
 public:
  void predict(std::span<const Image>, std::span<Prediction> out, StageTimer& timer) override {
    for (Prediction& prediction : out) prediction.probability = 0.5;
    timer.time(Stage::preprocessing, [] { ManualClock::burn(Nanoseconds{2}); });
    ManualClock::burn(Nanoseconds{7});
    timer.time(Stage::inference, [] { ManualClock::burn(Nanoseconds{11}); });
  }
  [[nodiscard]] ExecutionFacts execution_facts() const override { return {}; }
  [[nodiscard]] bool asynchronous() const noexcept override { return false; }
};

TEST(BenchmarkSuite, CountsTimeBetweenStagesInTotal) {
  const ManualClock clock;
  BenchmarkSuite suite(numbered_dataset(5), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("gap"), std::make_unique<Gap>());
  const CallRecord call = suite.run().collector.results()[0].calls[0];
  EXPECT_EQ(call.times[Stage::total], Nanoseconds{20});
  EXPECT_EQ(*call.times[Stage::preprocessing] + *call.times[Stage::inference], Nanoseconds{13});
}

TEST(BenchmarkSuite, LeavesWarmUpAndSettlingOutOfTheSamplesAndCountsTheLatter) {
  const ManualClock clock;
  RunOptions options = one_pass();
  options.warmup = 3;
  options.settle = 2;
  auto oracle = std::make_unique<Oracle>();
  OracleEngine& seen = oracle->engine();
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), options, ManualClock::clock());
  suite.add(named("a"), std::move(oracle));
  const SuiteResult result = suite.run();  // two rounds of five
  EXPECT_EQ(result.collector.results()[0].inferences.size(), 10U);
  // On this clock every call takes as long as the others: one settles.
  EXPECT_EQ(result.collector.results()[0].settling_calls, 2U);
  EXPECT_EQ(seen.calls.size(), 3U + 1U * 2U + 10U);
}

TEST(BenchmarkSuite, ComparesWhatAnImageGaveWhileSettlingWithWhatIsRecorded) {
  const ManualClock clock;
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  EXPECT_EQ(result.collector.results()[0].repeats, (Repeats{result.collector.results()[0].settling_calls, 0, 0, 0}));
  EXPECT_GT(result.collector.results()[0].repeats.compared, 0U);
}

/// Decides otherwise at each call, as a network does that drops units at random.
class Fickle final : public InferenceWrapper {
 public:
  void predict(std::span<const Image>, std::span<Prediction> out, StageTimer& timer) override {
    positive_ = !positive_;
    for (Prediction& prediction : out) prediction = {positive_ ? 0.9 : 0.1, positive_ ? 2.2 : -2.2, std::nullopt};
    timer.time(Stage::inference, [] {});
  }
  [[nodiscard]] ExecutionFacts execution_facts() const override { return {}; }
  [[nodiscard]] bool asynchronous() const noexcept override { return false; }

 private:
  bool positive_ = false;
};

TEST(BenchmarkSuite, CountsTheRepeatsThatDecideOtherwise) {
  const ManualClock clock;
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<Fickle>());
  const SuiteResult result = suite.run();
  const Repeats& repeats = result.collector.results()[0].repeats;
  EXPECT_GT(repeats.compared, 0U);
  EXPECT_EQ(repeats.other_scores, repeats.compared);
  EXPECT_EQ(repeats.other_decisions, repeats.compared);
  EXPECT_DOUBLE_EQ(repeats.largest_difference, 4.4);
}

TEST(Repeats, TakeRoundingForNoDifference) {
  const Prediction one{0.5000001, 1e-6, std::nullopt};
  const Prediction other{0.4999999, -1e-6, std::nullopt};
  Repeats repeats;
  repeats.compare(one, other, {}, Precision::fp32);
  EXPECT_EQ(repeats, (Repeats{1, 0, 0, 2e-6}));
  const Prediction further{0.49, -0.04, std::nullopt};
  repeats.compare(one, further, {}, Precision::fp16);
  EXPECT_EQ(repeats.other_scores, 0U);
  repeats.compare(one, further, {}, Precision::fp32);
  EXPECT_EQ(repeats.other_scores, 1U);
  EXPECT_EQ(repeats.other_decisions, 1U);
}

TEST(Repeats, CountAnotherWinnerAmongSeveralHoweverSureBothWere) {
  const DecisionRule three{.threshold = 0.5, .classes = 3, .positive = {}};
  Repeats repeats;
  repeats.compare({0.9999, std::nullopt, 0}, {0.9999, std::nullopt, 2}, three, Precision::fp32);
  EXPECT_EQ(repeats, (Repeats{1, 1, 1, 0}));
}

/// Tells as many outputs of each image as it is made with.
class TellsOutputs final : public InferenceWrapper {
 public:
  explicit TellsOutputs(std::vector<float> scores, bool unknown) : scores_(std::move(scores)), unknown_(unknown) {}
  void predict(std::span<const Image> /*images*/, std::span<Prediction> out, StageTimer& /*timer*/) override {
    for (Prediction& prediction : out) {
      prediction = {0.6, 0.4, scores_.size() > 2 ? std::optional<std::size_t>(1) : std::nullopt};
    }
  }
  [[nodiscard]] ExecutionFacts execution_facts() const override {
    ExecutionFacts facts;
    facts.outputs_unknown = unknown_;
    return facts;
  }
  [[nodiscard]] bool asynchronous() const noexcept override { return false; }
  [[nodiscard]] std::span<const float> scores() const override { return scores_; }

 private:
  std::vector<float> scores_;
  bool unknown_;
};

ApproachResult telling(std::vector<float> scores, std::vector<std::string> classes, bool unknown = true) {
  const ManualClock clock;
  Dataset set = numbered_dataset(6);
  set.classes = std::move(classes);
  if (set.classes.empty()) {
    for (DatasetEntry& entry : set.entries) entry.label.reset();
  }
  BenchmarkSuite suite(std::move(set), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<TellsOutputs>(std::move(scores), unknown));
  return suite.run().collector.results()[0];
}

TEST(BenchmarkSuite, FailsANetworkWithOtherOutputsThanTheDataSetHasClasses) {
  const std::vector<std::string> two = {"even", "odd"};
  const std::vector<std::string> three = {"even", "odd", "neither"};
  EXPECT_EQ(telling({1, 2, 3}, two)
                .error.value_or("")
                .find("the network gives 3 numbers for each image, and the data "
                      "set has 2 classes"),
            0U);
  EXPECT_TRUE(telling({1}, three).error);
  EXPECT_TRUE(telling({1, 2}, three).error);
  EXPECT_TRUE(telling({1, 2, 3, 4}, three).error);
  for (const std::vector<float>& fit : {std::vector<float>{1}, {1, 2}}) EXPECT_FALSE(telling(fit, two).error);
  EXPECT_FALSE(telling({1, 2, 3}, three).error);
  EXPECT_FALSE(telling({}, two).error) << "an engine need not tell";
  EXPECT_FALSE(telling({1, 2, 3}, {}).error) << "without labels any number will do";
}

TEST(BenchmarkSuite, LooksAtAllThatIsReadAsLogits) {
  EXPECT_EQ(telling({0.3F, 0.7F}, {"even", "odd"}).logits, (LogitRows{6, 6, 6, 0, 0}));
  EXPECT_EQ(telling({0.3F, 0.7F}, {"even", "odd"}, false).logits, (LogitRows{6, 6, 0, 0, 0}));
  EXPECT_EQ(telling({-0.7F}, {"even", "odd"}).logits, (LogitRows{6, 0, 0, 0, 0}));
}

TEST(BenchmarkSuite, SkipsBrokenImagesForAllApproachesAndNamesThem) {
  const ManualClock clock;
  auto images = std::make_shared<NumberedImages>();
  images->broken = {"0", "7"};
  BenchmarkSuite suite(numbered_dataset(10), images, one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  suite.add(named("b"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  ASSERT_EQ(result.dataset.skipped.size(), 2U);
  EXPECT_EQ(result.dataset.skipped[0].path, "0");
  EXPECT_EQ(result.dataset.skipped[0].reason, "broken on purpose");
  for (const ApproachResult& approach : result.collector.results()) EXPECT_EQ(approach.inferences.size(), 8U);
}

TEST(BenchmarkSuite, CountsAnImageThatLostItsLowByteOnceInAllPasses) {
  const ManualClock clock;
  auto images = std::make_shared<NumberedImages>();
  images->sixteen_bit = {"0", "3", "9"};
  RunOptions options;
  options.passes = 3;
  BenchmarkSuite suite(numbered_dataset(10), images, options, ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  suite.add(named("b"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  EXPECT_EQ(result.sixteen_bit_ranges,
            (std::vector<SampleRange>{
                {.lowest = 100, .highest = 4000}, {.lowest = 103, .highest = 4003}, {.lowest = 109, .highest = 4009}}));
}

TEST(BenchmarkSuite, RefusesASetOfWhichNoImageCanBeRead) {
  const ManualClock clock;
  auto images = std::make_shared<NumberedImages>();
  images->broken = {"0", "1", "2"};
  BenchmarkSuite suite(numbered_dataset(3), images, one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  EXPECT_THROW(suite.run(), InputError);
}

TEST(BenchmarkSuite, CountsAnImageThatThrowsAndGoesOn) {
  const ManualClock clock;
  auto oracle = std::make_unique<Oracle>();
  oracle->engine().throws_on[4] = "bad luck";
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::move(oracle));
  const SuiteResult result = suite.run();
  const ApproachResult& approach = result.collector.results()[0];
  ASSERT_EQ(approach.failures.size(), 1U);
  EXPECT_EQ(approach.failures[0].image, 4U);
  EXPECT_EQ(approach.failures[0].reason, "bad luck");
  EXPECT_FALSE(approach.inferences[4].prediction);
  EXPECT_FALSE(approach.calls[4].timed);
  EXPECT_TRUE(approach.inferences[5].prediction);
  EXPECT_FALSE(approach.error);
}

TEST(BenchmarkSuite, FailsImagesWhosePredictionIsNotANumber) {
  const ManualClock clock;
  auto oracle = std::make_unique<Oracle>();
  oracle->engine().returns_on = {{2, std::nan("")}, {3, std::numeric_limits<double>::infinity()}, {6, 1.5}};
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::move(oracle));
  const SuiteResult result = suite.run();
  const ApproachResult& approach = result.collector.results()[0];
  ASSERT_EQ(approach.failures.size(), 3U);
  EXPECT_NE(approach.failures[0].reason.find("NaN"), std::string::npos);
  EXPECT_NE(approach.failures[2].reason.find("outside [0, 1]"), std::string::npos);
}

TEST(BenchmarkSuite, FailsAnApproachOfWhichEveryImageFailed) {
  const ManualClock clock;
  auto oracle = std::make_unique<Oracle>();
  for (std::size_t i = 0; i < 10; ++i) oracle->engine().returns_on[i] = std::nan("");
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::move(oracle));
  suite.add(named("b"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  EXPECT_NE(result.collector.results()[0].error->find("every image failed"), std::string::npos);
  EXPECT_FALSE(result.collector.results()[1].error);
}

TEST(BenchmarkSuite, CatchesAnEngineThatRunsAnotherPrecisionThanItWasAskedFor) {
  const ManualClock clock;
  Approach asked = named("liar");
  asked.precision = Precision::fp16;
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(asked, std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  EXPECT_EQ(result.collector.results()[0].error.value(), "asked for fp16 on cpu, but the tensors were fp32 on cpu");
  EXPECT_TRUE(result.collector.results()[0].inferences.empty());
}

TEST(BenchmarkSuite, KeepsWhatWasMeasuredWhenInterrupted) {
  const ManualClock clock;
  RunOptions options = one_pass();
  options.warmup = 0;
  options.settle = 0;
  BenchmarkSuite suite(numbered_dataset(40), std::make_shared<NumberedImages>(), options, ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  suite.add(named("b"), std::make_unique<Oracle>());
  Interrupter interrupter(37);
  const SuiteResult result = suite.run(interrupter);
  EXPECT_TRUE(result.interrupted);
  std::size_t measured = 0;
  for (const ApproachResult& approach : result.collector.results()) {
    measured += approach.inferences.size();
    EXPECT_EQ(approach.calls.size(), approach.inferences.size());
    for (const InferenceRecord& record : approach.inferences) EXPECT_TRUE(record.prediction);
  }
  EXPECT_GT(measured, 10U);
  EXPECT_LT(measured, 37U);
}

TEST(BenchmarkSuite, EndsTheWarmUpWhenInterruptedAndStillKnowsWhatRuns) {
  const ManualClock clock;
  RunOptions options = one_pass();
  options.warmup = 1000;
  BenchmarkSuite suite(numbered_dataset(40), std::make_shared<NumberedImages>(), options, ManualClock::clock());
  auto oracle = std::make_unique<Oracle>();
  const OracleEngine& watched = oracle->engine();
  suite.add(named("a"), std::move(oracle));
  auto bf16 = std::make_unique<Oracle>();
  bf16->engine().facts.precision = Precision::bf16;
  suite.add({"b", "oracle", Precision::bf16, Device{}, {}}, std::move(bf16));
  Interrupter interrupter(5);
  const SuiteResult result = suite.run(interrupter);
  EXPECT_TRUE(result.interrupted);
  EXPECT_LT(watched.calls.size(), 6U);
  EXPECT_EQ(result.collector.results()[1].facts.precision, Precision::bf16);
}

TEST(BenchmarkSuite, KeepsTheOthersWhereOneCannotTellWhatRuns) {
  struct Silent : OracleEngine {
    [[nodiscard]] ExecutionFacts execution_facts() const { throw BackendError("a foreign type"); }
    [[nodiscard]] std::optional<std::uint64_t> device_peak_bytes() const { throw BackendError("no idea"); }
  };
  const ManualClock clock;
  BenchmarkSuite suite(numbered_dataset(4), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add(named("a"), std::make_unique<Timed<Silent>>());
  suite.add(named("b"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  EXPECT_EQ(result.collector.results()[0].error.value_or(""), "cannot tell what runs: a foreign type");
  EXPECT_TRUE(result.collector.results()[0].inferences.empty());
  EXPECT_EQ(result.collector.results()[1].inferences.size(), 4U);
}

TEST(BenchmarkSuite, CountsAsFailedWhatFailsInAnyPassOfAnAsynchronousDevice) {
  struct FailsWithWaits : AsynchronousEngine {
    void synchronize() {
      AsynchronousEngine::synchronize();
      if (waits - waits_at_start() > 3) throw std::runtime_error("the device is lost");
    }
  };
  const ManualClock clock;
  BenchmarkSuite suite(numbered_dataset(4), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add({"gpu", "fake", Precision::fp16, Device{Device::Kind::cuda, 0}, {}},
            std::make_unique<Timed<FailsWithWaits>>());
  const SuiteResult result = suite.run();
  const ApproachResult& approach = result.collector.results()[0];
  ASSERT_EQ(approach.failures.size(), 4U);
  EXPECT_EQ(approach.failures[0].reason, "the device is lost");
  EXPECT_EQ(approach.nondeterministic_predictions, 0U);
}

TEST(BenchmarkSuite, LeavesAShortLastBatchOutOfTimingButNotOutOfPredictions) {
  const ManualClock clock;
  RunOptions options = one_pass();
  options.batch = 4;
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), options, ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  const ApproachResult& approach = result.collector.results()[0];
  ASSERT_EQ(approach.calls.size(), 3U);
  EXPECT_TRUE(approach.calls[1].timed);
  EXPECT_FALSE(approach.calls[2].timed);
  EXPECT_EQ(approach.calls[2].size, 2U);
  EXPECT_EQ(approach.calls[0].times[Stage::decode], Nanoseconds{200});
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_DOUBLE_EQ(approach.inferences[i].prediction->probability, i % 2 == 1 ? 0.9 : 0.1);
}

TEST(BenchmarkSuite, TakesTotalAndStagesOfAnAsynchronousDeviceFromDifferentPasses) {
  const ManualClock clock;
  auto device = std::make_unique<Timed<AsynchronousEngine>>();
  device->engine().wait_cost = Nanoseconds{7};
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add({"gpu", "fake", Precision::fp16, Device{Device::Kind::cuda, 0}, {}}, std::move(device));
  const SuiteResult result = suite.run();
  const ApproachResult& approach = result.collector.results()[0];
  ASSERT_EQ(approach.calls.size(), 10U);
  EXPECT_TRUE(approach.asynchronous);
  for (const CallRecord& call : approach.calls) {
    EXPECT_EQ(call.times[Stage::total], Nanoseconds{10 + 21 + 301 + 41 + 6 + 7});
    EXPECT_EQ(call.times[Stage::total_with_waits], Nanoseconds{10 + 21 + 301 + 41 + 6 + 4 * 7});
    EXPECT_EQ(call.times[Stage::feature_extraction], Nanoseconds{301 + 7});
    EXPECT_EQ(call.times[Stage::inference], Nanoseconds{301 + 41 + 7});
  }
  EXPECT_EQ(approach.nondeterministic_predictions, 0U);
}

TEST(BenchmarkSuite, CountsPredictionsThatDifferInAStagedPass) {
  const ManualClock clock;
  auto device = std::make_unique<Timed<AsynchronousEngine>>();
  device->engine().probability_with_waits = 0.2;
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), one_pass(), ManualClock::clock());
  suite.add({"gpu", "fake", Precision::fp16, Device{Device::Kind::cuda, 0}, {}}, std::move(device));
  const SuiteResult result = suite.run();
  EXPECT_EQ(result.collector.results()[0].nondeterministic_predictions, 10U);
  EXPECT_DOUBLE_EQ(result.collector.results()[0].inferences[0].prediction->probability, 0.9);
}

TEST(BenchmarkSuite, ComparesAnswersOfPassesByThePositiveClass) {
  const ManualClock clock;
  Dataset set = numbered_dataset(10);
  set.positive = 0;
  RunOptions options = one_pass();
  options.threshold = 0.3;
  auto device = std::make_unique<Timed<AsynchronousEngine>>();
  device->engine().probability_with_waits = 0.6;  // 0.4 of class 0, which is enough; and 0.1 in the other passes
  BenchmarkSuite suite(set, std::make_shared<NumberedImages>(), options, ManualClock::clock());
  suite.add({"gpu", "fake", Precision::fp16, Device{Device::Kind::cuda, 0}, {}}, std::move(device));
  EXPECT_EQ(suite.run().collector.results()[0].nondeterministic_predictions, 10U);
}

TEST(BenchmarkSuite, FailsImagesOfABatchThatTheEngineLeavesOut) {
  struct FirstOnly {
    static ExecutionFacts execution_facts() { return {}; }
    static int preprocess(std::span<const Image>) { return 0; }
    static void infer(const int&, std::span<Prediction> out) { out[0].probability = 0.5; }
  };
  const ManualClock clock;
  RunOptions options = one_pass();
  options.batch = 2;
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>(), options, ManualClock::clock());
  suite.add(named("a"), std::make_unique<Timed<FirstOnly>>());
  const SuiteResult result = suite.run();
  const ApproachResult& approach = result.collector.results()[0];
  ASSERT_EQ(approach.failures.size(), 5U);
  EXPECT_EQ(approach.failures[0].image, 1U);
  EXPECT_EQ(approach.failures[0].reason, "the engine wrote no prediction");
  EXPECT_TRUE(approach.inferences[0].prediction);
}

TEST(BenchmarkSuite, DecodesEachImageOnceForAllApproachesOfARound) {
  const ManualClock clock;
  auto images = std::make_shared<NumberedImages>();
  RunOptions options = one_pass();
  options.warmup = 0;
  BenchmarkSuite suite(numbered_dataset(40), images, options, ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  suite.add(named("b"), std::make_unique<Oracle>());
  (void)suite.run();
  EXPECT_LE(images->loads, 41U);  // one more to see that there is an image at all
}

TEST(BenchmarkSuite, CutsATurnIntoBlocksThatFitTheMemoryAndStillRecordsAll) {
  const ManualClock clock;
  auto images = std::make_shared<NumberedImages>();
  RunOptions options = one_pass();
  options.round_memory_bytes = 3 * 16;  // three of the images
  options.warmup = 0;
  BenchmarkSuite suite(numbered_dataset(20), images, options, ManualClock::clock());
  suite.add(named("a"), std::make_unique<Oracle>());
  suite.add(named("b"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  for (const ApproachResult& approach : result.collector.results()) {
    ASSERT_EQ(approach.inferences.size(), 20U);
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(approach.inferences[i].image, i);
    EXPECT_EQ(approach.settling_calls, 2U + 3U);  // once a turn, not once a block; twice before anything was measured
  }
}

TEST(BenchmarkSuite, RefusesAnEmptyBatch) {
  RunOptions options;
  options.batch = 0;
  EXPECT_THROW(BenchmarkSuite(numbered_dataset(1), std::make_shared<NumberedImages>(), options), UsageError);
}

TEST(BenchmarkSuite, GoesOnAsLongAsItIsTold) {
  RunOptions options;
  options.rounds = 6;
  BenchmarkSuite suite(numbered_dataset(30), std::make_shared<NumberedImages>(), options, ManualClock::clock());
  suite.add(named("one"), std::make_unique<Oracle>());
  suite.add(named("two"), std::make_unique<Oracle>());
  std::vector<std::size_t> seen;
  RunObserver silent;
  const SuiteResult result = suite.run(silent, [&](const SuiteResult& so_far) -> std::variant<MoreRounds, std::string> {
    seen.push_back(so_far.collector.results()[1].inferences.size());
    if (seen.size() == 3) return "seen enough";
    return MoreRounds{2, 0};
  });
  EXPECT_EQ(seen, (std::vector<std::size_t>{30, 40, 50}));
  EXPECT_EQ(result.stopped_because, "seen enough");
  EXPECT_EQ(result.round_count, 10U);
  EXPECT_EQ(result.passes, 2U);
  for (const ApproachResult& approach : result.collector.results()) {
    EXPECT_EQ(approach.inferences.size(), 50U);
    EXPECT_EQ(approach.calls.back().pass, 1U);
  }
}

TEST(BenchmarkSuite, KeepsWhatTheNetworkGotForTheFirstImageOfEightRounds) {
  RunOptions options;
  options.passes = 2;
  BenchmarkSuite suite(numbered_dataset(60), std::make_shared<NumberedImages>(), options, ManualClock::clock());
  suite.add(named("one"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  const auto& inputs = result.collector.results()[0].inputs;
  ASSERT_EQ(inputs.size(), 8U);
  for (std::size_t round = 0; round < 8; ++round) {
    EXPECT_EQ(inputs[round].image, 5 * round);
    EXPECT_EQ(inputs[round].values, (std::vector<float>{static_cast<float>(5 * round), 0.5F}));
  }
}

TEST(BenchmarkSuite, TellsApproachesOfOneNameApart) {
  BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>());
  for (int i = 0; i < 3; ++i) suite.add(parse_approach("net=oracle-fp32@cpu"), std::make_unique<Oracle>());
  const SuiteResult result = suite.run();
  std::vector<std::string> names;
  for (const ApproachResult& approach : result.collector.results()) names.push_back(approach.approach.label());
  EXPECT_EQ(names, (std::vector<std::string>{"net", "net#2", "net#3"}));
}

TEST(BenchmarkSuite, RefusesWhatCannotBeMeasuredBeforeItMeasures) {
  const auto images = std::make_shared<NumberedImages>();
  const auto refused = [&](auto change) {
    RunOptions options;
    change(options);
    EXPECT_THROW(BenchmarkSuite(numbered_dataset(10), images, options), UsageError);
  };
  refused([](RunOptions& options) { options.threshold = std::nan(""); });
  refused([](RunOptions& options) { options.threshold = 1.5; });
  refused([](RunOptions& options) { options.passes = 0; });
  refused([](RunOptions& options) { options.rounds = 0; });
  refused([](RunOptions& options) { options.batch = 0; });
  refused([](RunOptions& options) { options.processes = 0; });
  EXPECT_THROW(BenchmarkSuite(numbered_dataset(10), nullptr), std::invalid_argument);
  Dataset mislabelled = numbered_dataset(10);
  mislabelled.entries[3].label = 9;
  EXPECT_THROW(BenchmarkSuite(mislabelled, images), std::invalid_argument);
  BenchmarkSuite suite(numbered_dataset(10), images);
  EXPECT_THROW(suite.add(parse_approach("a=oracle-fp32@cpu"), std::unique_ptr<InferenceWrapper>()),
               std::invalid_argument);
}

TEST(BenchmarkSuite, RefusesSeveralGenerationsOfOneProcessAndApproachesThatAreNotMeasuredAlike) {
  RunOptions options;
  options.processes = 5;
  BenchmarkSuite alone(numbered_dataset(10), std::make_shared<NumberedImages>(), options);
  alone.add(parse_approach("a=oracle-fp32@cpu"), std::make_unique<Oracle>());
  EXPECT_THROW((void)alone.run(), UsageError);
  BenchmarkSuite mixed(numbered_dataset(10), std::make_shared<NumberedImages>());
  mixed.add(parse_approach("a=oracle-fp32@cpu"), std::make_unique<Oracle>());
  mixed.add(ApproachRequest{}, WorkerCommand{"/bin/true", {}});
  EXPECT_THROW((void)mixed.run(), UsageError);
}

/// Throws what has nothing to say, or what is no exception.
struct Silent {
  bool number = false;
  ExecutionFacts execution_facts() const { return {}; }
  int preprocess(std::span<const Image> /*images*/) { return 0; }
  void infer(const int& /*input*/, std::span<Prediction> /*out*/) {
    if (number) throw 42;  // NOLINT(hicpp-exception-baseclass): what somebody's engine may do
    throw std::runtime_error("");
  }
};

TEST(BenchmarkSuite, CountsAFailureThatSaysNothingOfItselfAndOneThatIsNoException) {
  for (const bool number : {false, true}) {
    BenchmarkSuite suite(numbered_dataset(10), std::make_shared<NumberedImages>());
    auto silent = std::make_unique<Timed<Silent>>();
    silent->engine().number = number;
    suite.add(parse_approach("silent-fp32@cpu"), std::move(silent));
    suite.add(parse_approach("oracle-fp32@cpu"), std::make_unique<Oracle>());
    const SuiteResult result = suite.run();
    EXPECT_EQ(result.collector.results()[0].failures.size(), 10U * result.passes);
    EXPECT_TRUE(result.collector.results()[0].error);
    EXPECT_FALSE(result.collector.results()[0].failures[0].reason.empty());
    EXPECT_FALSE(result.collector.results()[1].error);
  }
}

}  // namespace
}  // namespace stagemark
