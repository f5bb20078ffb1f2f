// Prints how often an engine is called different from itself under load: an engine that spins for 2 ms, entered twice,
// whose capacities at p99 <= 10 ms are searched and compared again and again. Argument: how many searches (20), how many
// seconds each point takes (10).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <tuple>

#include "stagemark/backend/timed.hpp"
#include "stagemark/load/load_test.hpp"
#include "stagemark/load/load_worker.hpp"

namespace {

using namespace stagemark;
using namespace std::chrono_literals;

class OnePixel final : public ImageSource {
 public:
  [[nodiscard]] Image load(const std::filesystem::path& /*file*/) const override { return {1, 1, 1, {0}}; }
};

class Spinning {
 public:
  static ExecutionFacts execution_facts() { return {}; }
  static int preprocess(std::span<const Image> images) { return static_cast<int>(images.size()); }
  static void infer(const int& /*images*/, std::span<Prediction> out) {
    const auto end = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < end) continue;
    for (Prediction& prediction : out) prediction = {0.5, 0.0, std::nullopt};
  }
};

Toolkit toolkit() {
  Backend backend;
  backend.engine = "spin";
  backend.precisions = {Precision::fp32};
  backend.needs_model = false;
  backend.open = [](const BackendRequest&) { return std::make_unique<Timed<Spinning>>(); };
  Toolkit result{{}, [](const ImageSourceOptions&) { return std::make_shared<OnePixel>(); }, {}};
  result.registry.add(std::move(backend));
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  run_load_worker_if_asked(argc, argv, toolkit());
  const int searches = argc > 1 ? std::atoi(argv[1]) : 20;
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 10;
  int different = 0;
  std::printf("search      A's capacity      B's capacity   ratio  95 %% interval   verdict\n");
  for (int i = 0; i < searches; ++i) {
    LoadOptions options;
    options.level = ServiceLevel{0.99, 10ms};
    options.warmup = 300ms;
    options.duration = std::chrono::seconds(seconds);
    options.max_duration = 24h;
    options.seed = static_cast<std::uint64_t>(i);
    Dataset images;
    for (int image = 0; image < 4; ++image) images.entries.push_back({std::to_string(image), std::nullopt});
    LoadTest test(images, options);
    ApproachRequest request;
    request.approach = parse_approach("spin-fp32@cpu");
    test.add(request, own_worker(WorkerJob::load));
    test.add(request, own_worker(WorkerJob::load));
    LoadObserver nobody;
    const LoadResult result = test.run(nobody);
    const auto& [a, b] = std::tie(result.loads[0].capacities, result.loads[1].capacities);
    // Where other work keeps even one caller's calls from the level, there is none.
    const auto ratio = a.size() == b.size() && !a.empty() ? compare_capacities(a, b)
                                                          : OrReason<CapacityRatio>::absent("without a capacity");
    const CapacityDecision decision = decide_capacities(std::span(&ratio, 1)).front();
    if (decision.verdict == CapacityVerdict::higher || decision.verdict == CapacityVerdict::lower) ++different;
    std::printf("%6d", i);
    for (const ApproachLoad& load : result.loads) {
      const CapacityRange range = load.capacity.value_or(CapacityRange{});
      std::printf("  [%6.1f, %6.1f]", range.passed.value_or(0), range.failed.value_or(0));
    }
    if (ratio) {
      std::printf("  %.4f  [%.3f, %.3f]  %s\n", ratio->ratio, ratio->interval.low, ratio->interval.high,
                  std::string(to_string(decision.verdict)).c_str());
    } else {
      std::printf("  %s\n", ratio.reason.c_str());
    }
    std::fflush(stdout);
  }
  std::printf("called different: %d of %d\n", different, searches);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
