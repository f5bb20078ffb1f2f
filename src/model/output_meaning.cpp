#include "stagemark/model/output_meaning.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

namespace stagemark {
namespace {

/// What an operation does, whatever its inputs are, or with them.
enum class Effect : std::uint8_t {
  probabilities,      ///< makes them
  log_probabilities,  ///< makes them
  logits,             ///< makes them: weights, or a normalisation
  constant,           ///< makes numbers that no image changes
  decision,           ///< turns numbers into class numbers
  exponential,
  logarithm,
  selection,    ///< by its first input, between the others
  first_input,  ///< leaves the numbers what they are, or computes with its first input alone
  all_inputs,   ///< computes with all
};

/// Of each effect the operations, with spaces between them.
constexpr std::array<std::pair<Effect, std::string_view>, 10> operations = {{
    // Of tanh and of exp the same is made by a few more operations; where that is not so, the numbers are no probabilities,
    // and each image is refused for it.
    {Effect::probabilities,
     "sigmoid special_expit hardsigmoid softmax _softmax special_softmax tanh qlinearsigmoid "
     "qlinearsoftmax"},
    {Effect::log_probabilities,
     "logsoftmax log_softmax _log_softmax special_log_softmax log_sigmoid logsigmoid softplus"},
    {Effect::logits,
     "gemm matmul conv convtranspose einsum qlinearconv qlinearmatmul qgemm qlinearadd convinteger "
     "matmulinteger fusedconv fusedmatmul fusedgemm batchnormalization instancenormalization "
     "layernormalization groupnormalization linear addmm mm bmm baddbmm conv1d conv2d conv3d "
     "_convolution convolution batch_norm layer_norm group_norm instance_norm"},
    {Effect::constant,
     "constant shape size constantofshape range arange eyelike zeros ones full zeros_like ones_like "
     "full_like tensor numtotensor"},
    {Effect::decision,
     "argmax argmin argsort onehot one_hot greater greaterorequal less lessorequal equal not and or "
     "xor gt ge lt le eq ne logical_not logical_and logical_or greater_equal less_equal not_equal "
     "round floor ceil trunc sign sgn heaviside"},
    {Effect::exponential, "exp"},
    {Effect::logarithm, "log"},
    {Effect::selection, "where"},
    {Effect::first_input,
     "identity cast castlike clip reshape squeeze unsqueeze flatten slice transpose dropout "
     "quantizelinear dequantizelinear gather gatherelements gathernd expand tile pad split "
     "qlinearaveragepool qlinearglobalaveragepool reducesum reducemean reducemax reducemin "
     "globalaveragepool averagepool globalmaxpool maxpool relu leakyrelu abs sqrt pow neg reciprocal "
     "scatternd topk to view view_as reshape_as expand_as contiguous detach clone clamp clamp_min "
     "clamp_max hardtanh type_as select narrow index index_select float double half permute t "
     "swapaxes movedim cpu cuda alias sort amax amin nan_to_num chunk tensor_split unbind unflatten "
     "repeat __getitem__ adaptive_avg_pool2d avg_pool2d max_pool2d adaptive_max_pool2d cumsum "
     "feature_dropout alpha_dropout"},
    {Effect::all_inputs,
     "add sub rsub mul multiply div divide true_divide sum mean max min maximum minimum concat "
     "qlinearconcat cat stack hstack vstack column_stack lerp"},
}};

std::optional<Effect> effect_of(std::string_view operation) {
  static const auto effects = [] {
    std::unordered_map<std::string_view, Effect> by_name;
    for (auto [effect, names] : operations) {
      while (!names.empty()) {
        const std::string_view name = names.substr(0, names.find(' '));
        by_name.emplace(name, effect);
        names.remove_prefix(std::min(names.size(), name.size() + 1));
      }
    }
    return by_name;
  }();
  const auto found = effects.find(operation);
  return found == effects.end() ? std::nullopt : std::optional(found->second);
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
  const std::optional<Effect> effect = effect_of(operation);
  if (!effect) return unknown;
  if (*effect == Effect::probabilities) return probabilities;
  if (*effect == Effect::log_probabilities) return log_probabilities;
  if (*effect == Effect::logits) return logits;
  if (*effect == Effect::constant) return constant;
  if (inputs == 0) return unknown;
  if (*effect == Effect::selection) return mixed(1, inputs, input);
  if (*effect == Effect::all_inputs) return mixed(0, inputs, input);
  const OutputMeaning first = input(0);
  if (first == constant || *effect == Effect::first_input) return first;
  if (*effect == Effect::decision) return class_numbers;
  if (*effect == Effect::exponential) return probabilities;
  // A logarithm.
  return first == probabilities ? log_probabilities : unknown;
}

}  // namespace stagemark
