#include <cstdlib>
#include <iostream>
#include <span>
#include <string_view>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/suite/worker.hpp"

namespace stagemark {
namespace {

constexpr const char* asked = "--stagemark-worker";

}  // namespace

WorkerCommand own_worker(const Approach& approach, const std::optional<std::filesystem::path>& model,
                         std::size_t threads, std::size_t max_batch) {
  WorkerCommand command{std::filesystem::read_symlink("/proc/self/exe"),
                        {asked, to_string(approach), std::to_string(threads), std::to_string(max_batch)}};
  if (model) command.arguments.push_back(model->string());
  return command;
}

void run_worker_if_asked(int argc, char** argv, const BackendRegistry& registry,
                         std::shared_ptr<const ImageSource> images, std::shared_ptr<const Preprocessor> preprocessor) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.size() < 5 || std::string_view(arguments[1]) != asked) return;
  int status = 0;
  try {
    serve_as_worker([&]() -> WorkerContent {
      BackendRequest request;
      request.approach = registry.resolve(parse_approach(arguments[2]), std::nullopt);
      request.threads = std::stoul(arguments[3]);
      request.max_batch = std::stoul(arguments[4]);
      if (arguments.size() > 5) request.model = arguments[5];
      request.preprocessor = std::move(preprocessor);
      return {request.approach, registry.open(request), std::move(images)};
    });
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    status = 1;
  }
  std::exit(status);
}

}  // namespace stagemark
