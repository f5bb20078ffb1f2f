#include "stagemark/backend/timed.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "fakes/asynchronous_engine.hpp"
#include "fakes/manual_clock.hpp"

namespace stagemark {
namespace {

using fakes::AsynchronousEngine;
using fakes::ManualClock;

/// Burns a known time in each stage.
struct Burner {
  bool fails_in_classify = false;
  [[nodiscard]] ExecutionFacts execution_facts() const { return {}; }

  int preprocess(std::span<const Image> images) {
    ManualClock::burn(Nanoseconds{10});
    return static_cast<int>(images.size());
  }
  int extract_features(const int& input) {
    ManualClock::burn(Nanoseconds{100});
    return input * 2;
  }
  void classify(const int& features, std::span<Prediction> out) {
    ManualClock::burn(Nanoseconds{1000});
    if (fails_in_classify) throw std::runtime_error("no");
    for (Prediction& prediction : out) prediction.probability = features / 10.0;
  }
};

struct WholeBurner {
  [[nodiscard]] ExecutionFacts execution_facts() const { return {}; }

  int preprocess(std::span<const Image>) {
    ManualClock::burn(Nanoseconds{10});
    return 0;
  }
  void infer(const int&, std::span<Prediction>) { ManualClock::burn(Nanoseconds{500}); }
};

TEST(TimedHost, TimesEachTypedStageAndHandsResultsOn) {
  const ManualClock clock;
  Timed<Burner> burner;
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

TEST(TimedHost, ReadsNoClockInsideATotalOnlyPass) {
  const ManualClock clock;
  Timed<Burner> burner;
  StageTimer timer(TimingMode::total_only, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  burner.predict(images, out, timer);
  const StageTimes times = timer.take();
  for (const Stage stage : all_stages) EXPECT_FALSE(times.has(stage)) << to_string(stage);
}

TEST(TimedHost, KeepsTheStagesBeforeOneThatThrowsAndLosesThatOne) {
  const ManualClock clock;
  Timed<Burner> burner;
  burner.engine().fails_in_classify = true;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  EXPECT_THROW(burner.predict(images, out, timer), std::runtime_error);
  const StageTimes times = timer.take();
  EXPECT_TRUE(times.has(Stage::feature_extraction));
  EXPECT_FALSE(times.has(Stage::classification));
  EXPECT_FALSE(times.has(Stage::inference));
}

TEST(TimedHost, HasInferenceButNoPartsWhereTheNetworkIsInOnePiece) {
  const ManualClock clock;
  Timed<WholeBurner> burner;
  StageTimer timer(TimingMode::stages, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  burner.predict(images, out, timer);
  const StageTimes times = timer.take();
  EXPECT_EQ(times[Stage::inference], Nanoseconds{500});
  EXPECT_FALSE(times.has(Stage::feature_extraction));
  EXPECT_FALSE(times.has(Stage::classification));
}

StageTimes times_of(InferenceWrapper& device, TimingMode mode) {
  StageTimer timer(mode, ManualClock::clock());
  const std::array<Image, 1> images;
  std::array<Prediction, 1> out;
  timer.time(Stage::total, [&] { device.predict(images, out, timer); });
  return timer.take();
}

TEST(TimedDevice, EndsEachStageWhenTheDeviceHasFinishedIt) {
  const ManualClock clock;
  Timed<AsynchronousEngine> device;
  const StageTimes times = times_of(device, TimingMode::stages);
  EXPECT_EQ(times[Stage::preprocessing], Nanoseconds{10});
  EXPECT_EQ(times[Stage::upload], Nanoseconds{21});
  EXPECT_EQ(times[Stage::feature_extraction], Nanoseconds{301});
  EXPECT_EQ(times[Stage::classification], Nanoseconds{41});
  EXPECT_EQ(times[Stage::download], Nanoseconds{6});
  EXPECT_FALSE(times.has(Stage::inference));
  EXPECT_EQ(device.engine().waits, 4U);
}

TEST(TimedDevice, WaitsOnceInATotalOnlyPassAndCountsAllTheWork) {
  const ManualClock clock;
  Timed<AsynchronousEngine> device;
  device.engine().wait_cost = Nanoseconds{7};
  const StageTimes times = times_of(device, TimingMode::total_only);
  EXPECT_EQ(device.engine().waits, 1U);
  EXPECT_EQ(times[Stage::total], Nanoseconds{10 + 21 + 301 + 41 + 6 + 7});
  EXPECT_FALSE(times.has(Stage::upload));
}

TEST(TimedDevice, TimesTheWholeNetworkBetweenTwoWaitsAndWithoutTheUpload) {
  const ManualClock clock;
  Timed<AsynchronousEngine> device;
  const StageTimes times = times_of(device, TimingMode::whole_network);
  EXPECT_EQ(times[Stage::inference], Nanoseconds{301 + 41});
  EXPECT_FALSE(times.has(Stage::feature_extraction));
}

TEST(TimedDevice, WaitsForWhatWasLaunchedBeforeItLetsAnExceptionPass) {
  struct CannotClassify : AsynchronousEngine {
    int classify(const int&) { throw std::runtime_error("no head"); }
  };
  const ManualClock clock;
  Timed<CannotClassify> device;
  EXPECT_THROW((void)times_of(device, TimingMode::total_only), std::runtime_error);
  EXPECT_GT(device.engine().waits, 0U);
  EXPECT_GE(ManualClock::clock().now(), Nanoseconds{10 + 20 + 300});
}

/// Its calls return when the work is done, and it says so: a server at the other end of a wire.
struct Remote {
  static constexpr bool asynchronous = false;
  static ExecutionFacts execution_facts() { return {}; }
  static int preprocess(std::span<const Image>) { return 1; }
  static int upload(const int& input) {
    ManualClock::burn(Nanoseconds{20});
    return input;
  }
  static int infer(const int& input) {
    ManualClock::burn(Nanoseconds{300});
    return input;
  }
  static void download(const int&, std::span<Prediction> out) {
    ManualClock::burn(Nanoseconds{5});
    out[0].probability = 0.5;
  }
};

TEST(TimedHost, TimesUploadAndDownloadOfAnEngineThatHasThem) {
  const ManualClock clock;
  Timed<Remote> remote;
  EXPECT_FALSE(remote.asynchronous());
  const StageTimes times = times_of(remote, TimingMode::stages);
  EXPECT_EQ(times[Stage::upload], Nanoseconds{20});
  EXPECT_EQ(times[Stage::inference], Nanoseconds{300});
  EXPECT_EQ(times[Stage::download], Nanoseconds{5});
  EXPECT_EQ(times[Stage::total], Nanoseconds{325});
}

/// The same device, its network in one piece.
struct OnePiece : AsynchronousEngine {
  int extract_features(const int&) = delete;
  int classify(const int&) = delete;
  int infer(const int&) { return launch(Nanoseconds{340}); }
};

TEST(TimedDevice, DownloadsNothingThatANetworkInOnePieceHasStillToCompute) {
  const ManualClock clock;
  Timed<OnePiece> device;
  const StageTimes times = times_of(device, TimingMode::stages);
  EXPECT_EQ(times[Stage::upload], Nanoseconds{21});
  EXPECT_FALSE(times.has(Stage::inference));
  EXPECT_EQ(times[Stage::download], Nanoseconds{6});
  EXPECT_EQ(times_of(device, TimingMode::whole_network)[Stage::inference], Nanoseconds{341});
}

/// Shares the host's memory, so that it has nothing to move.
struct SharedMemory {
  std::size_t waits = 0;
  static ExecutionFacts execution_facts() { return {}; }
  static int preprocess(std::span<const Image>) { return 1; }
  static void infer(const int&, std::span<Prediction> out) { out[0].probability = 0.5; }
  void synchronize() { ++waits; }
};

TEST(TimedDevice, IsWaitedForAtTheEndInEveryPass) {
  const ManualClock clock;
  Timed<SharedMemory> device;
  EXPECT_TRUE(device.asynchronous());
  for (const TimingMode mode : {TimingMode::total_only, TimingMode::stages}) {
    device.engine().waits = 0;
    (void)times_of(device, mode);
    EXPECT_EQ(device.engine().waits, 1U);
  }
}

TEST(Timed, TellsWhatTheEngineTellsAndNothingElse) {
  struct Telling : Remote {
    std::array<float, 2> scores_ = {1, 2};
    [[nodiscard]] std::span<const float> scores() const { return scores_; }
    static std::vector<float> input_of(const Image&) { return {3}; }
    static std::optional<std::uint64_t> device_peak_bytes() { return 4; }
  };
  Timed<Telling> telling;
  EXPECT_EQ(telling.scores().size(), 2U);
  EXPECT_EQ(telling.input_of({}).size(), 1U);
  EXPECT_EQ(telling.device_peak_bytes(), 4U);
  Timed<Remote> silent;
  EXPECT_TRUE(silent.scores().empty());
  EXPECT_TRUE(silent.input_of({}).empty());
  EXPECT_FALSE(silent.device_peak_bytes());
}

TEST(Timed, HandsStagesWhatAnEngineKeepsWithoutCopyingIt) {
  struct Counted {
    int copies = 0;
    Counted() = default;
    Counted(const Counted& other) : copies(other.copies + 1) {}
    Counted& operator=(const Counted&) = default;
  };
  struct Keeping {
    Counted kept;
    static ExecutionFacts execution_facts() { return {}; }
    const Counted& preprocess(std::span<const Image>) { return kept; }
    static void infer(const Counted& input, std::span<Prediction> out) { out[0].probability = input.copies; }
  };
  Timed<Keeping> keeping;
  std::array<Prediction, 1> out;
  StageTimer timer;
  keeping.predict(std::array<Image, 1>(), out, timer);
  EXPECT_EQ(out[0].probability, 0);
}

}  // namespace
}  // namespace stagemark
