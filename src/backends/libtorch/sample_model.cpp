#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "stagemark/backends/libtorch.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint_writer.hpp"
#include "tensor_source.hpp"
#include "torch_network.hpp"

namespace stagemark::libtorch {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

constexpr std::int64_t feature_count = 2048;
constexpr std::array<std::int64_t, 3> head_sizes = {256, 64, 1};

void add_normalised_convolution(Tensors& tensors, const std::string& convolution, const std::string& normalisation,
                                std::int64_t out, std::int64_t in, std::int64_t kernel, at::Generator& random) {
  // He's scale for ReLU networks.
  const double deviation = std::sqrt(2.0 / static_cast<double>(out * kernel * kernel));
  tensors[convolution + ".weight"] = at::empty({out, in, kernel, kernel}).normal_(0, deviation, random);
  tensors[normalisation + ".weight"] = at::ones({out});
  tensors[normalisation + ".bias"] = at::zeros({out});
  tensors[normalisation + ".running_mean"] = at::zeros({out});
  tensors[normalisation + ".running_var"] = at::ones({out});
  tensors[normalisation + ".num_batches_tracked"] = at::ones({}, at::kLong);
}

/// ResNet-50 in the numeric layout that Lightning checkpoints of the first use have, with random weights.
Tensors random_backbone(at::Generator& random) {
  Tensors tensors;
  add_normalised_convolution(tensors, "model.features.0", "model.features.1", 64, 3, 7, random);
  constexpr std::array<std::int64_t, 4> blocks = {3, 4, 6, 3};
  std::int64_t in = 64;
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const std::int64_t width = std::int64_t{64} << stage;
    for (std::int64_t b = 0; b < blocks[stage]; ++b) {
      const std::string block = "model.features." + std::to_string(4 + stage) + "." + std::to_string(b) + ".";
      add_normalised_convolution(tensors, block + "conv1", block + "bn1", width, in, 1, random);
      add_normalised_convolution(tensors, block + "conv2", block + "bn2", width, width, 3, random);
      add_normalised_convolution(tensors, block + "conv3", block + "bn3", 4 * width, width, 1, random);
      // At full strength fifty random layers turn any two images into strangers, and no head could tell classes apart.
      tensors[block + "bn3.weight"].fill_(0.1);
      if (b == 0)
        add_normalised_convolution(tensors, block + "downsample.0", block + "downsample.1", 4 * width, in, 1, random);
      in = 4 * width;
    }
  }
  return tensors;
}

std::string head_name(std::size_t layer) { return "model.classifier." + std::to_string(2 + 3 * layer); }

/// Ridge-penalised logistic regression by Newton's method, in double.
/// \return weights, then the intercept
at::Tensor fit_logistic(const at::Tensor& examples, const at::Tensor& labels, double penalty) {
  const at::Tensor x = at::cat({examples, at::ones({examples.size(0), 1}, examples.options())}, 1);
  at::Tensor weights = at::zeros({x.size(1)}, x.options());
  at::Tensor ridge = at::full({x.size(1)}, penalty, x.options());
  ridge[-1] = 1e-6;  // the intercept is free
  for (int step = 0; step < 25; ++step) {
    const at::Tensor p = x.matmul(weights).sigmoid();
    const at::Tensor gradient = x.t().matmul(p - labels) + ridge * weights;
    const at::Tensor hessian = x.t().matmul(x * (p * (1 - p)).unsqueeze(1)) + at::diag(ridge);
    const at::Tensor change = at::linalg_solve(hessian, gradient.unsqueeze(1)).squeeze(1);
    weights = weights - change;
    if (change.abs().max().item<double>() < 1e-9) break;
  }
  return weights;
}

