#pragma once

namespace stagemark {

class BackendRegistry;

/// The engine that does nothing: what it costs is the harness's own cost. Predicts probability 0.5 for every image.
namespace null_engine {
void add_to(BackendRegistry& registry);
}

}  // namespace stagemark
