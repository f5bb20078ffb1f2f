#include <fstream>
#include <iostream>
#include <numeric>
#include <stagemark/backend/timed.hpp>
#include <stagemark/format/json.hpp>
#include <stagemark/images/images.hpp>
#include <stagemark/judgement/make_report.hpp>
#include <stagemark/suite/benchmark_suite.hpp>

using namespace stagemark;

struct Brightness {  // calls an image positive if it is bright; `Timed` times the stages
  ExecutionFacts execution_facts() const { return {}; }  // FP32 on the CPU
  std::vector<double> preprocess(std::span<const Image> images) {
    std::vector<double> means;
    for (const Image& image : images) {
      means.push_back(std::reduce(image.pixels.begin(), image.pixels.end(), 0.0) / double(image.pixels.size()));
      if (means.back() < 1) throw std::runtime_error("too dark");  // it fails, with the reason; the run goes on
    }
    return means;
  }
  void infer(const std::vector<double>& means, std::span<Prediction> out) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i].probability = means[i] / 255;
  }
};

int main(int, char** argv) try {
  BenchmarkSuite suite(read_dataset(argv[1], {}), make_image_source());
  suite.add(parse_approach("brightness-fp32@cpu"), std::make_unique<Timed<Brightness>>());
  const Report report = make_report(suite.run());
  std::ofstream out(argv[2]);
  write_json(out, report);
  const ApproachReport& result = report.results[0];
  std::cout << result.approach << ": " << result.samples << " images, " << *result.total_time_ms << " ms\n";
  if (result.accuracy) std::cout << "accuracy " << *result.accuracy << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
