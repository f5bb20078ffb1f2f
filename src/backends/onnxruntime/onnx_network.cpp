#include "onnx_network.hpp"

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX, not in <cstdlib>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>
#include <system_error>
#include <utility>

#include "probe_graph.hpp"
#include "providers.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/backend/split_model.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/onnx_description.hpp"

namespace stagemark::onnxruntime {
namespace {

constexpr auto float32 = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
constexpr auto float16 = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;

/// A directory for profiles, gone with the object.
class ProfileDirectory {
 public:
  ProfileDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "stagemark-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw BackendError("cannot make a temporary directory", name, "set TMPDIR to a directory that can be written to");
    }
    path_ = name;
  }
  ProfileDirectory(const ProfileDirectory&) = delete;
  ProfileDirectory& operator=(const ProfileDirectory&) = delete;
  ~ProfileDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string prefix() const { return (path_ / "profile").string(); }

 private:
  std::filesystem::path path_;
};

std::size_t byte_count(const Ort::Value& tensor) {
  const auto info = tensor.GetTensorTypeAndShapeInfo();
  return info.GetElementCount() * (info.GetElementType() == float16 ? 2 : 4);
}

Ort::Value host_tensor(const Shape& shape, ONNXTensorElementDataType type) {
  const Ort::AllocatorWithDefaultOptions allocator;
  Ort::Value tensor = Ort::Value::CreateTensor(allocator, shape.data(), shape.size(), type);
  std::memset(tensor.GetTensorMutableRawData(), 0, byte_count(tensor));
  return tensor;
}

/// One, or the two parts where the file is a backbone and its head lies beside it.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& model) {
  const auto head = head_beside(model);
  return head ? std::vector{model, *head} : std::vector{model};
}

/// Gives the free dimensions of the graphs' inputs the sizes that they will have.
void fix_sizes(Ort::SessionOptions& options, std::span<const OnnxDescription> graphs,
               const std::array<std::size_t, 4>& sizes) {
  for (const OnnxDescription& graph : graphs) {
    const std::vector<std::string>& names = graph.takes.free_names;
    // What comes from another graph has its batch in common with the image, and no other size.
    const std::size_t known = &graph == graphs.data() ? sizes.size() : 1;
    for (std::size_t i = 0; i < std::min(names.size(), known); ++i) {
      if (names[i].empty()) continue;
      Ort::ThrowOnError(Ort::GetApi().AddFreeDimensionOverrideByName(options, names[i].c_str(),
                                                                     static_cast<std::int64_t>(sizes.at(i))));
    }
  }
}

/// \throws BackendError
Ort::SessionOptions options_for(const BackendRequest& request) {
  try {
    return session_options(request.approach, request.threads);
  } catch (const Ort::Exception& error) {
    throw BackendError("ONNX Runtime cannot load " + provider_of(request.approach) + ": " + sentence_in(error));
  }
}

}  // namespace

Graph::Graph(Ort::Session session, const Device& device)
    : session_(std::move(session)),
      allocator_(session_,
                 device.kind == Device::Kind::cuda
                     ? Ort::MemoryInfo("Cuda", OrtDeviceAllocator, static_cast<int>(device.index), OrtMemTypeDefault)
                     : Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault)) {
  const Ort::AllocatorWithDefaultOptions names;
  input_name_ = session_.GetInputNameAllocated(0, names).get();
  output_name_ = session_.GetOutputNameAllocated(0, names).get();
  const Ort::TypeInfo input = session_.GetInputTypeInfo(0);
  input_type_ = input.GetTensorTypeAndShapeInfo().GetElementType();
  input_shape_ = input.GetTensorTypeAndShapeInfo().GetShape();
}

Ort::Value Graph::tensor(const Shape& shape, ONNXTensorElementDataType type) const {
  return Ort::Value::CreateTensor(allocator_, shape.data(), shape.size(), type);
}

