#include "worker_command.hpp"

#include <memory>

#include "command_line.hpp"
#include "engines.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/suite/worker.hpp"

namespace stagemark {
namespace {

WorkerContent open(const WorkerArguments& arguments) {
  const BackendRegistry registry = make_registry();
  BackendRequest request;
  request.approach = registry.resolve(parse_approach(arguments.approach), std::nullopt);
  arguments.model.fill(request);
  request.preprocessor = make_preprocessor(arguments.preprocessing.preprocessing());
  request.threads = arguments.threads;
  request.max_batch = arguments.batch;
  return {request.approach, registry.open(request), make_image_source(arguments.preprocessing.image_source())};
}

}  // namespace

std::vector<std::string> WorkerArguments::command_line() const {
  std::vector<std::string> line = {"worker",  "--approach",         approach, "--threads", std::to_string(threads),
                                   "--batch", std::to_string(batch)};
  if (model.model) line.insert(line.end(), {"--model", model.model->string()});
  if (model.activation_ranges) line.insert(line.end(), {"--activation-ranges", model.activation_ranges->string()});
  if (const auto& from = model.exported_from) {
    line.insert(line.end(),
                {"--exported-from", from->path, "--exported-format", from->format, "--exported-sha256", from->sha256});
    if (from->parameters) line.insert(line.end(), {"--exported-parameters", std::to_string(*from->parameters)});
  }
  const std::vector<std::string> rest = preprocessing.command_line();
  line.insert(line.end(), rest.begin(), rest.end());
  return line;
}

std::filesystem::path this_executable() { return std::filesystem::read_symlink("/proc/self/exe"); }

Command add_worker_command(CLI::App& app) {
  auto arguments = std::make_shared<WorkerArguments>();
  CLI::App* command = app.add_subcommand("worker", "Hosts one approach for 'run', which starts it");
  command->group("");  // Not for people.
  command->add_option("--approach", arguments->approach)->required();
  command->add_option("--model", arguments->model.model);
  command->add_option("--activation-ranges", arguments->model.activation_ranges);
  auto exported_from = std::make_shared<ModelFacts>();
  command->add_option("--exported-from", exported_from->path);
  command->add_option("--exported-format", exported_from->format);
  command->add_option("--exported-sha256", exported_from->sha256);
  command->add_option("--exported-parameters", exported_from->parameters);
  command->add_option("--threads", arguments->threads)->required();
  command->add_option("--batch", arguments->batch)->required();
  arguments->preprocessing.add_to(*command);
  return [arguments, exported_from] {
    if (!exported_from->path.empty()) arguments->model.exported_from = *exported_from;
    serve_as_worker([&] { return open(*arguments); });
    return ExitCode::success;
  };
}

}  // namespace stagemark
