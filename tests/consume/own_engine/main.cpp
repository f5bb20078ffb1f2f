#include <fstream>
#include <iostream>
#include <numeric>
#include <stagemark/backend/host_backend.hpp>
#include <stagemark/format/json.hpp>
#include <stagemark/images/images.hpp>
#include <stagemark/judgement/make_report.hpp>
#include <stagemark/report/report.hpp>
#include <stagemark/suite/benchmark_suite.hpp>

using namespace stagemark;

/// Calls an image positive if it is bright. The three stages are typed; the base times them.
class Brightness final : public HostBackend<double, double> {
 public:
  ExecutionFacts execution_facts() const override { return {}; }  // FP32 on the CPU

 protected:
  double preprocess(std::span<const Image> images) override {
    const auto& pixels = images[0].pixels;
    const double mean = std::accumulate(pixels.begin(), pixels.end(), 0.0) / static_cast<double>(pixels.size());
    if (mean < 1) throw std::runtime_error("too dark");  // this image fails, with the reason; the run goes on
    return mean;
  }
  double extract_features(const double& mean) override { return mean / 255; }
  void classify(const double& brightness, std::span<Prediction> out) override { out[0].probability = brightness; }
};

int main(int, char** argv) try {
  BenchmarkSuite suite(read_dataset(argv[1], {}), make_image_source());
  suite.add(parse_approach("brightness-fp32@cpu"), std::make_unique<Brightness>());
  const Report report = make_report(suite.run(), {});
  std::ofstream out(argv[2]);
  write_json(out, report);
  const ApproachReport& result = report.results[0];
  std::cout << result.approach << ": " << result.samples << " images, " << *result.total_time_ms << " ms\n";
  if (result.accuracy) std::cout << "accuracy " << *result.accuracy << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
