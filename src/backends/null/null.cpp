#include "stagemark/backends/null.hpp"

#include <memory>

#include "stagemark/backend/registry.hpp"
#include "stagemark/backend/timed.hpp"

namespace stagemark::null_engine {
namespace {

struct Nothing {};

class NullEngine {
 public:
  static ExecutionFacts execution_facts() {
    ExecutionFacts facts;
    facts.does_nothing = true;
    return facts;
  }
  static Nothing preprocess(std::span<const Image> /*images*/) { return {}; }
  static Nothing extract_features(const Nothing& /*input*/) { return {}; }
  static void classify(const Nothing& /*features*/, std::span<Prediction> out) {
    for (Prediction& prediction : out) prediction = Prediction{0.5, 0.0, std::nullopt};
  }
};

}  // namespace

void add_to(BackendRegistry& registry) {
  Backend backend;
  backend.engine = "null";
  backend.precisions = {Precision::fp32};
  backend.needs_model = false;
  backend.devices = {Device{}};
  backend.unavailable = [](const Approach& approach) -> std::optional<Unavailable> {
    if (approach.device == Device{}) return std::nullopt;
    return Unavailable{"the null engine runs on the CPU only", "use null-fp32@cpu"};
  };
  backend.open = [](const BackendRequest&) { return std::make_unique<Timed<NullEngine>>(); };
  registry.add(std::move(backend));
}

}  // namespace stagemark::null_engine
