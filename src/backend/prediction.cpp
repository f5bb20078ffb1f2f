#include <bit>
#include <cmath>
#include <cstdint>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

std::optional<std::string> defect(const Prediction& prediction) {
  if (std::bit_cast<std::uint64_t>(prediction.probability) == std::bit_cast<std::uint64_t>(not_written)) {
    return "the engine wrote no prediction";
  }
  if (!std::isfinite(prediction.probability) || (prediction.logit && !std::isfinite(*prediction.logit))) {
    return "the network returned NaN or infinity";
  }
  if (prediction.probability < 0 || prediction.probability > 1) {
    return "the network returned a probability outside [0, 1]";
  }
  return std::nullopt;
}

std::optional<std::string> unlike_asked(const Approach& asked, const ExecutionFacts& facts) {
  const Device device = asked.device.value_or(facts.device);
  if (asked.precision == facts.precision && device == facts.device) return std::nullopt;
  return "asked for " + std::string(to_string(asked.precision)) + " on " + to_string(device) +
         ", but the tensors were " + std::string(to_string(facts.precision)) + " on " + to_string(facts.device);
}

}  // namespace stagemark
