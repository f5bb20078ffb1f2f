#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/checkpoint_writer.hpp"

namespace stagemark {

/// A ResNet-18 of eight channels with random weights, in torchvision's layout, and what it makes of an image, computed
/// in double precision by plain loops after the definition (He et al., 2015), with no library.
class TinyResnet {
 public:
  explicit TinyResnet(std::size_t outputs = 1, unsigned seed = 20260113) : random_(seed) {
    add_convolution("conv1", "bn1", 3, 7);
    for (int layer = 1; layer <= 4; ++layer) {
      for (int block = 0; block < 2; ++block) {
        const std::string name = "layer" + std::to_string(layer) + "." + std::to_string(block) + ".";
        add_convolution(name + "conv1", name + "bn1", channels, 3);
        add_convolution(name + "conv2", name + "bn2", channels, 3);
        if (layer > 1 && block == 0) add_convolution(name + "downsample.0", name + "downsample.1", channels, 1);
      }
    }
    add("fc.weight", {static_cast<std::int64_t>(outputs), channels}, 0, 1);
    add("fc.bias", {static_cast<std::int64_t>(outputs)}, 0, 0.3);
  }

  [[nodiscard]] std::vector<NamedTensor> tensors() const {
    std::vector<NamedTensor> result;
    for (const auto& [name, tensor] : tensors_) result.push_back({name, tensor.shape, tensor.values});
    return result;
  }

  [[nodiscard]] std::uint64_t parameters() const {
    std::uint64_t count = 0;
    for (const auto& [name, tensor] : tensors_) {
      if (name.find("running") == std::string::npos) count += tensor.values.size();
    }
    return count;
  }

  /// \param input 3 x side x side
  [[nodiscard]] std::vector<double> logits(std::span<const float> input, std::size_t side) const {
    ActivationRanges unused;
    return logits(input, side, unused);
  }

  /// As above; and widens `ranges` to what the tensors take.
  std::vector<double> logits(std::span<const float> input, std::size_t side, ActivationRanges& ranges) const {
    const auto see = [&](const std::string& name, const std::vector<double>& values) {
      ActivationRange& range = ranges[name];
      for (const double value : values) {
        range.low = std::min(range.low, static_cast<float>(value));
        range.high = std::max(range.high, static_cast<float>(value));
      }
    };
    Plane x{3, side, {input.begin(), input.end()}};
    see("input", x.values);
    x = relu(convolve(x, "conv1", "bn1", 2));
    see("conv1.weight", x.values);
    x = pool(x);
    for (int layer = 1; layer <= 4; ++layer) {
      for (int block = 0; block < 2; ++block) {
        const std::string name = "layer" + std::to_string(layer) + "." + std::to_string(block) + ".";
        const bool halves = layer > 1 && block == 0;
        const Plane beside = halves ? convolve(x, name + "downsample.0", name + "downsample.1", 2) : x;
        if (halves) see(name + "downsample.0.weight", beside.values);
        x = relu(convolve(x, name + "conv1", name + "bn1", halves ? 2 : 1));
        see(name + "conv1.weight", x.values);
        x = convolve(x, name + "conv2", name + "bn2", 1);
        see(name + "conv2.weight", x.values);
        for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += beside.values[i];
        x = relu(x);
        see(name + "conv2.weight.sum", x.values);
      }
    }
    std::vector<double> means;
    for (std::size_t c = 0; c < x.channels; ++c) {
      double mean = 0;
      for (std::size_t i = 0; i < x.side * x.side; ++i) mean += x.values[c * x.side * x.side + i];
      means.push_back(mean / static_cast<double>(x.side * x.side));
    }
    see("pool", means);
    const std::vector<float>& weights = tensors_.at("fc.weight").values;
    std::vector<double> result;
    for (std::size_t output = 0; output < weights.size() / channels; ++output) {
      double sum = tensors_.at("fc.bias").values[output];
      for (std::size_t c = 0; c < channels; ++c) sum += weights[output * channels + c] * means[c];
      result.push_back(sum);
    }
    see("fc.weight", result);
    return result;
  }

