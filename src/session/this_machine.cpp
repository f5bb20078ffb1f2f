#include "stagemark/session/this_machine.hpp"

namespace stagemark {

Environment this_machine(const BackendRegistry& registry, std::size_t threads) {
  EnvironmentContext context = context_of_this_process();
  NamedValues<NamedValues<std::string>> configuration;
  for (const Backend& backend : registry.backends()) {
    if (!backend.version.empty()) context.libraries.emplace_back(backend.engine, backend.version);
    if (backend.configuration) configuration.emplace_back(backend.engine, to_names(backend.configuration()));
  }
  context.threads = {{"network", threads}, {"preprocessing", 1}};
  context.configuration = configuration;
  return capture_environment(context);
}

}  // namespace stagemark
