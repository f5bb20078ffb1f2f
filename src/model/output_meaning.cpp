#include "stagemark/model/output_meaning.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace stagemark {
namespace {

using Names = std::initializer_list<std::string_view>;

bool is_among(std::string_view operation, Names names) { return std::ranges::find(names, operation) != names.end(); }

bool makes_probabilities(std::string_view operation) {
  // Of tanh and of exp the same is made by a few more operations; where that is not so, the numbers are no probabilities,
  // and each image is refused for it.
  return is_among(operation, {"sigmoid", "special_expit", "hardsigmoid", "softmax", "_softmax", "special_softmax",
                              "tanh", "qlinearsigmoid", "qlinearsoftmax"});
}

bool makes_log_probabilities(std::string_view operation) {
  return is_among(operation, {"logsoftmax", "log_softmax", "_log_softmax", "special_log_softmax", "log_sigmoid",
                              "logsigmoid", "softplus"});
}

bool makes_decisions(std::string_view operation) {
  return is_among(operation, {"argmax",
                              "argmin",
                              "argsort",
                              "onehot",
                              "one_hot",
                              "greater",
                              "greaterorequal",
                              "less",
                              "lessorequal",
                              "equal",
                              "not",
                              "and",
                              "or",
                              "xor",
                              "gt",
                              "ge",
                              "lt",
                              "le",
                              "eq",
                              "ne",
                              "logical_not",
                              "logical_and",
                              "logical_or",
                              "greater_equal",
                              "less_equal",
                              "not_equal",
                              "round",
                              "floor",
                              "ceil",
                              "trunc",
                              "sign",
                              "sgn",
                              "heaviside"});
}

bool makes_constants(std::string_view operation) {
  return is_among(operation, {"constant", "shape", "size", "constantofshape", "range", "arange", "eyelike", "zeros",
                              "ones", "full", "zeros_like", "ones_like", "full_like", "tensor", "numtotensor"});
}

bool makes_logits(std::string_view operation) {
  return is_among(operation, {"gemm",
                              "matmul",
                              "conv",
                              "convtranspose",
                              "einsum",
                              "qlinearconv",
                              "qlinearmatmul",
                              "qgemm",
                              "qlinearadd",
                              "convinteger",
                              "matmulinteger",
                              "fusedconv",
                              "fusedmatmul",
                              "fusedgemm",
                              "batchnormalization",
                              "instancenormalization",
                              "layernormalization",
                              "groupnormalization",
                              "linear",
                              "addmm",
                              "mm",
                              "bmm",
                              "baddbmm",
                              "matmul",
                              "conv1d",
                              "conv2d",
                              "conv3d",
                              "_convolution",
                              "convolution",
                              "batch_norm",
                              "layer_norm",
                              "group_norm",
                              "instance_norm"});
}

/// Leaves the numbers what they are, or computes with its first input alone.
bool passes_first(std::string_view operation) {
  return is_among(operation, {"identity",
                              "cast",
                              "castlike",
                              "clip",
                              "reshape",
                              "squeeze",
                              "unsqueeze",
                              "flatten",
                              "slice",
                              "transpose",
                              "dropout",
                              "quantizelinear",
                              "dequantizelinear",
                              "gather",
                              "gatherelements",
                              "gathernd",
                              "expand",
                              "tile",
                              "pad",
                              "split",
                              "qlinearaveragepool",
                              "qlinearglobalaveragepool",
                              "reducesum",
                              "reducemean",
                              "reducemax",
                              "reducemin",
                              "globalaveragepool",
                              "averagepool",
                              "globalmaxpool",
                              "maxpool",
                              "relu",
                              "leakyrelu",
                              "abs",
                              "sqrt",
                              "pow",
                              "neg",
                              "reciprocal",
                              "scatternd",
                              "topk",
                              "to",
                              "view",
                              "view_as",
                              "reshape_as",
                              "expand_as",
                              "contiguous",
                              "detach",
                              "clone",
                              "clamp",
                              "clamp_min",
                              "clamp_max",
                              "hardtanh",
                              "type_as",
                              "select",
                              "narrow",
                              "index",
                              "index_select",
                              "float",
                              "double",
                              "half",
                              "permute",
                              "t",
                              "swapaxes",
                              "movedim",
                              "cpu",
                              "cuda",
                              "alias",
                              "sort",
                              "amax",
                              "amin",
                              "nan_to_num",
                              "chunk",
                              "tensor_split",
                              "unbind",
                              "unflatten",
                              "repeat",
                              "__getitem__",
                              "adaptive_avg_pool2d",
                              "avg_pool2d",
                              "max_pool2d",
                              "adaptive_max_pool2d",
                              "cumsum",
                              "nan_to_num",
                              "feature_dropout",
                              "alpha_dropout"});
}

/// Computes with all its inputs.
bool mixes(std::string_view operation) {
  return is_among(operation, {"add", "sub",   "rsub",   "mul",    "multiply",     "div",     "divide", "true_divide",
                              "sum", "mean",  "max",    "min",    "maximum",      "minimum", "concat", "qlinearconcat",
                              "cat", "stack", "hstack", "vstack", "column_stack", "lerp"});
}

/// Of numbers of several kinds: weights decide, then what depends on the image.
OutputMeaning mixed(std::size_t first, std::size_t inputs, const std::function<OutputMeaning(std::size_t)>& input) {
  std::array<bool, 6> has{};
  for (std::size_t i = first; i < inputs; ++i) has.at(static_cast<std::size_t>(input(i))) = true;
  using enum OutputMeaning;
  const auto any = [&](OutputMeaning meaning) { return has.at(static_cast<std::size_t>(meaning)); };
  if (any(unknown) || (any(probabilities) && any(log_probabilities))) return unknown;
  for (const OutputMeaning meaning : {logits, probabilities, log_probabilities, class_numbers}) {
    if (any(meaning)) return meaning;
  }
  return constant;
}

}  // namespace

OutputMeaning meaning_after(std::string_view operation, std::size_t inputs,
                            const std::function<OutputMeaning(std::size_t)>& input) {
  using enum OutputMeaning;
  if (makes_probabilities(operation)) return probabilities;
  if (makes_log_probabilities(operation)) return log_probabilities;
  if (makes_logits(operation)) return logits;
  if (makes_constants(operation)) return constant;
  if (inputs == 0) return unknown;
  if (makes_decisions(operation)) return input(0) == constant ? constant : class_numbers;
  if (operation == "exp") return input(0) == constant ? constant : probabilities;
  if (operation == "log") {
    const OutputMeaning of = input(0);
    if (of == constant) return constant;
    return of == probabilities ? log_probabilities : unknown;
  }
  if (operation == "where") return mixed(1, inputs, input);
  if (passes_first(operation)) return input(0);
  return mixes(operation) ? mixed(0, inputs, input) : unknown;
}

}  // namespace stagemark
