#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cuda_driver.hpp"
#include "execution.hpp"
#include "providers.hpp"
#include "runtime.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/model/output_meaning.hpp"

namespace stagemark::onnxruntime {

using Shape = std::vector<std::int64_t>;  ///< -1 where a dimension is free

/// One graph in a session of its own: a tensor in, a tensor out, the first dimension of both is the batch.
class Graph {
 public:
  /// \param session of a graph with one input and one output
  Graph(Ort::Session session, const Device& device);

  [[nodiscard]] const Shape& input_shape() const noexcept { return input_shape_; }
  [[nodiscard]] ONNXTensorElementDataType input_type() const noexcept { return input_type_; }

  /// A tensor in the memory that the session computes in.
  [[nodiscard]] Ort::Value tensor(const Shape& shape, ONNXTensorElementDataType type) const;

  /// Runs the graph into a new tensor, which ONNX Runtime makes on the host.
  [[nodiscard]] Ort::Value run(const Ort::Value& input);
  void run(const Ort::Value& input, Ort::Value& output);

  /// Ends the profile: the nodes that ran since the session was made.
  [[nodiscard]] std::vector<ExecutedNode> end_profile();

 private:
  Ort::Session session_;
  Ort::Allocator allocator_;
  std::string input_name_;
  std::string output_name_;
  Shape input_shape_;
  ONNXTensorElementDataType input_type_ = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
};

/// Runs a small graph as the approach asks. \throws BackendError if it ran otherwise, Ort::Exception if it did not run
void try_out(Runtime& runtime, const Approach& approach);

/// The graphs of a classifier, one or backbone and head, with the tensors between them in place.
class Network {
 public:
  /// Loads the graphs and runs them once. \throws ModelError, BackendError
  Network(Runtime& runtime, const BackendRequest& request);

  [[nodiscard]] bool is_split() const noexcept { return graphs_.size() == 2; }
  [[nodiscard]] const Execution& execution() const noexcept { return *execution_; }
  /// Weights and biases, summed over all its files.
  [[nodiscard]] std::uint64_t parameters() const noexcept { return parameters_; }
  /// Of all its files.
  [[nodiscard]] OutputMeaning meaning() const noexcept { return meaning_; }
  [[nodiscard]] const std::string& sha256() const noexcept { return sha256_; }

  /// Makes place for the batch, and puts the numbers where the device's upload, or the network itself, takes them.
  /// \param fill given the place of each image's numbers in turn
  template <class Fill>
  void fill_input(std::size_t images, std::size_t elements, Fill&& fill) {
    scores_ = {};
    resize(images);
    const std::span<float> numbers = input_numbers(images * elements);
    for (std::size_t i = 0; i < images; ++i) fill(i, numbers.subspan(i * elements, elements));
    round_input(numbers);
  }

  void upload(const CudaDriver& driver) const;
  /// Runs the graph of that index on the tensor before it, into the one behind it.
  void run(std::size_t graph) {
    if (openmp_threads_) set_openmp_threads(*openmp_threads_);
    graphs_[graph].run(tensors_[graph], tensors_[graph + 1]);
  }
  void download(const CudaDriver& driver);
  /// Makes predictions of the output: of what download() copied, or on the host of what the last graph wrote.
  void read_out(std::span<Prediction> out);
  /// The output that read_out() read, a row for each image; valid until the input is filled again.
  [[nodiscard]] std::span<const float> scores() const noexcept { return scores_; }

  /// What the network got last, of the first image.
  [[nodiscard]] std::vector<float> first_input(std::size_t elements) const;

 private:
  struct Place {
    Shape shape;  ///< the first dimension is set to the batch
    ONNXTensorElementDataType type;
  };

  void load(Runtime& runtime, const BackendRequest& request, const std::vector<std::filesystem::path>& files);
  void resize(std::size_t images);
  std::span<float> input_numbers(std::size_t count);
  void round_input(std::span<const float> numbers);
  [[nodiscard]] const Ort::Value& host_input() const { return on_device_ ? host_input_ : tensors_.front(); }
  [[nodiscard]] const Ort::Value& host_output() const { return on_device_ ? host_output_ : tensors_.back(); }

  bool on_device_;
  std::size_t device_index_;
  std::optional<std::size_t> openmp_threads_;  ///< absent where the provider has threads of another kind
  std::vector<Graph> graphs_;
  std::optional<std::int64_t> fixed_batch_;
  std::optional<Execution> execution_;
  std::uint64_t parameters_ = 0;
  std::string sha256_;
  OutputMeaning meaning_ = OutputMeaning::unknown;
  std::vector<Place> places_;  ///< of the input, of the features if it is split, of the output
  std::size_t outputs_ = 0;    ///< per image
  std::vector<Ort::Value> tensors_;
  Ort::Value host_input_{nullptr};  ///< where the network is on a device
  Ort::Value host_output_{nullptr};
  std::vector<float> numbers_;  ///< of a half-precision input or output
  std::span<const float> scores_;
};

}  // namespace stagemark::onnxruntime
