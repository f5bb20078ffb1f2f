#include "stagemark/backends/null.hpp"

#include <memory>

#include "stagemark/backend/host_backend.hpp"
#include "stagemark/backend/registry.hpp"

namespace stagemark::null_engine {
namespace {

struct Nothing {};

class NullBackend final : public HostBackend<Nothing, Nothing> {
 public:
  [[nodiscard]] ExecutionFacts execution_facts() const override { return {}; }

 protected:
  Nothing preprocess(std::span<const Image> /*images*/) override { return {}; }
  Nothing extract_features(const Nothing& /*input*/) override { return {}; }
  void classify(const Nothing& /*features*/, std::span<Prediction> out) override {
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
  backend.open = [](const BackendRequest&) { return std::make_unique<NullBackend>(); };
  registry.add(std::move(backend));
}

}  // namespace stagemark::null_engine
