// A program of the library that loads engines of its own in processes of their own, each of them this program started anew.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "stagemark/backend/timed.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/load/load_test.hpp"
#include "stagemark/load/load_worker.hpp"
#include "suite/numbered_dataset.hpp"

namespace {

using namespace stagemark;
using namespace std::chrono_literals;

constexpr std::size_t broken_image = 7;

class Numbers final : public ImageSource {
 public:
  [[nodiscard]] Image load(const std::filesystem::path& file) const override {
    const int number = std::stoi(file.filename().string());
    if (number == static_cast<int>(broken_image)) throw InputError("it is broken");
    return {1, 1, 1, {static_cast<std::uint8_t>(number)}};
  }
};

/// Odd numbers are positive, and the logit is the number.
class Parity {
 public:
  explicit Parity(std::string kind) : kind_(std::move(kind)) {}
  [[nodiscard]] ExecutionFacts execution_facts() const {
    ExecutionFacts facts;
    facts.details = {{"process", std::to_string(getpid())}};
    facts.outputs_unknown = true;
    return facts;
  }
  std::vector<int> preprocess(std::span<const Image> images) {
    ++calls_;
    if (kind_ == "dies" && calls_ == 30) (void)std::raise(SIGKILL);  // which no sanitizer takes for a find
    if (kind_ == "hangs" && calls_ == 30) std::this_thread::sleep_for(1h);
    std::vector<int> numbers;
    for (const Image& image : images) {
      if (kind_ == "fails" && image.pixels[0] % 5 == 0) throw std::runtime_error("five does not go");
      numbers.push_back(image.pixels[0]);
    }
    const auto end = std::chrono::steady_clock::now() + 500us;
    while (std::chrono::steady_clock::now() < end) continue;
    return numbers;
  }
  void infer(const std::vector<int>& numbers, std::span<Prediction> out) {
    scores_.clear();
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool odd = numbers[i] % 2 == 1;
      const bool other = kind_ == "batches-differ" && out.size() > 1;
      out[i] = {odd != other ? 0.9 : 0.1, static_cast<double>(other ? -numbers[i] : numbers[i]), std::nullopt};
      scores_.push_back(static_cast<float>(numbers[i]) / 40);
    }
  }
  /// As of a network that ends in a sigmoid.
  [[nodiscard]] std::span<const float> scores() const { return scores_; }

 private:
  std::string kind_;
  std::vector<float> scores_;
  int calls_ = 0;
};

Toolkit toolkit() {
  Toolkit result{{}, [](const ImageSourceOptions&) { return std::make_shared<Numbers>(); }, {}};
  for (const char* kind : {"parity", "batchesdiffer", "dies", "hangs", "fails"}) {
    Backend backend;
    backend.engine = kind;
    backend.precisions = {Precision::fp32};
    backend.needs_model = false;
    backend.open = [name = std::string(kind)](const BackendRequest&) {
      return std::make_unique<Timed<Parity>>(name == "batchesdiffer" ? "batches-differ" : name);
    };
    result.registry.add(std::move(backend));
  }
  return result;
}

bool good = true;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): of the whole program

void expect(bool condition, const std::string& what) {
  if (condition) return;
  std::cerr << "not so: " << what << '\n';
  good = false;
}

LoadResult load(const LoadOptions& options, const std::vector<std::string>& engines) {
  LoadTest test(numbered_dataset(40), options);
  for (const std::string& engine : engines) {
    ApproachRequest request;
    request.approach = parse_approach(engine + "-fp32@cpu");
    test.add(request, own_worker(WorkerJob::load));
  }
  LoadObserver nobody;
  return test.run(nobody);
}

LoadOptions briefly() {
  LoadOptions options;
  options.rates = {200};
  options.generations = 2;
  options.duration = 600ms;
  options.warmup = 50ms;
  return options;
}

/// Every image's first answer is the right one.
void expect_right_answers(const LoadResult& result, const ApproachResult& approach) {
  std::set<std::size_t> images;
  for (const InferenceRecord& inference : approach.inferences) {
    expect(images.insert(inference.image).second, "each image once");
    const std::string& name = result.suite.dataset.entries.at(inference.image).path;
    if (inference.prediction) {
      expect(inference.prediction->logit == std::stod(name), "the answer is of the image " + name);
    }
  }
  expect(images.size() == 39, "all images but the broken one were classified: " + std::to_string(images.size()));
}

void several_approaches() {
  const LoadResult result = load(briefly(), {"parity", "fails", "parity"});
  const auto approaches = result.suite.collector.results();
  for (const ApproachResult& approach : approaches) {
    expect(!approach.error, "it worked: " + approach.error.value_or(""));
    expect_right_answers(result, approach);
  }
  expect(approaches[2].approach.label() == "parity-fp32@cpu#2", "a name of its own");
  expect(approaches[0].facts.details[0].second != approaches[2].facts.details[0].second, "a process of its own");
  expect(result.suite.dataset.skipped.size() == 1, "the broken image is told");
  const LoadPoint& point = result.loads[0].points.at(0);
  expect(point.queries > 60 && point.completed == point.queries, "all queries were answered");
  expect(point.generations == 2, "in two processes");
  expect(approaches[1].failures.size() == 8, "each image that fails is told once");
  const LoadPoint& failing = result.loads[1].points.at(0);
  expect(failing.failed > 0 && failing.failed + failing.completed == failing.queries, "failed queries are counted");
  expect(approaches[0].repeats.compared > 0 && approaches[0].repeats.other_scores == 0, "repeats are compared");
  const LogitRows& rows = approaches[0].logits;
  expect(rows.count >= point.queries, "of both generations: " + std::to_string(rows.count));
  expect(rows.fractions == rows.count && rows.probabilities == 0, "what may be probabilities is seen");
}

void batches_and_limits() {
  LoadOptions options = briefly();
  options.rates = {40'000};
  options.serving = {.instances = 2, .threads = 1, .max_batch = 4, .queue_limit = 6};
  const LoadResult result = load(options, {"parity", "batchesdiffer"});
  const ApproachResult& parity = result.suite.collector.results()[0];
  expect_right_answers(result, parity);
  expect(parity.repeats.compared > 100 && parity.repeats.other_scores == 0, "the same answers in all batches");
  const LoadPoint& point = result.loads[0].points.at(0);
  expect(point.refused > 0, "queries were refused");
  expect(point.batch_sizes.contains(4), "batches were full");
  expect(result.suite.collector.results()[1].repeats.other_decisions > 0, "decisions that differ by batch are seen");
}

void failing_workers() {
  LoadOptions options = briefly();
  options.hang_limit = 3s;
  const LoadResult result = load(options, {"dies", "hangs", "parity"});
  const auto approaches = result.suite.collector.results();
  const auto says = [&](std::size_t i, const std::string& part) {
    expect(approaches[i].error && approaches[i].error->find(part) != std::string::npos,
           part + " in: " + approaches[i].error.value_or("nothing"));
  };
  says(0, "signal 9");
  says(1, "gave no sign of life for 3 s");
  expect(!approaches[2].error && result.loads[2].points.at(0).generations == 2, "the others go on");
}

}  // namespace

int main(int argc, char** argv) {
  run_load_worker_if_asked(argc, argv, toolkit());
  several_approaches();
  batches_and_limits();
  failing_workers();
  return good ? 0 : 1;
}
