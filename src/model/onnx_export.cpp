#include "stagemark/model/onnx_export.hpp"

#include <onnx/checker.h>

#include <cmath>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "model/onnx_arithmetic.hpp"
#include "model/onnx_graph.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/network.hpp"

namespace stagemark {
namespace {

/// Of ONNX 1.8: scales per channel need opset 13, and OpenCV 4.6 as well as ONNX Runtime 1.16 read it.
constexpr std::int64_t opset = 13;
constexpr std::int64_t ir_version = 7;

/// torch.nn.BatchNorm2d's default, which no checkpoint holds.
constexpr double epsilon = 1e-5;

/// A convolution and its batch normalisation as one convolution with a bias.
LayerWeights fold(const Checkpoint& checkpoint, const NormalisedConvolution& layer) {
  const NormalisationSpecification& names = layer.normalisation;
  const std::vector<float> gamma = checkpoint.read_floats(names.weight);
  const std::vector<float> beta = checkpoint.read_floats(names.bias);
  const std::vector<float> mean = checkpoint.read_floats(names.running_mean);
  const std::vector<float> variance = checkpoint.read_floats(names.running_variance);
  LayerWeights result{checkpoint.read_floats(layer.convolution.weight), std::vector<float>(gamma.size())};
  const std::size_t each = result.weight.size() / gamma.size();
  for (std::size_t channel = 0; channel < gamma.size(); ++channel) {
    const double factor = gamma[channel] / std::sqrt(variance[channel] + epsilon);
    for (std::size_t i = channel * each; i < (channel + 1) * each; ++i) {
      result.weight[i] = static_cast<float>(result.weight[i] * factor);
    }
    result.bias[channel] = static_cast<float>(beta[channel] - mean[channel] * factor);
  }
  return result;
}

/// What ActivationRanges calls a block's result.
std::string sum_of(const ResidualBlock& block) { return block.convolutions.back().convolution.weight + ".sum"; }

/// Writes the layers, one after the other.
class NetworkWriter {
 public:
  NetworkWriter(const Checkpoint& checkpoint, const ResidualNetwork& network, OnnxArithmetic& arithmetic)
      : checkpoint_(checkpoint), network_(network), arithmetic_(arithmetic) {}

  OnnxValue backbone(const OnnxValue& input) {
    OnnxValue value = arithmetic_.max_pool(convolve(network_.stem, input, /*relu=*/true));
    for (const auto& stage : network_.stages) {
      for (const ResidualBlock& each : stage) value = block(each, value);
    }
    return value;
  }

  OnnxValue head(const OnnxValue& features) {
    OnnxValue value = arithmetic_.average(features);
    for (std::size_t i = 0; i < network_.head.size(); ++i) {
      const LinearSpecification& layer = network_.head[i];
      const LayerWeights weights{checkpoint_.read_floats(layer.weight), checkpoint_.read_floats(layer.bias)};
      value = arithmetic_.linear(layer, weights, value, i + 1 == network_.head.size());
    }
    return value;
  }

 private:
  OnnxValue convolve(const NormalisedConvolution& layer, const OnnxValue& input, bool relu) {
    return arithmetic_.convolve(layer.convolution, fold(checkpoint_, layer), input, relu);
  }

  OnnxValue block(const ResidualBlock& block, const OnnxValue& input) {
    const OnnxValue beside = block.downsample ? convolve(*block.downsample, input, /*relu=*/false) : input;
    OnnxValue value = input;
    for (std::size_t i = 0; i < block.convolutions.size(); ++i) {
      value = convolve(block.convolutions[i], value, i + 1 < block.convolutions.size());
    }
    return arithmetic_.add(sum_of(block), value, beside);
  }

  const Checkpoint& checkpoint_;
  const ResidualNetwork& network_;
  OnnxArithmetic& arithmetic_;
};

/// What the backbone makes of an image: C x H x W.
OnnxShape feature_shape(const ResidualNetwork& network, const OnnxExportOptions& options) {
  // Stem, pooling and three of the stages halve, each rounding up.
  const auto reduced = [](std::size_t size) { return static_cast<std::int64_t>((size + 31) / 32); };
  return {network.stages.back().back().convolutions.back().convolution.out, reduced(options.height),
          reduced(options.width)};
}

onnx::GraphProto make_graph(const Checkpoint& checkpoint, const ResidualNetwork& network,
                            const OnnxExportOptions& options) {
  OnnxGraph graph(network.architecture);
  const std::string source = checkpoint.path().string();
  const std::unique_ptr<OnnxArithmetic> arithmetic =
      options.precision == OnnxPrecision::int8
          ? make_quantised_arithmetic(graph, options, source)
          : make_float_arithmetic(graph, options.precision == OnnxPrecision::fp16, source);
  NetworkWriter writer(checkpoint, network, *arithmetic);

  const bool from_features = options.part == OnnxPart::head;
  const bool to_features = options.part == OnnxPart::backbone;
  const OnnxShape image = {3, static_cast<std::int64_t>(options.height), static_cast<std::int64_t>(options.width)};
  const OnnxShape features = feature_shape(network, options);
  const std::string input = from_features ? "features" : "input";
  graph.input(input, from_features ? features : image);
  OnnxValue value = arithmetic->begin(input, from_features ? sum_of(network.stages.back().back()) : "input");
  if (!from_features) value = writer.backbone(value);
  if (!to_features) value = writer.head(value);
  graph.output(arithmetic->end(value), to_features ? "features" : "logits",
               to_features ? features : OnnxShape{network.outputs});
  return graph.take();
}

void add_property(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto& entry = *model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

void add_opset(onnx::ModelProto& model, const std::string& domain, std::int64_t version) {
  onnx::OperatorSetIdProto& set = *model.add_opset_import();
  set.set_domain(domain);
  set.set_version(version);
}

}  // namespace

void export_onnx(const std::filesystem::path& file, const Checkpoint& checkpoint, const OnnxExportOptions& options) {
  const ResidualNetwork network = describe_network(checkpoint);
  onnx::ModelProto model;
  model.set_ir_version(ir_version);
  model.set_producer_name("stagemark");
  model.set_producer_version(STAGEMARK_VERSION);
  add_opset(model, "", opset);
  if (options.precision == OnnxPrecision::int8 && options.quantisation == OnnxQuantisation::operators) {
    add_opset(model, "com.microsoft", 1);
  }
  add_property(model, "stagemark_version", STAGEMARK_VERSION);
  add_property(model, "source_sha256", checkpoint.sha256());
  add_property(model, "architecture", network.architecture);
  *model.mutable_graph() = make_graph(checkpoint, network, options);
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception& error) {
    throw std::logic_error("the exporter made a graph that ONNX refuses: " + std::string(error.what()));
  }
  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    throw ModelError("is too large for ONNX, whose files end at 2 GB", checkpoint.path().string());
  }
  write_file_atomically(
      file, [&](std::ostream& out) { out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); });
}

}  // namespace stagemark
