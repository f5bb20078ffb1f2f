#include "stagemark/model/output_meaning.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// What an operation does, whatever its inputs are, or with them.
enum class Effect : std::uint8_t {
  sigmoid,
  softmax,
  centred_sigmoid,  ///< from -1 to 1
  softplus,
  log_probabilities,
  weights,  ///< or a normalisation
  zeros,
  ones,
  fills,     ///< with its second input
  constant,  ///< makes numbers that no image changes
  comparison,
  decision,  ///< turns numbers into class numbers
  exponential,
  logarithm,
  logarithm_of_one_more,
  log_odds,
  selection,    ///< by its first input, between the others
  replacement,  ///< of some of its first input's numbers
  movement,     ///< leaves the numbers what they are, or combines some without leaving their range
  quantisation,
  reduction,           ///< to a sum
  product_of_numbers,  ///< of its one input
  limits,              ///< between the second and third input
  limit_below,
  limit_above,
  no_negatives,
  magnitude,
  root,
  power,
  reciprocal,
  negation,
  sum,
  sum_of_all,
  difference,
  reversed_difference,
  product,
  quotient,
  join,  ///< of all inputs, none leaves their range
};

/// Of each effect the operations, with spaces between them.
constexpr auto operations = std::to_array<std::pair<Effect, std::string_view>>({
    {Effect::sigmoid, "sigmoid special_expit hardsigmoid qlinearsigmoid"},
    {Effect::softmax, "softmax _softmax special_softmax qlinearsoftmax"},
    {Effect::centred_sigmoid, "tanh erf special_erf softsign"},
    {Effect::softplus, "softplus"},
    {Effect::log_probabilities, "logsoftmax log_softmax _log_softmax special_log_softmax log_sigmoid logsigmoid"},
    {Effect::weights,
     "gemm matmul conv convtranspose einsum qlinearconv qlinearmatmul qgemm qlinearadd convinteger "
     "matmulinteger fusedconv fusedmatmul fusedgemm batchnormalization instancenormalization "
     "layernormalization groupnormalization linear addmm mm bmm baddbmm conv1d conv2d conv3d "
     "_convolution convolution batch_norm layer_norm group_norm instance_norm"},
    {Effect::zeros, "zeros zeros_like new_zeros zero"},
    {Effect::ones, "ones ones_like new_ones"},
    {Effect::fills, "full full_like fill copy"},
    {Effect::constant, "shape size range arange eyelike eye empty empty_like"},
    {Effect::comparison,
     "onehot one_hot hardmax greater greaterorequal less lessorequal equal not and or xor gt ge lt le eq ne "
     "logical_not logical_and logical_or logical_xor bitwise_not bitwise_and bitwise_or __and__ __or__ "
     "greater_equal less_equal not_equal heaviside"},
    {Effect::decision, "argmax argmin argsort round floor ceil trunc sign sgn"},
    {Effect::exponential, "exp"},
    {Effect::logarithm, "log"},
    {Effect::logarithm_of_one_more, "log1p special_log1p"},
    {Effect::log_odds, "logit special_logit"},
    {Effect::selection, "where"},
    {Effect::replacement,
     "scatter scatterelements scatternd masked_fill masked_scatter index_put _index_put_impl index_fill index_copy"},
    {Effect::movement,
     "identity cast castlike reshape squeeze unsqueeze flatten slice transpose dropout gather gatherelements "
     "gathernd expand tile pad split qlinearaveragepool qlinearglobalaveragepool reducemean reducemax reducemin "
     "globalaveragepool averagepool globalmaxpool maxpool leakyrelu topk to view view_as reshape_as expand_as "
     "contiguous detach clone type_as select narrow index index_select double float half permute t swapaxes "
     "movedim cpu cuda alias ravel numpy_t broadcast_to median sort amax amin nan_to_num chunk tensor_split unbind "
     "unflatten repeat __getitem__ "
     "adaptive_avg_pool2d avg_pool2d max_pool2d adaptive_max_pool2d feature_dropout alpha_dropout cat stack "
     "hstack vstack column_stack tensor numtotensor listunpack tupleunpack tupleindex unchecked_cast data"},
    {Effect::quantisation, "quantizelinear dequantizelinear"},
    {Effect::reduction, "reducesum cumsum"},
    {Effect::product_of_numbers, "prod reduceprod"},
    {Effect::limits, "clip clamp hardtanh"},
    {Effect::limit_below, "clamp_min"},
    {Effect::limit_above, "clamp_max"},
    {Effect::no_negatives, "relu relu6"},
    {Effect::magnitude, "abs"},
    {Effect::root, "sqrt"},
    {Effect::power, "pow"},
    {Effect::reciprocal, "reciprocal"},
    {Effect::negation, "neg"},
    {Effect::sum, "add"},
    {Effect::sum_of_all, "sum"},
    {Effect::difference, "sub"},
    {Effect::reversed_difference, "rsub"},
    {Effect::product, "mul multiply"},
    {Effect::quotient, "div divide true_divide"},
    {Effect::join, "mean max min maximum minimum concat qlinearconcat listconstruct tupleconstruct lerp"},
});

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