/// Fits the head: logistic regression on the leading principal components of the pooled features. Random projections
/// spread these over the first layer, the second collects them again; each passes by ReLU as itself and its negative.
void add_fitted_head(Tensors& tensors, const at::Tensor& features, const at::Tensor& labels, at::Generator& random) {
  constexpr std::int64_t components = head_sizes[1] / 2;
  const at::Tensor mean = features.mean(0);
  // A feature that never varies says nothing: its weight becomes 0, not infinite.
  const at::Tensor deviation = features.std(0);
  const at::Tensor inverse = at::where(deviation > 1e-6, 1 / deviation.clamp_min(1e-6), at::zeros_like(deviation));
  const at::Tensor standardised = (features - mean) * inverse;
  const auto [u, scale, directions] = at::linalg_svd(standardised, false);
  const at::Tensor deviations = scale.slice(0, 0, components) / std::sqrt(static_cast<double>(features.size(0)));
  const at::Tensor projection = directions.slice(0, 0, components) * inverse / deviations.clamp_min(1e-6).unsqueeze(1);
  const at::Tensor x = (features - mean).matmul(projection.t());
  const at::Tensor fitted = fit_logistic(x.to(at::kDouble), labels.to(at::kDouble), 10.0).to(at::kFloat);

  const at::Tensor spread =
      at::empty({head_sizes[0] / 2, components}).normal_(0, 1 / std::sqrt(static_cast<double>(components)), random);
  const at::Tensor first = at::cat({spread, -spread}).matmul(projection);
  const at::Tensor collect = at::linalg_pinv(spread);
  const at::Tensor both = at::cat({collect, -collect}, 1);
  const at::Tensor weights = fitted.slice(0, 0, components).unsqueeze(0);
  const auto set = [&](std::size_t layer, const at::Tensor& weight, const at::Tensor& bias) {
    tensors[head_name(layer) + ".weight"] = weight.contiguous();
    tensors[head_name(layer) + ".bias"] = bias.contiguous();
  };
  set(0, first, -first.matmul(mean));
  set(1, at::cat({both, -both}), at::zeros({head_sizes[1]}));
  set(2, at::cat({weights, -weights}, 1), fitted.slice(0, components));
}

NamedTensor stored(const std::string& name, const at::Tensor& tensor) {
  const at::Tensor contiguous = tensor.contiguous();
  const auto count = static_cast<std::size_t>(contiguous.numel());
  NamedTensor result{name, contiguous.sizes().vec(), {}};
  if (contiguous.scalar_type() == at::kLong) {
    const auto* data = contiguous.data_ptr<std::int64_t>();
    result.values = std::vector<std::int64_t>(data, data + count);
  } else {
    const auto* data = contiguous.data_ptr<float>();
    result.values = std::vector<float>(data, data + count);
  }
  return result;
}

/// The name that the network's description uses.
std::string without_prefix(const std::string& name) { return name.substr(std::string_view("model.").size()); }

Tensors make_model(const at::Tensor& input, const at::Tensor& labels, std::uint64_t seed) {
  const c10::AutoGradMode no_gradients(false);
  at::Generator random = at::detail::createCPUGenerator(seed);
  Tensors tensors = random_backbone(random);
  std::int64_t in = feature_count;
  for (std::size_t layer = 0; layer < head_sizes.size(); ++layer) {
    const std::int64_t out = head_sizes[layer];
    tensors[head_name(layer) + ".weight"] = at::zeros({out, in});
    tensors[head_name(layer) + ".bias"] = at::zeros({out});
    in = out;
  }
  TensorShapes shapes;
  for (const auto& [name, tensor] : tensors) shapes.emplace(without_prefix(name), tensor.sizes().vec());
  Network network(
      describe_network(shapes, "the sample model"),
      [&](const std::string& name) { return tensors.at("model." + name); }, at::kCPU, at::kFloat,
      at::MemoryFormat::ChannelsLast);

  // As many as give steady statistics; more would only cost memory.
  constexpr std::int64_t calibration_images = 32;
  network.calibrate_normalisation(input.slice(0, 0, calibration_images));
  for (const auto& [name, tensor] : network.statistics()) tensors["model." + name] = tensor;

  std::vector<at::Tensor> features;
  constexpr std::int64_t batch = 8;
  for (std::int64_t first = 0; first < input.size(0); first += batch) {
    features.push_back(Network::pool(network.extract_features(input.slice(0, first, first + batch))));
  }
  add_fitted_head(tensors, at::cat(features), labels, random);
  return tensors;
}

}  // namespace

void write_sample_checkpoint(const std::filesystem::path& file, std::span<const Image> images,
                             std::span<const bool> positive, const Preprocessor& preprocessor, std::uint64_t seed,
                             std::size_t threads) {
  std::vector<NamedTensor> tensors;
  try {
    at::set_num_threads(static_cast<int>(threads));
    at::Tensor labels = at::empty({static_cast<std::int64_t>(positive.size())});
    std::transform(positive.begin(), positive.end(), labels.data_ptr<float>(), [](bool p) { return p ? 1.0F : 0.0F; });
    const at::Tensor input = to_input(images, preprocessor).contiguous(at::MemoryFormat::ChannelsLast);
    for (const auto& [name, tensor] : make_model(input, labels, seed)) {
      tensors.push_back(stored(name, tensor));
    }
  } catch (const c10::Error& error) {
    const std::string text = error.what();
    throw BackendError("LibTorch failed to make the sample model: " + text.substr(0, text.find('\n')));
  }
  write_lightning_checkpoint(
      file, tensors,
      {{"synthetic", true}, {"seed", static_cast<std::int64_t>(seed)}, {"num_classes", std::int64_t{1}}});
}

}  // namespace stagemark::libtorch
