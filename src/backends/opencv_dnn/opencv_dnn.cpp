#include "stagemark/backends/opencv_dnn.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "readable_graph.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/backend/split_model.hpp"
#include "stagemark/backend/timed.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/onnx_description.hpp"

namespace stagemark::opencv_dnn {
namespace {

namespace fs = std::filesystem;

/// While one lives, OpenCV logs nothing: what it has to say is in its exceptions.
class QuietLog {
 public:
  QuietLog() : level_(cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT)) {}
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
  ~QuietLog() { cv::utils::logging::setLogLevel(level_); }

 private:
  cv::utils::logging::LogLevel level_;
};

/// What an exception of OpenCV says, without the place in its source; of a check in its source, what it was about.
std::string sentence_in(const cv::Exception& error, const OnnxDescription& description) {
  std::string text = error.err.substr(0, error.err.find('\n'));
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  // "Node [ReduceMean@ai.onnx]:(name) parse error: ..."
  const std::size_t node = error.err.find("Node [");
  if (node != std::string::npos) {
    const std::size_t from = node + 6;
    return "version " + cv::getVersionString() + " stops at its operation " +
           error.err.substr(from, error.err.find_first_of("]@", from) - from) + " (operator set " +
           std::to_string(description.opset) + ")";
  }
  if (text.empty() || error.code == cv::Error::StsAssert)
    return "a check in version " + cv::getVersionString() + " failed (operator set " +
           std::to_string(description.opset) + ")";
  return text;
}

/// The layers that hold weights, by what they compute in.
struct Layers {
  std::size_t convolutions = 0;
  std::size_t integer_convolutions = 0;
  std::size_t all = 0;
  std::size_t integer = 0;
};

void count_layers(const cv::dnn::Net& net, Layers& layers) {
  for (const std::string& name : net.getLayerNames()) {
    const cv::Ptr<cv::dnn::Layer> layer = net.getLayer(net.getLayerId(name));
    if (layer->blobs.empty()) continue;
    const bool integer = layer->type.ends_with("Int8") && layer->blobs.front().depth() == CV_8S;
    ++layers.all;
    if (integer) ++layers.integer;
    if (!layer->type.starts_with("Convolution")) continue;
    ++layers.convolutions;
    if (integer) ++layers.integer_convolutions;
  }
}

/// A graph, and those of its operations that OpenCV computes rightly only for some shapes.
struct ReadGraph {
  cv::dnn::Net network;
  std::vector<ReadableGraph::Flattening> flattenings;
};

/// \param images as of readable_graph
ReadGraph read(const OnnxDescription& description, const std::optional<InputShape>& images) {
  if (!description.external_files.empty()) {
    throw ModelError("keeps its weights in '" + description.external_files.front().filename().string() +
                         "', and OpenCV reads graphs in one file",
                     description.file.string(), "save it without external data, or use onnxruntime");
  }
  ReadableGraph graph = readable_graph(description, images);
  try {
    cv::dnn::Net net = cv::dnn::readNetFromONNX(graph.bytes.data(), graph.bytes.size());
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    return {net, std::move(graph.flattenings)};
  } catch (const cv::Exception& error) {
    throw ModelError("OpenCV cannot read it as ONNX: " + sentence_in(error, description), description.file.string(),
                     "export it in another way, with fixed sizes or another operator set, or use onnxruntime");
  }
}

/// \throws ModelError if a softmax is one of several dimensions, of which OpenCV takes the first
void expect_softmax_of_one_dimension(const ReadGraph& graph, const cv::Mat& input) {
  const cv::dnn::MatShape shape(input.size.p, input.size.p + input.dims);
  for (const std::string& name : graph.network.getLayerNames()) {
    const auto old = std::ranges::find_if(
        graph.flattenings, [&](const ReadableGraph::Flattening& each) { return name.ends_with(each.layer); });
    if (old == graph.flattenings.end()) continue;
    std::vector<cv::dnn::MatShape> takes;
    std::vector<cv::dnn::MatShape> gives;
    graph.network.getLayerShapes(shape, graph.network.getLayerId(name), takes, gives);
    const auto size = std::ssize(gives.at(0));
    const std::int64_t after_axis = old->axis + 1 + (old->axis < 0 ? size : 0);
    const bool several = std::any_of(gives[0].begin() + std::clamp<std::int64_t>(after_axis, 0, size), gives[0].end(),
                                     [](int each) { return each != 1; });
    if (several) {
      throw ModelError({.problem = "its " + old->operation +
                                   " is, before operator set 13, one of all dimensions from axis " +
                                   std::to_string(old->axis) + " on, and OpenCV's is of that axis alone",
                        .remedy = "export it with operator set 13 or later, or use onnxruntime"});
    }
  }
}

/// Numbers that no two pixels or images share.
void fill_differently(cv::Mat& input) {
  auto* const numbers = input.ptr<float>();
  for (std::size_t i = 0; i < input.total(); ++i) numbers[i] = std::sin(0.37F * static_cast<float>(i % 100'003)) + 0.3F;
}

/// Whether they are the same but for the order of sums.
bool agree(std::span<const float> a, std::span<const float> b) {
  constexpr float tolerance = 1e-3F;
  float largest = 1;
  for (const float number : a) largest = std::max(largest, std::abs(number));
  return std::ranges::equal(a, b, [&](float x, float y) { return !(std::abs(x - y) > tolerance * largest); });
}

/// One, or the two pieces. \throws ModelError if they do not take images and give logits or probabilities
std::vector<OnnxDescription> describe(const BackendRequest& request, const std::optional<fs::path>& head) {
  std::vector<OnnxDescription> graphs = {describe_onnx(*request.model)};
  if (head) graphs.push_back(describe_onnx(*head));
  const InputShape shape = request.preprocessor->shape();
  check_images(graphs.front(), graphs.back(), {shape.channels, shape.height, shape.width, request.max_batch, false});
  return graphs;
}

/// A network in two pieces or in one, and its input.
template <bool Splits>
class Engine {
 public:
  /// \param head the file with the second piece; absent where the network is in one
  Engine(const BackendRequest& request, const std::optional<fs::path>& head)
      : preprocessor_(request.preprocessor),
        graphs_(describe(request, head)),
        network_(read(graphs_.front(), preprocessor_->shape())) {
    count_layers(network_.network, layers_);
    if constexpr (Splits) {
      head_ = read(graphs_.back(), std::nullopt);
      count_layers(head_.network, layers_);
    }
    precision_ = precision_of(request);
    if (request.exported_from) {
      model_ = *request.exported_from;
    } else {
      std::uint64_t parameters = 0;
      for (const OnnxDescription& described : graphs_) parameters += described.parameters;
      model_ = {request.model->string(), "onnx", sha256_of_onnx(graphs_), parameters};
    }
    try {
      try_out(1);
      if (request.max_batch > 1) try_out(request.max_batch);
    } catch (const ModelError& error) {
      throw ModelError(error.within(request.model->string()));
    }
  }

  /// N x 3 x H x W. The same memory each time.
  cv::Mat preprocess(std::span<const Image> images) {
    input_.create(input_sizes(images.size()), CV_32F);
    const std::size_t elements = preprocessor_->shape().elements();
    auto* out = input_.ptr<float>();
    for (const Image& image : images) {
      preprocessor_->run(image, {out, elements});
      out += elements;
    }
    return input_;
  }

  cv::Mat extract_features(const cv::Mat& input)
    requires Splits
  {
    return forward(network_.network, input);
  }
  void classify(const cv::Mat& features, std::span<Prediction> out)
    requires Splits
  {
    read_out(forward(head_.network, features), out);
  }
  void infer(const cv::Mat& input, std::span<Prediction> out)
    requires(!Splits)
  {
    read_out(forward(network_.network, input), out);
  }

  [[nodiscard]] std::span<const float> scores() const {
    if (logits_.empty()) return {};
    return {logits_.ptr<float>(), logits_.total()};
  }

  std::vector<float> input_of(const Image& image) {
    const cv::Mat input = preprocess({&image, 1});
    return {input.ptr<float>(), input.ptr<float>() + input.total()};
  }

  [[nodiscard]] ExecutionFacts execution_facts() const {
    return {.precision = precision_,
            .device = {},
            .model = model_,
            .details = {{"engine_version", cv::getVersionString()},
                        {"int8_layers", std::to_string(layers_.integer) + " of " + std::to_string(layers_.all)},
                        {"dnn_backend", "opencv"},
                        {"threads", std::to_string(cv::getNumThreads())}},
            .outputs_unknown = graphs_.back().meaning == OutputMeaning::unknown};
  }

 private:
  cv::Mat forward(cv::dnn::Net& net, const cv::Mat& input) {
    try {
      net.setInput(input);
      return net.forward();
    } catch (const cv::Exception& error) {
      throw BackendError("OpenCV failed: " + sentence_in(error, graphs_.front()));
    }
  }

  /// Keeps the network's own output: it is overwritten by the next call.
  void read_out(const cv::Mat& logits, std::span<Prediction> out) {
    logits_ = logits;
    const std::size_t outputs = logits_.total() / out.size();
    if (graphs_.back().yields_probabilities()) {
      read_probabilities(scores(), outputs, out);
    } else {
      stagemark::read_out(scores(), outputs, out);
    }
  }

  [[nodiscard]] std::vector<int> input_sizes(std::size_t images) const {
    const InputShape shape = preprocessor_->shape();
    return {static_cast<int>(images), static_cast<int>(shape.channels), static_cast<int>(shape.height),
            static_cast<int>(shape.width)};
  }

  /// What the convolutions compute in. \throws BackendError if that is not what was asked for
  [[nodiscard]] Precision precision_of(const BackendRequest& request) const {
    const bool integer = layers_.integer_convolutions > 0 && layers_.integer_convolutions == layers_.convolutions;
    if (layers_.integer_convolutions > 0 && !integer) {
      throw BackendError("some of its convolutions are int8 and some fp32", request.model->string(),
                         "export it in one precision");
    }
    const Precision found = integer ? Precision::int8 : Precision::fp32;
    if (found != request.approach.precision) {
      throw BackendError("its convolutions are " + std::string(to_string(found)) + ", not " +
                             std::string(to_string(request.approach.precision)),
                         request.model->string(),
                         "use opencv-" + std::string(to_string(found)) + ", or export it in the other precision");
    }
    return found;
  }

  /// Runs once, so that a network that does not fit fails now and not at the first image.
  void try_out(std::size_t images) {
    cv::Mat input(input_sizes(images), CV_32F);
    fill_differently(input);
    const cv::Mat output = whole(input).clone();
    if (output.depth() != CV_32F || !output.isContinuous()) throw ModelError({.problem = "does not give float32"});
    std::vector<std::int64_t> shape(output.size.p, output.size.p + output.dims);
    // OpenCV leaves a dimension of 1 where a reduction drops several.
    shape.erase(std::remove(shape.begin() + 1, shape.end(), 1), shape.end());
    const std::size_t outputs = outputs_per_image(shape, images);
    expect_readable(graphs_.back().meaning, outputs);
    if (images == 1) return;
    // OpenCV adds some constants to the first image of a batch only, and normalises others together.
    const cv::Mat last(input_sizes(1), CV_32F, input.ptr<float>() + (images - 1) * preprocessor_->shape().elements());
    const cv::Mat alone = whole(last);
    if (!agree({alone.ptr<float>(), alone.total()}, {output.ptr<float>() + (images - 1) * outputs, outputs})) {
      throw ModelError({.problem = "OpenCV " + cv::getVersionString() +
                                   " makes something else of an image in a batch of " + std::to_string(images) +
                                   " than of the image by itself",
                        .remedy = "see `batch`, or use onnxruntime"});
    }
  }

  cv::Mat whole(const cv::Mat& input) {
    try {
      cv::Mat output = forward(network_.network, input);
      expect_softmax_of_one_dimension(network_, input);
      if constexpr (Splits) {
        const cv::Mat features = output;
        output = forward(head_.network, features);
        expect_softmax_of_one_dimension(head_, features);
      }
      return output;
    } catch (const BackendError& error) {
      // Of one image it ran before.
      if (input.size[0] > 1) {
        throw ModelError({.problem = error.problem() + " for a batch of " + std::to_string(input.size[0]),
                          .remedy = "see `batch`, or use onnxruntime"});
      }
      throw ModelError(
          {.problem = error.problem(), .remedy = "the network must take N x 3 x H x W of the size that `resize` says"});
    }
  }

  std::shared_ptr<const Preprocessor> preprocessor_;
  std::vector<OnnxDescription> graphs_;  ///< one, or the two pieces
  ReadGraph network_;
  ReadGraph head_;  ///< empty where the network is in one piece
  Layers layers_;
  Precision precision_ = Precision::fp32;
  ModelFacts model_;
  cv::Mat input_;
  cv::Mat logits_;  ///< of the last call
};

std::optional<Unavailable> unavailable(const Approach& approach) {
  if (!approach.device || approach.device->kind == Device::Kind::cpu) return std::nullopt;
  return Unavailable{"the engine opencv runs on the CPU only", "use @cpu"};
}

std::unique_ptr<InferenceWrapper> open(const BackendRequest& request) {
  const QuietLog quiet;
  cv::setNumThreads(static_cast<int>(request.threads));
  const std::optional<fs::path> head = head_beside(*request.model);
  if (head) return std::make_unique<Timed<Engine<true>>>(request, head);
  return std::make_unique<Timed<Engine<false>>>(request, head);
}

}  // namespace

void add_to(BackendRegistry& registry) {
  Backend backend;
  backend.engine = "opencv";
  backend.version = cv::getVersionString();
  backend.precisions.assign(precisions.begin(), precisions.end());
  backend.runs_onnx = true;
  backend.instances_per_process = 1;  // its threads are the process's, and serve one call at a time
  backend.int8_graph = Int8Graph::integer_operators;
  backend.devices = {Device{}};
  backend.unavailable = unavailable;
  backend.open = open;
  registry.add(std::move(backend));
}

}  // namespace stagemark::opencv_dnn
