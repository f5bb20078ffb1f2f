#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "command_line.hpp"
#include "quantity.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/format/console_table.hpp"
#include "stagemark/format/json_object.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/model_format.hpp"
#include "stagemark/model/network.hpp"
#include "stagemark/session/engines.hpp"

namespace stagemark {
namespace {

/// Element types of the tensors that the network uses: "float32", or several.
std::string precision_of(const Checkpoint& checkpoint, const ResidualNetwork& network) {
  std::set<std::string> types;
  const std::set<std::string> unused(network.unused.begin(), network.unused.end());
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    // A count of batches, which inference does not read.
    if (tensor.type == ScalarType::int64 || unused.contains(name)) continue;
    types.emplace(to_string(tensor.type));
  }
  std::string text;
  for (const std::string& type : types) text += (text.empty() ? "" : ", ") + type;
  return text;
}

std::string classes_of(const ResidualNetwork& network) {
  if (network.outputs == 1) return "2: one logit, of class index 1";
  return std::to_string(network.outputs) + ": a logit of each";
}

void print_json(const Checkpoint& checkpoint, const ResidualNetwork& network) {
  JsonObject hyper_parameters;
  for (const auto& [name, value] : checkpoint.hyper_parameters()) hyper_parameters.text(name, value);
  std::cout << JsonObject()
                   .text("path", checkpoint.path().string())
                   .text("format", checkpoint.format())
                   .text("taken_from", checkpoint.taken_from())
                   .texts("not_taken", checkpoint.not_taken())
                   .text("architecture", network.architecture)
                   .number("parameters", static_cast<double>(network.parameters))
                   .text("input", "Nx3xHxW")
                   .number("outputs", static_cast<double>(network.outputs))
                   .text("precision", precision_of(checkpoint, network))
                   .text("sha256", checkpoint.sha256())
                   .object("hyper_parameters", hyper_parameters)
                   .texts("unused", network.unused)
                   .texts("assumed", network.assumptions)
                   .str()
            << '\n';
}

void print_table(const Checkpoint& checkpoint, const ResidualNetwork& network) {
  ConsoleTable table({"model", checkpoint.path().string()});
  table.add({"format", checkpoint.format()});
  if (!checkpoint.taken_from().empty()) table.add({"taken from", checkpoint.taken_from()});
  for (const std::string& key : checkpoint.not_taken()) table.add({"not taken", key.empty() ? "the file's top" : key});
  table.add({"architecture", network.architecture});
  table.add({"parameters", thousands(network.parameters)});
  table.add({"input", "N x 3 x H x W"});
  table.add({"classes", classes_of(network)});
  table.add({"precision", precision_of(checkpoint, network)});
  table.add({"sha256", checkpoint.sha256()});
  for (const auto& [name, value] : checkpoint.hyper_parameters()) {
    table.add({"hyper-parameter", std::string(name).append(" = ").append(value)});
  }
  const auto counts = std::ranges::count_if(network.unused, is_profiler_count);
  for (const std::string& name : network.unused) {
    if (!is_profiler_count(name)) table.add({"not used", name});
  }
  if (counts > 0) {
    table.add({"not used", std::to_string(counts) + (counts == 1 ? " count" : " counts") +
                               " of a profiler (total_ops, total_params)"});
  }
  for (const std::string& assumption : network.assumptions) table.add({"assumed", assumption});
  table.print(std::cout);
}

/// What can be said of a program without executing it.
void print_program(const std::string& file, const std::string& format, bool as_json) {
  const std::string sha256 = sha256_of_file(file);
  if (as_json) {
    std::cout << JsonObject().text("path", file).text("format", format).text("sha256", sha256).str() << '\n';
    return;
  }
  ConsoleTable table({"model", file});
  table.add({"format", format});
  table.add({"sha256", sha256});
  table.print(std::cout);
}

void print_onnx(const std::string& file, const OnnxDescription& graph, bool as_json) {
  const std::array graphs = {graph};
  const std::string sha256 = sha256_of_onnx(graphs);
  if (as_json) {
    JsonObject object;
    object.text("path", file).text("format", "onnx").number("parameters", static_cast<double>(graph.parameters));
    object.text("input", to_string(graph.takes))
        .text("output", to_string(graph.gives))
        .text("input_name", graph.input)
        .text("output_name", graph.output)
        .text("meaning", to_string(graph.meaning));
    if (graph.outputs) object.number("outputs", static_cast<double>(*graph.outputs));
    object.number("opset", static_cast<double>(graph.opset)).text("producer", graph.producer).text("sha256", sha256);
    std::cout << object.str() << '\n';
    return;
  }
  ConsoleTable table({"model", file});
  table.add({"format", "onnx, operator set " + std::to_string(graph.opset)});
  table.add({"producer", graph.producer});
  table.add({"parameters", thousands(graph.parameters)});
  table.add({"input", graph.input + ", " + to_string(graph.takes)});
  table.add({"output", graph.output + ", " + to_string(graph.gives) + ": " + std::string(to_string(graph.meaning))});
  table.add({"sha256", sha256});
  table.print(std::cout);
}

}  // namespace

Command add_model_command(CLI::App& app) {
  struct Arguments {
    std::string file;
    bool as_json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("model", "Shows what a model file holds, without executing anything in it");
  command->footer("Example:\n  stagemark model pneumonia.ckpt");
  command
      ->add_option("file", arguments->file,
                   "Checkpoint, state_dict, ONNX file, TorchScript program or AOTInductor package")
      ->required();
  command->add_flag("--json", arguments->as_json, "Print JSON");
  return [arguments] {
    const ModelFormat format = model_format(arguments->file);
    if (format == ModelFormat::onnx) {
      print_onnx(arguments->file, describe_onnx(arguments->file), arguments->as_json);
      return ExitCode::success;
    }
    if (format != ModelFormat::tensors) {
      print_program(arguments->file, std::string(to_string(format)), arguments->as_json);
      return ExitCode::success;
    }
    const Checkpoint checkpoint = Checkpoint::open(arguments->file);
    const ResidualNetwork network = describe_network(checkpoint);
    if (arguments->as_json) {
      print_json(checkpoint, network);
    } else {
      print_table(checkpoint, network);
    }
    return ExitCode::success;
  };
}

}  // namespace stagemark
