#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/core/stage_timer.hpp"

namespace stagemark {

/// The probability of a prediction that nobody has written yet: a NaN that no arithmetic makes.
inline constexpr double not_written = std::bit_cast<double>(std::uint64_t{0x7ff8'0000'1bad'da7a});

/// What a network says of one image.
struct Prediction {
  /// Of class index 1 where the task is binary, else of `class_index`; in [0, 1].
  double probability = not_written;
  /// Before the sigmoid or softmax, where the network has one.
  std::optional<double> logit;
  /// The winning class of a network with more than two; absent where the run's threshold decides.
  std::optional<std::size_t> class_index;
};

/// Why a prediction cannot be used: not written, NaN, infinity, or a probability that is none; absent if it can.
std::optional<std::string> defect(const Prediction& prediction);

/// The model file behind a wrapper.
struct ModelFacts {
  std::string path;
  std::string format;                       ///< e.g. "lightning-checkpoint"
  std::string sha256;                       ///< of the file, hexadecimal
  std::optional<std::uint64_t> parameters;  ///< weights and biases; absent where the format does not tell
};

/// What really runs, read off the tensors and the runtime, never copied from the request.
struct ExecutionFacts {
  Precision precision = Precision::fp32;
  Device device;
  std::optional<ModelFacts> model;
  /// Engine version, memory format, TF32 and the like, in the order to show them.
  std::vector<std::pair<std::string, std::string>> details;
  /// Whether nothing tells what the network's numbers are, logits or probabilities: they are read as logits, and a
  /// single one is doubted where it looks otherwise.
  bool outputs_unknown = false;
  /// Whether there is no network at all, so that all the time a run takes is the harness's own.
  bool does_nothing = false;
};

/// What an approach asks for and what runs in its place; absent where that is the same.
std::optional<std::string> unlike_asked(const Approach& asked, const ExecutionFacts& facts);

/// One way to classify images: all that the suite sees of an engine. `Timed` makes one of a class with typed stages, and
/// times them, so that no author can forget one: write such a class rather than derive from this.
class InferenceWrapper {
 public:
  InferenceWrapper() = default;
  InferenceWrapper(const InferenceWrapper&) = delete;
  InferenceWrapper& operator=(const InferenceWrapper&) = delete;
  virtual ~InferenceWrapper() = default;

  /// Classifies a batch. The caller times `total` around this call; the stages inside are timed as `timer.mode()` says.
  /// One thread at a time.
  /// \param images the batch, at least one
  /// \param out    one prediction per image
  virtual void predict(std::span<const Image> images, std::span<Prediction> out, StageTimer& timer) = 0;

  /// What the tensors of the last call (or, before the first, of the loaded network) really were.
  [[nodiscard]] virtual ExecutionFacts execution_facts() const = 0;

  /// Whether work is only launched by a call and has to be waited for. Such a wrapper is measured in separate passes
  /// for `total`, for the whole network and for the stages.
  [[nodiscard]] virtual bool asynchronous() const noexcept = 0;

  /// The network's output of the last `predict`, before any sigmoid or softmax of ours: a row for each image, with a number
  /// for each output of the network; empty where the engine does not tell. Owned by the wrapper; valid until the next call
  /// of `predict` or `input_of`.
  [[nodiscard]] virtual std::span<const float> scores() const { return {}; }

  /// What the network gets for an image, as float32 in the order N x C x H x W; empty where the engine does not tell.
  /// Never timed: it shows whether approaches see the same.
  [[nodiscard]] virtual std::vector<float> input_of(const Image& /*image*/) { return {}; }

  /// Most memory held on the device so far, where the device is not the host.
  [[nodiscard]] virtual std::optional<std::uint64_t> device_peak_bytes() const { return std::nullopt; }
};

}  // namespace stagemark