NetworkValue constant(double low, double high) { return {ValueKind::constant, low, high}; }

bool is_squashed(const NetworkValue& value) {
  return value.kind == ValueKind::squashed || value.kind == ValueKind::shares;
}

bool within_0_and_1(const NetworkValue& value) {
  // What rounding a factor of 1 / 3 adds.
  constexpr double rounding = 1e-5;
  return value.low >= -rounding && value.high <= 1 + rounding;
}

bool are_probabilities(const NetworkValue& value) { return is_squashed(value) && within_0_and_1(value); }

/// Whether it is a constant that is there to divide by, or to take the logarithm of, more than nothing.
bool is_next_to_nothing(const NetworkValue& value) {
  constexpr double most = 1e-3;
  return value.kind == ValueKind::constant && value.low >= -most && value.high <= most;
}

bool is_one(const NetworkValue& value) {
  return value.kind == ValueKind::constant && value.low == 1 && value.high == 1;
}

Whose turned(Whose whose) {
  if (whose == Whose::own) return Whose::other;
  return whose == Whose::other ? Whose::own : whose;
}

/// Of a constant and something else, the other one's; of two the same's, if they agree.
Whose together(const NetworkValue& a, const NetworkValue& b) {
  if (b.kind == ValueKind::constant) return a.whose;
  if (a.kind == ValueKind::constant) return b.whose;
  return a.whose == b.whose ? a.whose : Whose::own;
}

NetworkValue marked(Whose whose, NetworkValue value) {
  value.whose = whose;
  return value;
}

/// \param low, high may be no numbers, of infinities that cancel out
NetworkValue of_range(ValueKind kind, double low, double high) {
  // Of logarithms, those that were computed with may be any: their exponential is no probability.
  if (kind == ValueKind::log_probabilities) return {kind};
  if (std::isnan(low)) low = -infinity;
  if (std::isnan(high)) high = infinity;
  return {kind, low, high};
}

/// Of numbers of two kinds: weights decide, then what depends on the image.
ValueKind mixed(const NetworkValue& a, const NetworkValue& b) {
  const auto any = [&](ValueKind kind) { return a.kind == kind || b.kind == kind; };
  const bool squashed = is_squashed(a) || is_squashed(b);
  if (any(ValueKind::unknown) || any(ValueKind::odds) || (squashed && any(ValueKind::log_probabilities)))
    return ValueKind::unknown;
  if (any(ValueKind::logits)) return ValueKind::logits;
  if (squashed) return ValueKind::squashed;
  if (any(ValueKind::log_probabilities)) return ValueKind::log_probabilities;
  return any(ValueKind::class_numbers) ? ValueKind::class_numbers : ValueKind::constant;
}

NetworkValue sum(const NetworkValue& a, const NetworkValue& b) {
  if (is_next_to_nothing(b)) return a;
  if (is_next_to_nothing(a)) return b;
  return marked(together(a, b), of_range(mixed(a, b), a.low + b.low, a.high + b.high));
}

NetworkValue difference(const NetworkValue& a, const NetworkValue& b) {
  if (is_next_to_nothing(b)) return a;
  ValueKind kind = mixed(a, b);
  // Log-odds; and a negative log-likelihood, which is least for the right class.
  if (b.kind == ValueKind::log_probabilities && kind == b.kind)
    kind = a.kind == b.kind ? ValueKind::logits : ValueKind::unknown;
  return marked(together(a, marked(turned(b.whose), b)), of_range(kind, a.low - b.high, a.high - b.low));
}

