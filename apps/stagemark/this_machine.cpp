#include "this_machine.hpp"

namespace stagemark {

Environment this_machine(const BackendRegistry& registry, std::size_t threads) {
  EnvironmentContext context;
  context.gpu = nvidia_gpus();
  NamedValues<NamedValues<std::string>> configuration;
  for (const Backend& backend : registry.backends()) {
    if (!backend.version.empty()) context.libraries.emplace_back(backend.engine, backend.version);
    if (backend.configuration) configuration.emplace_back(backend.engine, backend.configuration());
  }
  context.threads = {{"network", threads}, {"preprocessing", 1}};
  context.build = this_build();
  context.blas_file = blas_file_in_use();
  context.configuration = configuration;
  return capture_environment(context);
}

}  // namespace stagemark
