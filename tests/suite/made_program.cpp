// A program of the library whose approaches live in processes of their own, each of them this program started anew.
#include <unistd.h>

#include <iostream>
#include <set>
#include <string>

#include "stagemark/backend/host_backend.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace {

using namespace stagemark;

class Numbers final : public ImageSource {
 public:
  [[nodiscard]] Image load(const std::filesystem::path& file) const override {
    return {1, 1, 1, {static_cast<std::uint8_t>(std::stoi(file.filename().string()))}};
  }
};

/// Odd numbers are positive. Tells its process and its model.
class Parity final : public HostBackend<int, int> {
 public:
  explicit Parity(const BackendRequest& request) : request_(request) {}
  [[nodiscard]] ExecutionFacts execution_facts() const override {
    ExecutionFacts facts;
    facts.details = {{"process", std::to_string(getpid())},
                     {"model", request_.model.value_or("none")},
                     {"threads", std::to_string(request_.threads)}};
    return facts;
  }

 protected:
  int preprocess(std::span<const Image> images) override { return images[0].pixels[0]; }
  int extract_features(const int& number) override { return number % 2; }
  void classify(const int& odd, std::span<Prediction> out) override {
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
  parity.devices = {Device{}};
  parity.unavailable = [](const Approach&) { return std::nullopt; };
  parity.open = [](const BackendRequest& request) { return std::make_unique<Parity>(request); };
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
  run_worker_if_asked(argc, argv, registry(), std::make_shared<Numbers>(), nullptr);

  Dataset dataset;
  dataset.classes = {"even", "odd"};
  dataset.positive = 1;
  for (std::size_t i = 0; i < 40; ++i) dataset.entries.push_back({std::to_string(i), i % 2});
  RunOptions options;
  options.processes = 2;
  BenchmarkSuite suite(dataset, std::make_shared<Numbers>(), options);
  Approach first = parse_approach("first=parity-fp32@cpu");
  Approach second = parse_approach("second=parity-fp32@cpu");
  suite.add(first, own_worker(first, std::nullopt, 1));
  suite.add(second, own_worker(second, "net of mine.ckpt", 3));
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
  good &= expect(result.collector.results()[1].facts.details.at(1).second == "net of mine.ckpt", "its model");
  good &= expect(result.collector.results()[1].facts.details.at(2).second == "3", "its threads");
  return good ? 0 : 1;
}