NetworkValue product(const NetworkValue& a, const NetworkValue& b) {
  if (is_one(b)) return a;
  if (is_one(a)) return b;
  ValueKind kind = mixed(a, b);
  if (kind == ValueKind::log_probabilities && (a.kind == kind ? b : a).low < 0) kind = ValueKind::unknown;
  // Nothing times what may be infinite is nothing.
  const auto times = [](double x, double y) { return x == 0 || y == 0 ? 0.0 : x * y; };
  const auto [low, high] =
      std::minmax({times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)});
  const bool turns = (a.kind == ValueKind::constant && a.high < 0) || (b.kind == ValueKind::constant && b.high < 0);
  const Whose whose = together(a, b);
  return marked(turns ? turned(whose) : whose, of_range(kind, low, high));
}

NetworkValue quotient(const NetworkValue& a, const NetworkValue& b) {
  if (a.self != 0 && b.sum_of == a.self && a.low >= 0 && a.kind != ValueKind::constant)
    return {ValueKind::shares, 0, 1};
  if (are_probabilities(a) && are_probabilities(b)) return {ValueKind::odds, 0, infinity};
  NetworkValue inverse = marked(turned(b.whose), b);
  const bool positive = b.low >= 0;
  const bool negative = b.high < 0;
  inverse.low = positive || negative ? 1 / b.high : -infinity;
  inverse.high = positive || negative ? 1 / b.low : infinity;
  NetworkValue result = product(a, inverse);
  // Other numbers that depend on the image leave nothing as it was: sums, norms, deviations, temperatures.
  if (b.kind != ValueKind::constant && (!is_squashed(b) || b.sum_of != 0)) result.kind = ValueKind::unknown;
  return result;
}

/// \param chosen whether class numbers only choose between the others, where there are others that an image changes
NetworkValue joined(std::span<const NetworkValue> values, bool chosen) {
  if (values.empty()) return {ValueKind::constant};
  NetworkValue result = constant(infinity, -infinity);
  for (const NetworkValue& value : values) {
    if (value.kind != ValueKind::class_numbers) result.whose = together(result, value);
    result.low = std::min(result.low, value.low);
    result.high = std::max(result.high, value.high);
    const ValueKind kind = value.kind == ValueKind::shares ? ValueKind::squashed : value.kind;
    if (kind == ValueKind::constant || kind == result.kind ||
        (chosen && kind == ValueKind::class_numbers && result.kind != ValueKind::constant))
      continue;
    const bool first = result.kind == ValueKind::constant || (chosen && result.kind == ValueKind::class_numbers);
    result.kind = first ? kind : ValueKind::unknown;
  }
  return result;
}

/// \param range of the inputs whose numbers may come out
NetworkValue chosen(std::span<const NetworkValue> inputs, std::span<const NetworkValue> range) {
  NetworkValue result = joined(range, false);
  result.kind = joined(inputs, true).kind;
  return result;
}

/// Of weights over decisions or probabilities alone: a group's probability, a mean, or a network's hidden layer.
NetworkValue weighted(std::span<const NetworkValue> inputs) {
  const auto is_constant = [](const NetworkValue& value) { return value.kind == ValueKind::constant; };
  const auto settles = [](const NetworkValue& value) {
    return (is_squashed(value) && value.low >= 0) || value.kind == ValueKind::odds ||
           value.kind == ValueKind::class_numbers || value.kind == ValueKind::constant;
  };
  if (std::ranges::all_of(inputs, is_constant)) return {ValueKind::constant};
  return {std::ranges::all_of(inputs, settles) ? ValueKind::unknown : ValueKind::logits};
}

NetworkValue logarithm(const NetworkValue& value) {
  if (value.kind == ValueKind::constant) return {ValueKind::constant};
  if (value.kind == ValueKind::odds) return {ValueKind::logits};
  if (!are_probabilities(value)) return {};
  return marked(value.whose, {ValueKind::log_probabilities, -infinity, 0});
}

NetworkValue exponential(const NetworkValue& value) {
  if (value.kind == ValueKind::constant) return {ValueKind::constant, 0, infinity};
  const bool probabilities = value.kind == ValueKind::log_probabilities && value.high <= 0;
  return marked(value.whose, {ValueKind::squashed, 0, probabilities ? 1 : infinity});
}

NetworkValue limited(NetworkValue value, double low, double high) {
  value.low = std::max(low, std::min(value.low, high));
  value.high = std::min(high, std::max(value.high, low));
  return value;
}

/// Of a function that keeps neither probabilities nor their logarithms what they are.
NetworkValue bent(const NetworkValue& value, double low, double high) {
  const bool bends = is_squashed(value) || value.kind == ValueKind::log_probabilities || value.kind == ValueKind::odds;
  return {bends ? ValueKind::unknown : value.kind, low, high};
}

