// What stagemark adds to a network: `total` of libtorch-fp32 against a loop that somebody might write by hand, on the same
// checkpoint and images, one after the other in the rounds of one run. The loop decodes nothing either, and reads the clock
// where `total` does: what differs is all that lies between.
//
//   bare_loop IMAGES MODEL.ckpt [SAMPLES]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "stagemark/backend/registry.hpp"
#include "stagemark/backends/libtorch.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/network.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace {

using namespace stagemark;

class BareLoop final : public InferenceWrapper {
 public:
  BareLoop(const std::string& file, std::shared_ptr<const Preprocessor> preprocessor)
      : preprocessor_(std::move(preprocessor)) {
    const Checkpoint checkpoint = Checkpoint::open(file);
    network_ = describe_network(checkpoint);
    for (const auto& [name, stored] : checkpoint.tensors()) {
      const std::vector<float> values = checkpoint.read_floats(name);
      at::Tensor tensor = at::empty(stored.shape, at::kFloat);
      std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
      weights_[name] = tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor;
    }
  }

  void predict(std::span<const Image> images, std::span<Prediction> out, StageTimer& /*timer*/) override {
    const c10::InferenceMode guard;
    at::Tensor input = at::empty({1, 3, 224, 224}, at::kFloat);
    preprocessor_->run(images[0], {input.data_ptr<float>(), std::size_t{3} * 224 * 224});
    at::Tensor x = convolve(network_.stem, input.contiguous(at::MemoryFormat::ChannelsLast)).relu_();
    x = at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
    for (const auto& stage : network_.stages) {
      for (const ResidualBlock& block : stage) {
        at::Tensor y = x;
        for (const NormalisedConvolution& layer : block.convolutions) {
          y = convolve(layer, y);
          if (&layer != &block.convolutions.back()) y.relu_();
        }
        x = y.add_(block.downsample ? convolve(*block.downsample, x) : x).relu_();
      }
    }
    x = at::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
    for (const LinearSpecification& layer : network_.head) {
      x = at::linear(x, weights_.at(layer.weight), weights_.at(layer.bias));
      if (&layer != &network_.head.back()) x.relu_();
    }
    const double logit = x.item<float>();
    out[0] = {1 / (1 + std::exp(-logit)), logit, std::nullopt};
  }
  [[nodiscard]] ExecutionFacts execution_facts() const override { return {}; }
  [[nodiscard]] bool asynchronous() const noexcept override { return false; }

 private:
  [[nodiscard]] at::Tensor convolve(const NormalisedConvolution& layer, const at::Tensor& input) const {
    const ConvolutionSpecification& c = layer.convolution;
    const NormalisationSpecification& n = layer.normalisation;
    const at::Tensor y = at::conv2d(input, weights_.at(c.weight), {}, c.stride, c.padding, 1, c.groups);
    return at::batch_norm(y, weights_.at(n.weight), weights_.at(n.bias), weights_.at(n.running_mean),
                          weights_.at(n.running_variance), /*training=*/false, 0.1, 1e-5, /*cudnn_enabled=*/true);
  }

  std::shared_ptr<const Preprocessor> preprocessor_;
  ResidualNetwork network_;
  std::map<std::string, at::Tensor> weights_;
};

void compare(const std::string& images, const std::string& model, std::size_t samples) {
  const std::size_t threads = usable_cpus();
  BackendRegistry registry;
  libtorch::add_to(registry);
  RunOptions options;
  options.passes = 1;
  DatasetOptions drawn;
  drawn.samples = samples;
  BenchmarkSuite suite(read_dataset(images, drawn), make_image_source(), options);
  suite.add(parse_approach("bare=loop-fp32@cpu"), std::make_unique<BareLoop>(model, make_preprocessor()));
  ApproachRequest request;
  request.approach = parse_approach("libtorch-fp32@cpu");
  request.model = model;
  request.threads = threads;
  suite.add({registry, make_image_source, make_preprocessor}, request);
  const Report report = make_report(suite.run());
  for (const ApproachReport& result : report.results) {
    if (result.error) throw std::runtime_error(*result.error);
    std::printf("%-18s median %.3f ms of `total`, %zu images, %zu threads\n", result.approach.c_str(),
                result.stages.at(Stage::total).median, result.samples, threads);
  }
  const Comparison& comparison = report.comparisons.at(0);
  const double largest = comparison.max_probability_difference.value.value_or(NAN);
  std::printf("ratio              %.4f", 1 / *comparison.speedup.ratio);
  if (const auto& interval = comparison.speedup.ci95) {
    std::printf(" [%.4f, %.4f]", 1 / interval->high, 1 / interval->low);
  }
  std::printf(" over %zu rounds in turn; largest difference of a probability %.2g\n", comparison.rounds, largest);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) throw std::runtime_error("usage: bare_loop IMAGES MODEL.ckpt [SAMPLES]");
  compare(argv[1], argv[2], argc > 3 ? std::stoul(argv[3]) : 150);
} catch (const std::exception& error) {
  std::cerr << "bare_loop: " << error.what() << '\n';
  return 1;
}
