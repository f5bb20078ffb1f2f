#include "stagemark/backend/host_backend.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

#include "fakes/manual_clock.hpp"

namespace stagemark {
namespace {

using fakes::ManualClock;

/// Burns a known time in each stage.
class Burner final : public HostBackend<int, int> {
 public:
  bool fails_in_classify = false;
  [[nodiscard]] ExecutionFacts execution_facts() const override { return {}; }

 protected:
  int preprocess(std::span<const Image> images) override {
    ManualClock::burn(Nanoseconds{10});
    return static_cast<int>(images.size());
  }
  int extract_features(const int& input) override {
    ManualClock::burn(Nanoseconds{100});
    return input * 2;
  }
  void classify(const int& features, std::span<Prediction> out) override {
    ManualClock::burn(Nanoseconds{1000});
    if (fails_in_classify) throw std::runtime_error("no");
    for (Prediction& prediction : out) prediction.probability = features / 10.0;
  }
};

class WholeBurner final : public WholeNetworkBackend<int> {
 public:
  [[nodiscard]] ExecutionFacts execution_facts() const override { return {}; }

 protected:
  int preprocess(std::span<const Image>) override {
    ManualClock::burn(Nanoseconds{10});
    return 0;
  }
  void infer(const int&, std::span<Prediction>) override { ManualClock::burn(Nanoseconds{500}); }
};

TEST(HostBackend, TimesEachTypedStageAndHandsResultsOn) {
  const ManualClock clock;
  Burner burner;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  const std::array<Image, 2> images;
  std::array<Prediction, 2> out;
  burner.predict(images, out, timer);
  const StageTimes times = timer.take();
  EXPECT_EQ(times[Stage::preprocessing], Nanoseconds{10});
  EXPECT_EQ(times[Stage::feature_extraction], Nanoseconds{100});
  EXPECT_EQ(times[Stage::classification], Nanoseconds{1000});
  EXPECT_EQ(times[Stage::inference], Nanoseconds{1100});
  EXPECT_FALSE(times.has(Stage::upload));
  EXPECT_DOUBLE_EQ(out[1].probability, 0.4);
}

TEST(HostBackend, ReadsNoClockInsideATotalOnlyPass) {
  const ManualClock clock;
  Burner burner;
  StageTimer timer(TimingMode::total_only, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  burner.predict(images, out, timer);
  const StageTimes times = timer.take();
  for (const Stage stage : all_stages) EXPECT_FALSE(times.has(stage)) << to_string(stage);
}

TEST(HostBackend, KeepsTheStagesBeforeOneThatThrowsAndLosesThatOne) {
  const ManualClock clock;
  Burner burner;
  burner.fails_in_classify = true;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  EXPECT_THROW(burner.predict(images, out, timer), std::runtime_error);
  const StageTimes times = timer.take();
  EXPECT_TRUE(times.has(Stage::feature_extraction));
  EXPECT_FALSE(times.has(Stage::classification));
  EXPECT_FALSE(times.has(Stage::inference));
}

TEST(WholeNetworkBackend, HasInferenceButNoParts) {
  const ManualClock clock;
  WholeBurner burner;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  burner.predict(images, out, timer);
  const StageTimes times = timer.take();
  EXPECT_EQ(times[Stage::inference], Nanoseconds{500});
  EXPECT_FALSE(times.has(Stage::feature_extraction));
  EXPECT_FALSE(times.has(Stage::classification));
}

}  // namespace
}  // namespace stagemark
