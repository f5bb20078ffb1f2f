#pragma once

#include <ATen/ATen.h>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/preprocessor.hpp"
#include "stagemark/model/output_meaning.hpp"

namespace stagemark::libtorch {

/// What LibTorch calls a precision that networks are brought to: not int8, whose tensors are of several types.
at::ScalarType scalar_type(Precision precision);

/// The precision that a tensor really has. \throws BackendError if it is none of ours
Precision precision_of(at::ScalarType type);

at::Device torch_device(const Device& device);

/// The sentence in a LibTorch error, without the stack traces.
std::string sentence_in(const std::exception& error);

/// What runs: a network in two pieces, or in one.
struct LoadedNetwork {
  using Function = std::function<at::Tensor(const at::Tensor&)>;

  Function backbone;  ///< empty where the network cannot be split
  Function head;      ///< of the features; of the input where there is no backbone
  at::Device device;
  at::ScalarType input_type;  ///< what the input is brought to, in the memory format
  at::MemoryFormat memory_format;
  at::ScalarType precision;                       ///< of the weights
  OutputMeaning meaning = OutputMeaning::logits;  ///< of the head's output
  ModelFacts model;
  /// Facts that the weights and the graph told, in the order to show them.
  std::vector<std::pair<std::string, std::string>> details;
};

/// Makes it an engine with timed stages. Threads are those set at this moment.
std::unique_ptr<InferenceWrapper> wrap(LoadedNetwork network, std::shared_ptr<const Preprocessor> preprocessor);

}  // namespace stagemark::libtorch
