// A program of the library whose approaches live in processes of their own, each of them this program started anew.
#include <unistd.h>

#include <iostream>
#include <set>
#include <string>

#include "stagemark/backend/timed.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "stagemark/suite/worker_program.hpp"
#include "suite/numbered_dataset.hpp"

namespace {

using namespace stagemark;

class Numbers final : public ImageSource {
 public:
  [[nodiscard]] Image load(const std::filesystem::path& file) const override {
    return {1, 1, 1, {static_cast<std::uint8_t>(std::stoi(file.filename().string()))}};
  }
};

/// Odd numbers are positive. Tells its process and its model.
class Parity {
 public:
  explicit Parity(const BackendRequest& request) : request_(request) {}
  [[nodiscard]] ExecutionFacts execution_facts() const {
    ExecutionFacts facts;
    facts.details = {{"process", std::to_string(getpid())},
                     {"model", request_.model.value_or("none")},
                     {"threads", std::to_string(request_.threads)},
                     {"exported from", request_.exported_from ? request_.exported_from->sha256 : "nothing"},
                     {"ranges", request_.activation_ranges.value_or("none")},
                     {"shorter side", std::to_string(request_.preprocessing.shorter_side.value_or(0))}};
    return facts;
  }
  static int preprocess(std::span<const Image> images) { return images[0].pixels[0]; }
  static int extract_features(const int& number) { return number % 2; }
  static void classify(const int& odd, std::span<Prediction> out) {
    out[0] = {odd == 1 ? 0.9 : 0.1, std::nullopt, std::nullopt};
  }

 private:
  BackendRequest request_;
};

BackendRegistry registry() {
  Backend parity;
  parity.engine = "parity";
  parity.precisions = {Precision::fp32};
  parity.needs_model = false;
  parity.open = [](const BackendRequest& request) { return std::make_unique<Timed<Parity>>(request); };
  BackendRegistry engines;
  engines.add(std::move(parity));
  return engines;
}

bool expect(bool condition, const std::string& what) {
  if (!condition) std::cerr << "not so: " << what << '\n';
  return condition;
}

}  // namespace

int main(int argc, char** argv) {
  const Toolkit toolkit{registry(), [](const ImageSourceOptions&) { return std::make_shared<Numbers>(); }, {}};
  run_worker_if_asked(argc, argv, toolkit);

  RunOptions options;
  options.processes = 2;
  BenchmarkSuite suite(numbered_dataset(40), std::make_shared<Numbers>(), options);
  ApproachRequest request;
  request.approach = parse_approach("parity-fp32@cpu");
  suite.add(request, own_worker());
  request.model = "net of mine.ckpt";
  request.threads = 3;
  request.exported_from = ModelFacts{"mine.ckpt", "checkpoint", "abc", 7};
  request.activation_ranges = "mine.ranges";
  request.preprocessing.shorter_side = 256;
  suite.add(request, own_worker());
  const SuiteResult result = suite.run();

  bool good = true;
  std::set<std::string> processes = {std::to_string(getpid())};
  for (const ApproachResult& approach : result.collector.results()) {
    good &= expect(!approach.error, "it worked: " + approach.error.value_or(""));
    good &= expect(processes.insert(approach.facts.details.at(0).second).second, "a process of its own");
    for (const InferenceRecord& inference : approach.inferences) {
      good &= expect(inference.prediction && (inference.prediction->probability > 0.5) == (inference.image % 2 == 1),
                     "the right answer");
    }
  }
  const auto told = [&](std::size_t approach, std::size_t detail) {
    return result.collector.results()[approach].facts.details.at(detail).second;
  };
  good &= expect(result.collector.results()[1].approach.label() == "parity-fp32@cpu#2", "a name of its own");
  good &= expect(told(0, 1) == "none" && told(1, 1) == "net of mine.ckpt", "its model");
  good &= expect(told(0, 2) == "1" && told(1, 2) == "3", "its threads");
  good &= expect(told(1, 3) == "abc" && told(1, 4) == "mine.ranges" && told(1, 5) == "256", "all of its request");
  return good ? 0 : 1;
}