 private:
  static constexpr std::int64_t channels = 8;

  struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  struct Plane {
    std::size_t channels = 0, side = 0;
    std::vector<double> values;
  };

  void add(const std::string& name, std::vector<std::int64_t> shape, double mean, double deviation) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    std::normal_distribution<double> normal(mean, deviation);
    std::vector<float> values(count);
    std::generate(values.begin(), values.end(), [&] { return static_cast<float>(normal(random_)); });
    tensors_[name] = {std::move(shape), std::move(values)};
  }

  void add_convolution(const std::string& convolution, const std::string& normalisation, std::int64_t in,
                       std::int64_t kernel) {
    add(convolution + ".weight", {channels, in, kernel, kernel}, 0,
        std::sqrt(2.0 / static_cast<double>(in * kernel * kernel)));
    add(normalisation + ".weight", {channels}, 0.8, 0.1);
    add(normalisation + ".bias", {channels}, 0, 0.1);
    add(normalisation + ".running_mean", {channels}, 0, 0.2);
    add(normalisation + ".running_var", {channels}, 1, 0);
    for (float& variance : tensors_[normalisation + ".running_var"].values) variance *= 1.5F;
  }

  [[nodiscard]] Plane convolve(const Plane& in, const std::string& convolution, const std::string& normalisation,
                               std::size_t stride) const {
    const Tensor& weight = tensors_.at(convolution + ".weight");
    const auto kernel = static_cast<std::size_t>(weight.shape[2]);
    const std::size_t padding = kernel / 2;
    Plane out{channels, (in.side + 2 * padding - kernel) / stride + 1, {}};
    for (std::size_t c = 0; c < out.channels; ++c) {
      const auto of = [&](const char* part) { return double{tensors_.at(normalisation + part).values[c]}; };
      for (std::size_t y = 0; y < out.side; ++y) {
        for (std::size_t x = 0; x < out.side; ++x) {
          double sum = 0;
          for (std::size_t from = 0; from < in.channels; ++from) {
            for (std::size_t i = 0; i < kernel * kernel; ++i) {
              const std::size_t row = y * stride + i / kernel;
              const std::size_t column = x * stride + i % kernel;
              if (row < padding || column < padding || row >= in.side + padding || column >= in.side + padding)
                continue;
              sum += weight.values[(c * in.channels + from) * kernel * kernel + i] *
                     in.values[(from * in.side + row - padding) * in.side + column - padding];
            }
          }
          const double normalised = (sum - of(".running_mean")) / std::sqrt(of(".running_var") + 1e-5);
          out.values.push_back(normalised * of(".weight") + of(".bias"));
        }
      }
    }
    return out;
  }

  static Plane relu(Plane plane) {
    for (double& value : plane.values) value = std::max(value, 0.0);
    return plane;
  }

  /// Maxima of 3x3 with stride 2 and padding 1, of what is not negative.
  static Plane pool(const Plane& in) {
    Plane out{in.channels, (in.side - 1) / 2 + 1, {}};
    for (std::size_t c = 0; c < in.channels; ++c) {
      for (std::size_t y = 0; y < out.side; ++y) {
        for (std::size_t x = 0; x < out.side; ++x) {
          double most = 0;
          for (std::size_t row = std::max<std::size_t>(2 * y, 1) - 1; row < std::min(2 * y + 2, in.side); ++row) {
            for (std::size_t column = std::max<std::size_t>(2 * x, 1) - 1; column < std::min(2 * x + 2, in.side);
                 ++column) {
              most = std::max(most, in.values[(c * in.side + row) * in.side + column]);
            }
          }
          out.values.push_back(most);
        }
      }
    }
    return out;
  }

  std::mt19937 random_;
  std::map<std::string, Tensor> tensors_;
};

}  // namespace stagemark