NetworkValue magnitude(const NetworkValue& value) {
  if (value.low >= 0) return value;
  return bent(value, value.high < 0 ? -value.high : 0, std::max(-value.low, value.high));
}

NetworkValue power(const NetworkValue& base, const NetworkValue& exponent) {
  const bool even =
      exponent.kind == ValueKind::constant && exponent.low == exponent.high && std::fmod(exponent.low, 2) == 0;
  NetworkValue result = bent(base, base.low >= 0 || even ? 0 : -infinity, infinity);
  if (exponent.kind != ValueKind::constant) result.kind = ValueKind::unknown;
  return result;
}

NetworkValue total(const NetworkValue& value) {
  NetworkValue result = value;
  result.sum_of = value.self;
  if (value.kind == ValueKind::shares) return result;
  if (value.kind == ValueKind::log_probabilities) return of_range(value.kind, 0, 0);
  result.low = value.low >= 0 ? 0 : -infinity;
  result.high = value.high <= 0 ? 0 : infinity;
  return result;
}

/// Its first input, unless that is a table of constants that class numbers are looked up in.
NetworkValue moved(std::span<const NetworkValue> inputs) {
  NetworkValue result = inputs[0];
  const bool looked_up =
      std::ranges::any_of(inputs, [](const auto& each) { return each.kind == ValueKind::class_numbers; });
  if (result.kind == ValueKind::constant && looked_up) result.kind = ValueKind::class_numbers;
  return result;
}

}  // namespace

NetworkValue value_after(std::string_view operation, std::span<const NetworkValue> inputs) {
  const std::optional<Effect> effect = effect_of(operation);
  if (!effect) return {};
  if (*effect == Effect::constant) return {ValueKind::constant};
  if (*effect == Effect::zeros) return constant(0, 0);
  if (*effect == Effect::ones) return constant(1, 1);
  if (*effect == Effect::join) return joined(inputs, false);
  if (inputs.empty()) return {};
  const NetworkValue& first = inputs[0];
  const auto input = [&](std::size_t i) { return i < inputs.size() ? inputs[i] : NetworkValue{ValueKind::constant}; };
  const auto made = [&](ValueKind kind, double low, double high) {
    return NetworkValue{first.kind == ValueKind::constant ? first.kind : kind, low, high};
  };
  // ATen has a factor for the second one.
  const auto second = [&] { return inputs.size() < 3 ? input(1) : product(inputs[1], inputs[2]); };
  switch (*effect) {
    case Effect::sigmoid:
      return marked(first.whose, made(ValueKind::squashed, 0, 1));
    case Effect::softmax:
      return made(ValueKind::shares, 0, 1);
    case Effect::centred_sigmoid:
      return marked(first.whose, made(ValueKind::squashed, -1, 1));
    case Effect::softplus:
      return made(ValueKind::unknown, 0, infinity);
    case Effect::log_probabilities:
      return made(ValueKind::log_probabilities, -infinity, 0);
    case Effect::weights:
      return weighted(inputs);
    case Effect::fills:
      return input(1);
    case Effect::comparison:
      return made(ValueKind::class_numbers, 0, 1);
    case Effect::decision:
      return made(ValueKind::class_numbers, -infinity, infinity);
    case Effect::exponential:
      return exponential(first);
    case Effect::logarithm:
      return logarithm(first);
    case Effect::logarithm_of_one_more:
      return logarithm(sum(first, constant(1, 1)));
    case Effect::log_odds:
      return made(are_probabilities(first) ? ValueKind::logits : ValueKind::unknown, -infinity, infinity);
    case Effect::selection:
      return inputs.size() < 3 ? NetworkValue() : chosen(inputs, inputs.subspan(1));
    case Effect::replacement: {
      if (inputs.size() < 3) return {};
      // The second input is where.
      std::vector<NetworkValue> numbers(inputs.begin() + 2, inputs.end());
      numbers.push_back(first);
      return chosen(inputs, numbers);
    }
    case Effect::movement:
      return moved(inputs);
    case Effect::quantisation:
      // The numbers of a constant are not those that it stands for.
      return first.kind == ValueKind::constant ? NetworkValue{ValueKind::constant} : first;
    case Effect::reduction:
      return total(first);
    case Effect::product_of_numbers:
      return are_probabilities(first) ? marked(first.whose, {ValueKind::squashed, 0, 1})
                                      : bent(first, -infinity, infinity);
    case Effect::limits:
      return limited(first, input(1).low, input(2).high);
    case Effect::limit_below:
      return limited(first, input(1).low, infinity);
    case Effect::limit_above:
      return limited(first, -infinity, input(1).high);
    case Effect::no_negatives:
      return limited(first, 0, infinity);
    case Effect::magnitude:
      return magnitude(first);
    case Effect::root:
      return bent(first, 0, infinity);
    case Effect::power:
      return power(first, input(1));
    case Effect::reciprocal:
      return quotient(constant(1, 1), first);
    case Effect::negation:
      return difference(constant(0, 0), first);
    case Effect::sum:
      return sum(first, second());
    case Effect::sum_of_all:
      return std::accumulate(inputs.begin() + 1, inputs.end(), first, sum);
    case Effect::difference:
      return difference(first, second());
    case Effect::reversed_difference:
      return difference(input(1), inputs.size() < 3 ? first : product(first, inputs[2]));
    case Effect::product:
      return product(first, input(1));
    case Effect::quotient:
      return quotient(first, input(1));
    default:
      return {};
  }
}