Ort::Value Graph::run(const Ort::Value& input) {
  const char* const input_name = input_name_.c_str();
  const char* const output_name = output_name_.c_str();
  std::vector<Ort::Value> outputs = session_.Run(Ort::RunOptions{nullptr}, &input_name, &input, 1, &output_name, 1);
  return std::move(outputs.front());
}

void Graph::run(const Ort::Value& input, Ort::Value& output) {
  const char* const input_name = input_name_.c_str();
  const char* const output_name = output_name_.c_str();
  session_.Run(Ort::RunOptions{nullptr}, &input_name, &input, 1, &output_name, &output, 1);
}

std::vector<ExecutedNode> Graph::end_profile() {
  const Ort::AllocatorWithDefaultOptions names;
  std::ifstream profile(session_.EndProfilingAllocated(names).get());
  return read_profile(profile);
}

void try_out(Runtime& runtime, const Approach& approach) {
  const ProfileDirectory profiles;
  Ort::SessionOptions options = session_options(approach, 1);
  options.EnableProfiling(profiles.prefix().c_str());
  const std::string bytes = probe_graph(approach.precision);
  Graph graph(Ort::Session(runtime.environment(), bytes.data(), bytes.size(), options), *approach.device);
  (void)graph.run(host_tensor(graph.input_shape(), graph.input_type()));
  Execution(graph.end_profile()).verify(approach.precision, provider_of(approach));
}

Network::Network(Runtime& runtime, const BackendRequest& request)
    : on_device_(request.approach.device->kind == Device::Kind::cuda), device_index_(request.approach.device->index) {
  const std::vector<std::filesystem::path> files = files_of(*request.model);
  try {
    load(runtime, request, files);
  } catch (const Ort::Exception& error) {
    throw ModelError("ONNX Runtime cannot run it: " + sentence_in(error), request.model->string());
  } catch (const ModelError& error) {
    if (!error.where().empty()) throw;
    throw ModelError(error.within(request.model->string()));
  }
}

void Network::load(Runtime& runtime, const BackendRequest& request, const std::vector<std::filesystem::path>& files) {
  const Approach& approach = request.approach;
  if (uses_openmp(approach)) {
    openmp_threads_ = request.threads;
    set_openmp_threads(request.threads);
  }
  std::vector<OnnxDescription> descriptions;
  std::ranges::transform(files, std::back_inserter(descriptions), describe_onnx);
  const InputShape image = request.preprocessor->shape();
  check_images(descriptions.front(), descriptions.back(),
               {image.channels, image.height, image.width, request.max_batch, true});
  const ProfileDirectory profiles;
  Ort::SessionOptions options = options_for(request);
  options.EnableProfiling(profiles.prefix().c_str());
  if (needs_fixed_sizes(approach))
    fix_sizes(options, descriptions, {request.max_batch, image.channels, image.height, image.width});
  bool quantised = false;
  bool half_precision = false;
  for (const OnnxDescription& described : descriptions) {
    graphs_.emplace_back(Ort::Session(runtime.environment(), described.file.c_str(), options), *approach.device);
    parameters_ += described.parameters;
    quantised = quantised || described.quantised;
    half_precision = half_precision || described.half_precision;
  }
  meaning_ = descriptions.back().meaning;
  // Of what was exported the checkpoint is the model.
  if (!request.exported_from) sha256_ = sha256_of_onnx(descriptions);
  // A graph need not declare a shape.
  if (const Shape& declared = graphs_.front().input_shape(); !declared.empty() && declared.front() > 0)
    fixed_batch_ = declared.front();

  const auto batch = static_cast<std::int64_t>(request.max_batch);
  const Shape shape = {batch, static_cast<std::int64_t>(image.channels), static_cast<std::int64_t>(image.height),
                       static_cast<std::int64_t>(image.width)};
  Ort::Value tensor = host_tensor(shape, graphs_.front().input_type());
  std::vector<ExecutedNode> nodes;
  for (Graph& graph : graphs_) {
    const auto info = tensor.GetTensorTypeAndShapeInfo();
    places_.push_back({info.GetShape(), info.GetElementType()});
    tensor = graph.run(tensor);
    for (ExecutedNode& node : graph.end_profile()) nodes.push_back(std::move(node));
  }
  const auto info = tensor.GetTensorTypeAndShapeInfo();
  places_.push_back({info.GetShape(), info.GetElementType()});
  outputs_ = outputs_per_image(info.GetShape(), request.max_batch);
  expect_readable(meaning_, outputs_);

  execution_.emplace(nodes);
  if (!compiles(approach)) {
    execution_->verify(approach.precision, provider_of(approach));
    return;
  }
  execution_->verify_compiled(provider_of(approach));
  // TensorRT chooses a precision for each layer by itself; the graph's numbers say which ones it can choose from.
  if (quantised != (approach.precision == Precision::int8)) {
    throw BackendError("asked for " + std::string(to_string(approach.precision)) + ", but the graph is " +
                       (quantised ? "quantised" : "not quantised"));
  }
  if (half_precision && approach.precision == Precision::fp32)
    throw BackendError("asked for fp32, but the graph's weights are float16");
}

