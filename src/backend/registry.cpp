#include "stagemark/backend/registry.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

template <class Range, class Print>
std::string listed(const Range& range, Print print) {
  std::string text;
  for (const auto& element : range) {
    if (!text.empty()) text += ", ";
    text += print(element);
  }
  return text.empty() ? "none" : text;
}

template <class Range, class Value>
bool contains(const Range& range, const Value& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

bool knows_kind(const Backend& backend, const Device& device) {
  return std::any_of(backend.devices.begin(), backend.devices.end(),
                     [&](const Device& known) { return known.kind == device.kind; });
}

}  // namespace

void BackendRegistry::add(Backend backend) {
  const auto refuse = [&](const char* lack) {
    throw std::invalid_argument("engine '" + backend.engine + "' added without " + lack);
  };
  if (backend.engine.empty()) refuse("a name");
  if (backend.precisions.empty()) refuse("precisions");
  if (backend.devices.empty()) refuse("devices");
  if (!backend.open && !backend.unavailable) refuse("`open`, or `unavailable` to say why");
  if (!backend.unavailable) backend.unavailable = [](const Approach&) { return std::nullopt; };
  for (const Backend& present : backends_) {
    if (present.engine == backend.engine) throw std::invalid_argument("engine added twice: " + backend.engine);
  }
  backends_.push_back(std::move(backend));
}

const Backend& BackendRegistry::find(std::string_view engine) const {
  for (const Backend& backend : backends_) {
    if (backend.engine == engine) return backend;
  }
  throw UsageError("no such engine", "'" + std::string(engine) + "'",
                   "the engines are " + listed(backends_, [](const Backend& b) { return b.engine; }));
}

void BackendRegistry::check(const Approach& approach) const {
  const Backend& backend = find(approach.engine);
  const auto precision_name = [](Precision p) { return std::string(to_string(p)); };
  if (!contains(backend.precisions, approach.precision)) {
    throw UsageError("engine " + backend.engine + " has no " + precision_name(approach.precision),
                     "approach '" + approach.label() + "'", "it has " + listed(backend.precisions, precision_name));
  }
  for (const std::string& option : approach.options) {
    if (!contains(backend.options, option)) {
      throw UsageError("engine " + backend.engine + " has no option '" + option + "'",
                       "approach '" + approach.label() + "'",
                       "it has " + listed(backend.options, [](const std::string& o) { return o; }));
    }
  }
}

Approach BackendRegistry::resolve(Approach approach, std::optional<Device> default_device) const {
  check(approach);
  const Backend& backend = find(approach.engine);
  // An engine that knows no such device runs where it can: a default of `cuda` concerns those that can use one.
  if (!approach.device && default_device && knows_kind(backend, *default_device)) approach.device = *default_device;
  if (!approach.device) {
    for (const Device& device : backend.devices) {
      Approach candidate = approach;
      candidate.device = device;
      if (device.kind != Device::Kind::cpu && !backend.unavailable(candidate)) approach.device = device;
      if (approach.device) break;
    }
    if (!approach.device) approach.device = contains(backend.devices, Device{}) ? Device{} : backend.devices.front();
  }
  std::optional<Unavailable> missing;
  if (!knows_kind(backend, *approach.device)) {
    missing = {"engine " + backend.engine + " does not run on " + to_string(*approach.device), ""};
  } else {
    missing = backend.unavailable(approach);
  }
  if (missing) {
    throw BackendError(missing->reason, "approach '" + approach.label() + "'",
                       missing->remedy + (missing->remedy.empty() ? "" : "; ") + "available here: " +
                           listed(available_approaches(), [](const std::string& label) { return label; }));
  }
  return approach;
}

std::unique_ptr<InferenceWrapper> BackendRegistry::open(const BackendRequest& request) const {
  const Backend& backend = find(request.approach.engine);
  if (backend.needs_model && !request.model) {
    throw UsageError(
        {.problem = "approach '" + request.approach.label() + "' needs a model", .remedy = "name a file with `model`"});
  }
  auto wrapper = backend.open ? backend.open(request) : nullptr;
  if (!wrapper) {
    throw BackendError("the engine " + backend.engine + " opened nothing, and gave no reason",
                       "approach '" + request.approach.label() + "'");
  }
  return wrapper;
}

std::vector<std::string> BackendRegistry::available_approaches() const {
  std::vector<std::string> labels;
  for (const Backend& backend : backends_) {
    for (const Precision precision : backend.precisions) {
      for (const Device& device : backend.devices) {
        const Approach approach{{}, backend.engine, precision, device, {}};
        if (!backend.unavailable(approach)) labels.push_back(to_string(approach));
      }
    }
  }
  return labels;
}

}  // namespace stagemark
