// Asynchronous measuring on a device with a queue and a thread of its own, as a GPU has: launches return at once, the work
// is done later and in order, and what goes wrong in it is told by whoever waits next.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "stagemark/backend/timed.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "suite/numbered_dataset.hpp"
#include "suite/one_pass.hpp"

namespace stagemark {
namespace {

using std::chrono::microseconds;

class QueuedDevice {
 public:
  QueuedDevice() = default;
  QueuedDevice(const QueuedDevice&) = delete;
  QueuedDevice& operator=(const QueuedDevice&) = delete;
  ~QueuedDevice() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void launch(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push(std::move(work));
    }
    changed_.notify_all();
  }

  /// \throws what the first work since the last wait threw
  void synchronize() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.empty(); });
    if (const std::exception_ptr error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ends_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::function<void()>& work = queue_.front();
      lock.unlock();
      std::exception_ptr error;
      try {
        work();
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (!error_) error_ = error;
      // Only now, so that who waits for the queue waits for the work.
      queue_.pop();
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<std::function<void()>> queue_;
  std::exception_ptr error_;
  bool ends_ = false;
  std::thread thread_{[this] { run(); }};
};

/// How long the device takes for each part.
constexpr auto upload_time = microseconds{300};
constexpr auto features_time = microseconds{600};
constexpr auto classify_time = microseconds{400};

/// Its buffers are made once and written again by each call, as those of a recorded graph are: what overtook the device
/// would answer one image with another's number. Answers each image with the probability that its first pixel says.
class QueuedEngine {
 public:
  std::set<int> fails_on;  ///< in the device's work

  [[nodiscard]] ExecutionFacts execution_facts() const {
    return {Precision::fp32, Device{Device::Kind::cuda, 0}, std::nullopt, {}};
  }
  int preprocess(std::span<const Image> images) {
    pinned_.assign(images.size(), 0);
    for (std::size_t i = 0; i < images.size(); ++i) pinned_[i] = images[i].pixels[0];
    return 0;
  }
  int upload(const int&) {
    return launch(upload_time, [this] { input_ = pinned_; });
  }
  int extract_features(const int&) {
    return launch(features_time, [this] {
      if (!input_.empty() && fails_on.contains(input_[0])) throw std::runtime_error("an illegal access");
      features_ = input_;
    });
  }
  int classify(const int&) {
    return launch(classify_time, [this] { output_ = features_; });
  }
  /// Like the copy of a tensor to the host, it waits for the device.
  void download(const int&, std::span<Prediction> out) {
    device_.synchronize();
    for (std::size_t i = 0; i < out.size(); ++i) out[i].probability = output_[i] / 256.0;
  }
  void synchronize() { device_.synchronize(); }

 private:
  int launch(microseconds time, std::function<void()> work) {
    device_.launch([time, work = std::move(work)] {
      std::this_thread::sleep_for(time);
      work();
    });
    return 0;
  }

  std::vector<int> pinned_, input_, features_, output_;
  QueuedDevice device_;  // last, so that its thread ends first
};

/// Image i is all of pixels i.
class NumberedPixels final : public ImageSource {
 public:
  [[nodiscard]] Image load(const std::filesystem::path& file) const override {
    return {1, 1, 1, {static_cast<std::uint8_t>(std::stoi(file.filename().string()))}};
  }
};

ApproachResult measured(std::unique_ptr<Timed<QueuedEngine>> engine, std::size_t images, std::size_t batch = 1) {
  RunOptions options = one_pass();
  options.batch = batch;
  BenchmarkSuite suite(numbered_dataset(images), std::make_shared<NumberedPixels>(), options);
  suite.add({"gpu", "fake", Precision::fp32, Device{Device::Kind::cuda, 0}, {}}, std::move(engine));
  return suite.run().collector.results()[0];
}

void expect_own_answers(const ApproachResult& result) {
  for (const InferenceRecord& inference : result.inferences) {
    ASSERT_TRUE(inference.prediction) << inference.image;
    EXPECT_EQ(inference.prediction->probability, static_cast<double>(inference.image) / 256.0);
  }
  EXPECT_EQ(result.nondeterministic_predictions, 0U);
}

TEST(QueuedDevice, HasDoneAStagesWorkWhenTheStageEnds) {
  const ApproachResult result = measured(std::make_unique<Timed<QueuedEngine>>(), 20);
  ASSERT_EQ(result.calls.size(), 20U);
  for (const CallRecord& call : result.calls) {
    EXPECT_GE(call.times[Stage::upload], upload_time);
    EXPECT_GE(call.times[Stage::feature_extraction], features_time);
    EXPECT_GE(call.times[Stage::classification], classify_time);
    EXPECT_GE(call.times[Stage::inference], features_time + classify_time);
    EXPECT_GE(call.times[Stage::total], upload_time + features_time + classify_time);
    EXPECT_GE(call.times[Stage::total_with_waits], upload_time + features_time + classify_time);
  }
}

TEST(QueuedDevice, AnswersEachImageInEveryPassThoughItsBuffersAreWrittenAgain) {
  expect_own_answers(measured(std::make_unique<Timed<QueuedEngine>>(), 40));
  expect_own_answers(measured(std::make_unique<Timed<QueuedEngine>>(), 40, 5));
}

TEST(QueuedDevice, BlamesTheImageOfWhichTheWorkFailedAndNotTheNext) {
  auto engine = std::make_unique<Timed<QueuedEngine>>();
  engine->engine().fails_on = {7, 8, 19};
  const ApproachResult result = measured(std::move(engine), 20);
  std::set<std::size_t> failed;
  for (const FailedImage& failure : result.failures) {
    failed.insert(failure.image);
    EXPECT_EQ(failure.reason, "an illegal access");
  }
  EXPECT_EQ(failed, (std::set<std::size_t>{7, 8, 19}));
  for (const InferenceRecord& inference : result.inferences) {
    EXPECT_EQ(inference.prediction.has_value(), !failed.contains(inference.image)) << inference.image;
  }
}

/// One that never waits by itself: what it launched is told by the wait at the end of the call.
class SilentEngine {
 public:
  [[nodiscard]] ExecutionFacts execution_facts() const { return {}; }
  static int preprocess(std::span<const Image> images) { return images[0].pixels[0]; }
  void infer(const int& pixel, std::span<Prediction> out) {
    device_.launch([pixel, out] {
      std::this_thread::sleep_for(features_time);
      if (pixel == 3) throw std::runtime_error("late");
      out[0].probability = pixel / 256.0;
    });
  }
  void synchronize() { device_.synchronize(); }

 private:
  QueuedDevice device_;
};

TEST(QueuedDevice, IsWaitedForBeforeACallsAnswerCounts) {
  for (const TimingMode mode : {TimingMode::total_only, TimingMode::stages, TimingMode::whole_network}) {
    Timed<SilentEngine> engine;
    StageTimer timer(mode);
    for (std::uint8_t pixel = 1; pixel < 6; ++pixel) {
      const Image image{1, 1, 1, {pixel}};
      Prediction prediction;
      const auto predict = [&] { engine.predict({&image, 1}, {&prediction, 1}, timer); };
      if (pixel == 3) {
        EXPECT_THROW(predict(), std::runtime_error);
      } else {
        predict();
        EXPECT_EQ(prediction.probability, pixel / 256.0);
      }
      (void)timer.take();
    }
  }
}

}  // namespace
}  // namespace stagemark