void Network::resize(std::size_t images) {
  const std::int64_t rows = fixed_batch_.value_or(static_cast<std::int64_t>(images));
  if (!tensors_.empty() && places_.front().shape.front() == rows) return;
  tensors_.clear();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    places_[i].shape.front() = rows;
    tensors_.push_back(graphs_[std::min(i, graphs_.size() - 1)].tensor(places_[i].shape, places_[i].type));
  }
  if (!on_device_) return;
  host_input_ = host_tensor(places_.front().shape, places_.front().type);
  host_output_ = host_tensor(places_.back().shape, places_.back().type);
}

std::span<float> Network::input_numbers(std::size_t count) {
  if (places_.front().type == float32) {
    // Through a reference that is not const: what the tensor holds is written to.
    Ort::Value& tensor = on_device_ ? host_input_ : tensors_.front();
    return {tensor.GetTensorMutableData<float>(), count};
  }
  numbers_.resize(std::max(numbers_.size(), count));
  return {numbers_.data(), count};
}

void Network::round_input(std::span<const float> numbers) {
  if (places_.front().type == float32) return;
  Ort::Value& tensor = on_device_ ? host_input_ : tensors_.front();
  std::transform(numbers.begin(), numbers.end(), tensor.GetTensorMutableData<Ort::Float16_t>(),
                 [](float number) { return Ort::Float16_t(number); });
}

void Network::upload(const CudaDriver& driver) const {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the device's address, not the host's
  driver.to_device(device_index_, const_cast<void*>(tensors_.front().GetTensorRawData()),
                   host_input_.GetTensorRawData(), byte_count(host_input_));
}

void Network::download(const CudaDriver& driver) {
  driver.to_host(device_index_, host_output_.GetTensorMutableRawData(), tensors_.back().GetTensorRawData(),
                 byte_count(host_output_));
}

void Network::read_out(std::span<Prediction> out) {
  const std::size_t count = out.size() * outputs_;
  if (places_.back().type == float32) {
    scores_ = {host_output().GetTensorData<float>(), count};
  } else {
    numbers_.resize(std::max(numbers_.size(), count));
    const auto* const first = host_output().GetTensorData<Ort::Float16_t>();
    std::transform(first, first + count, numbers_.begin(), [](Ort::Float16_t number) { return number.ToFloat(); });
    scores_ = {numbers_.data(), count};
  }
  if (meaning_ == OutputMeaning::probabilities) {
    read_probabilities(scores_, outputs_, out);
  } else {
    stagemark::read_out(scores_, outputs_, out);
  }
}

std::vector<float> Network::first_input(std::size_t elements) const {
  std::vector<float> result(elements);
  if (places_.front().type == float32) {
    std::copy_n(host_input().GetTensorData<float>(), elements, result.begin());
  } else {
    std::transform(host_input().GetTensorData<Ort::Float16_t>(),
                   host_input().GetTensorData<Ort::Float16_t>() + elements, result.begin(),
                   [](Ort::Float16_t number) { return number.ToFloat(); });
  }
  return result;
}

}  // namespace stagemark::onnxruntime