NetworkValue taken_of(NetworkValue shares, Whose whose) {
  const bool softmax =
      shares.kind == ValueKind::shares || (shares.kind == ValueKind::log_probabilities && whose != Whose::other);
  if (softmax) shares.whose = whose == Whose::other ? turned(shares.whose) : whose;
  return shares;
}

NetworkValue either_of(std::span<const NetworkValue> paths) {
  NetworkValue result = joined(paths, false);
  const bool differ = std::ranges::any_of(paths, [&](const NetworkValue& path) {
    return (path.kind == ValueKind::constant) != (result.kind == ValueKind::constant);
  });
  if (differ || paths.empty()) result.kind = ValueKind::unknown;
  return result;
}

OutputMeaning meaning_of(const NetworkValue& value) {
  if (are_probabilities(value) || value.kind == ValueKind::log_probabilities) {
    if (value.whose == Whose::other) return OutputMeaning::other_class;
    if (value.whose == Whose::winner) return OutputMeaning::winner;
    if (value.whose == Whose::batch) return OutputMeaning::across_images;
  }
  switch (value.kind) {
    case ValueKind::logits:
      // Limited to where probabilities lie.
      return within_0_and_1(value) ? OutputMeaning::unknown : OutputMeaning::logits;
    case ValueKind::squashed:
    case ValueKind::shares:
      if (within_0_and_1(value)) return OutputMeaning::probabilities;
      return value.low >= 0 && value.high < infinity ? OutputMeaning::scaled_probabilities : OutputMeaning::unknown;
    case ValueKind::log_probabilities:
      return OutputMeaning::log_probabilities;
    case ValueKind::class_numbers:
      return OutputMeaning::class_numbers;
    case ValueKind::constant:
    case ValueKind::odds:
    case ValueKind::unknown:
      break;
  }
  return OutputMeaning::unknown;
}

void expect_readable(OutputMeaning meaning, std::optional<std::size_t> outputs, std::string_view made_by) {
  const std::string named = made_by.empty() ? "" : " (" + std::string(made_by) + ")";
  if (meaning == OutputMeaning::class_numbers) {
    throw ModelError({.problem = "its output is class numbers or rounded ones, and neither logits nor probabilities",
                      .remedy = "save it without what makes them of its scores" + named});
  }
  if (meaning == OutputMeaning::scaled_probabilities) {
    throw ModelError({.problem = "its output is probabilities times a constant or sums of some, and neither logits nor "
                                 "probabilities",
                      .remedy = "save it without what makes them of the probabilities" + named});
  }
  if (meaning == OutputMeaning::other_class) {
    throw ModelError({.problem =
                          "its output is the probability of class 0: one minus a probability, or the first column "
                          "of a softmax",
                      .remedy = "save it with the probability of class 1, or with the scores of all classes"});
  }
  if (meaning == OutputMeaning::winner) {
    throw ModelError({.problem = "its output is the greatest probability of each image, whichever class that is of",
                      .remedy = "save it with the scores of all classes, without what takes the greatest" + named});
  }
  if (meaning == OutputMeaning::across_images) {
    throw ModelError({.problem = "its softmax is over the images of a batch, and not over the classes of each",
                      .remedy = "save it with the softmax over dimension 1"});
  }
  if (meaning == OutputMeaning::log_probabilities && outputs == 1U) {
    throw ModelError(
        {.problem = "its output is the logarithm of one probability", .remedy = "save it without the logarithm"});
  }
}

}  // namespace stagemark
