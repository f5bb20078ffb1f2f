#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "command_line.hpp"
#include "preprocessing_arguments.hpp"
#include "quantisation_arguments.hpp"
#include "stagemark/backend/split_model.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/model_format.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/session/model_preparation.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

struct ExportArguments {
  std::string model;
  std::string output;
  std::string format = "onnx";
  std::string precision = "fp32";
  std::string part = "whole";
  std::string quantisation = "qdq";
  bool split = false;
  bool force = false;
  QuantisationArguments quantisation_images;
  PreprocessingArguments preprocessing;
};

OnnxExportOptions options_of(const ExportArguments& arguments) {
  OnnxExportOptions options;
  if (arguments.precision == "fp16") options.precision = OnnxPrecision::fp16;
  if (arguments.precision == "int8") options.precision = OnnxPrecision::int8;
  if (arguments.part == "backbone") options.part = OnnxPart::backbone;
  if (arguments.part == "head") options.part = OnnxPart::head;
  if (arguments.quantisation == "operators") options.quantisation = OnnxQuantisation::operators;
  const PreprocessingOptions size = arguments.preprocessing.preprocessing();
  options.height = size.height;
  options.width = size.width;
  return options;
}

void expect_quantisation_images(const ExportArguments& arguments) {
  if (!arguments.quantisation_images.given()) {
    throw UsageError("INT8 needs calibration images", "--precision int8", "name them with --calibration DIR");
  }
  (void)arguments.quantisation_images.directory();
}

ActivationRanges ranges_of(const ExportArguments& arguments) {
  ModelPreparation preparation(arguments.preprocessing.preprocessing(), arguments.preprocessing.image_source(),
                               usable_cpus());
  preparation.quantise_with(images_in(arguments.quantisation_images.directory()),
                            arguments.quantisation_images.method());
  return read_activation_ranges(preparation.observe_ranges(arguments.model));
}

void expect_checkpoint(const fs::path& model) {
  if (model_format(model) != ModelFormat::tensors) {
    throw ModelError("is no checkpoint", model.string(), "stagemark exports checkpoints and state_dicts of ResNets");
  }
}

void expect_free(const fs::path& file, bool force) {
  if (!force && fs::exists(file)) {
    throw OutputError("is there already", file.string(), "choose another --output, or overwrite with --force");
  }
}

ExitCode export_torchscript(const ExportArguments& arguments) {
  if (arguments.precision != "fp32" || arguments.part != "whole" || arguments.split) {
    throw UsageError("a TorchScript program is written in FP32 and whole", "--format torchscript",
                     "leave out --precision, --part and --split: the engines convert and split it themselves");
  }
  expect_checkpoint(arguments.model);
  const TorchscriptExporter write = torchscript_exporter();
  expect_free(arguments.output, arguments.force);
  write(arguments.model, arguments.output);
  std::cout << arguments.output << '\n';
  return ExitCode::success;
}

ExitCode export_model(const ExportArguments& arguments) {
  if (arguments.format == "torchscript") return export_torchscript(arguments);
  OnnxExportOptions options = options_of(arguments);
  if (options.precision == OnnxPrecision::int8) expect_quantisation_images(arguments);
  expect_checkpoint(arguments.model);
  const Checkpoint checkpoint = Checkpoint::open(arguments.model);
  const OnnxExporter write = onnx_exporter();
  const fs::path output = arguments.output;
  // The parts stand beside one another as the engines look for them.
  const fs::path stem = output.extension() == ".onnx" ? fs::path(output).replace_extension() : output;
  std::vector<std::pair<OnnxPart, fs::path>> files = {{options.part, output}};
  if (arguments.split) {
    files = {{OnnxPart::backbone, stem.string().append(backbone_suffix)},
             {OnnxPart::head, stem.string().append(head_suffix)}};
  }
  for (const auto& [part, file] : files) expect_free(file, arguments.force);
  if (options.precision == OnnxPrecision::int8) options.ranges = ranges_of(arguments);
  for (const auto& [part, file] : files) {
    options.part = part;
    write(file, checkpoint, options);
    std::cout << file.string() << '\n';
  }
  return ExitCode::success;
}

}  // namespace

Command add_export_command(CLI::App& app) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand("export", "Writes the network of a checkpoint as ONNX or TorchScript");
  command->footer(R"(Batch normalisation is within the convolutions. 'run' exports by itself what its engines need.

Examples:
  stagemark export net.ckpt -o net.onnx
  stagemark export net.ckpt -o net.onnx --split              writes net.backbone.onnx and net.head.onnx
  stagemark export net.ckpt -o net8.onnx --precision int8 --calibration train/
  stagemark export net.ckpt -o net.pt --format torchscript)");
  command->add_option("model", arguments->model, "Checkpoint or state_dict")->required();
  command->add_option("-o,--output", arguments->output, "File to write")->required()->type_name("FILE");
  command->add_option("--format", arguments->format, "onnx or torchscript")
      ->check(CLI::IsMember({"onnx", "torchscript"}))
      ->capture_default_str();
  command->add_option("--precision", arguments->precision, "fp32, fp16 or int8")
      ->check(CLI::IsMember({"fp32", "fp16", "int8"}))
      ->capture_default_str();
  CLI::Option* part = command->add_option("--part", arguments->part, "whole, backbone or head")
                          ->check(CLI::IsMember({"whole", "backbone", "head"}))
                          ->capture_default_str();
  command->add_flag("--split", arguments->split, "Backbone and head, each in a file, so that engines time them apart")
      ->excludes(part);
  command
      ->add_option("--quantisation", arguments->quantisation,
                   "Of int8: qdq for ONNX Runtime and TensorRT, operators (of integers) for OpenCV")
      ->check(CLI::IsMember({"qdq", "operators"}))
      ->capture_default_str();
  arguments->quantisation_images.add_to(*command, "Images that say how int8 rounds: of a directory");
  command->add_flag("--force", arguments->force, "Overwrite what is there");
  arguments->preprocessing.add_to(*command);
  return [arguments] { return export_model(*arguments); };
}

}  // namespace stagemark
