#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <ostream>

#include "command_line.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/suite/dataset.hpp"
#include "synthetic_radiograph.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

struct SampleArguments {
  std::string directory;
  std::size_t images = 150;
  std::size_t training_images = 240;
  std::uint64_t seed = 0;
  bool without_model = false;
  bool force = false;
};

enum class Split : std::uint64_t { scored, training };

/// Every image of every split and seed has a seed of its own, so that no training image is ever among the
/// scored.
std::uint64_t image_seed(std::uint64_t seed, Split split, std::size_t index) {
  std::uint64_t mixed = seed * 0x9e3779b97f4a7c15U + static_cast<std::uint64_t>(split) * 0xd1b54a32d192ed03U + index;
  mixed = (mixed ^ (mixed >> 32U)) * 0xd6e8feb86659fd93U;
  return mixed ^ (mixed >> 32U);
}

/// Classes alternate, so that any number of images is balanced to within one.
bool is_positive(std::size_t index) { return index % 2 == 1; }

void prepare(const fs::path& directory, bool force) {
  std::error_code error;
  const bool occupied = fs::exists(directory) && !fs::is_empty(directory, error);
  if (occupied && !force) {
    throw OutputError("is not empty", directory.string(), "choose another directory, or write into it with --force");
  }
  if (occupied && !fs::exists(directory / sample_marker)) {
    throw OutputError("holds something that is not a sample", directory.string(), "choose another directory");
  }
  for (const char* name : {"NORMAL", "PNEUMONIA"}) {
    fs::remove_all(directory / name, error);
    fs::create_directories(directory / name, error);
    if (error) throw OutputError("cannot be made: " + error.message(), (directory / name).string());
  }
}

void write_images(const SampleArguments& arguments) {
  const fs::path directory = arguments.directory;
  for (std::size_t i = 0; i < arguments.images; ++i) {
    const char* class_name = is_positive(i) ? "PNEUMONIA" : "NORMAL";
    std::array<char, 48> name{};
    std::snprintf(name.data(), name.size(), "synthetic-%05zu.png", i);
    write_png(directory / class_name / name.data(),
              draw_radiograph(is_positive(i), image_seed(arguments.seed, Split::scored, i)));
  }
}

void write_model(const SampleArguments& arguments, const SampleModelWriter& write) {
  std::vector<Image> images;
  images.reserve(arguments.training_images);
  const auto positive = std::make_unique<bool[]>(
      arguments.training_images);  // NOLINT(modernize-avoid-c-arrays): no vector<bool> as a span
  for (std::size_t i = 0; i < arguments.training_images; ++i) {
    positive[i] = is_positive(i);
    images.push_back(draw_radiograph(positive[i], image_seed(arguments.seed, Split::training, i)));
  }
  write(fs::path(arguments.directory) / "model.ckpt", images, {positive.get(), images.size()}, *make_preprocessor(),
        arguments.seed, usable_cpus());
}

ExitCode make_sample(const SampleArguments& arguments) {
  const SampleModelWriter model_writer = sample_model_writer();
  if (!arguments.without_model && !model_writer) {
    throw BackendError("this stagemark was built without LibTorch, which makes the model", {},
                       "install libtorch-dev and build again, or give --no-model");
  }
  prepare(arguments.directory, arguments.force);
  write_file_atomically(fs::path(arguments.directory) / sample_marker, [&](std::ostream& out) {
    out << "Synthetic images and model made by stagemark sample, seed " << arguments.seed << ".\n";
  });
  write_images(arguments);
  std::cout << arguments.images << " synthetic images in " << arguments.directory << "/{NORMAL,PNEUMONIA}" << std::endl;
  if (arguments.without_model) return ExitCode::success;
  if (isatty(STDERR_FILENO) == 1)
    std::cerr << "fitting a model to " << arguments.training_images << " more...\r" << std::flush;
  write_model(arguments, model_writer);
  std::cout << "a model fitted to " << arguments.training_images << " other such images in " << arguments.directory
            << "/model.ckpt" << std::endl;
  return ExitCode::success;
}

}  // namespace

Command add_sample_command(CLI::App& app) {
  auto arguments = std::make_shared<SampleArguments>();
  CLI::App* command = app.add_subcommand(
      "sample", "Makes a labelled synthetic data set and a working model, so that everything can be tried");
  command->footer(
      R"(The images look like radiographs and are not: no figure of accuracy on them says anything about
real ones. The model never saw the images that are written.

Example:
  stagemark sample sample && stagemark run sample --model sample/model.ckpt)");
  command->add_option("directory", arguments->directory, "Where to; made if it is not there")->required();
  command->add_option("--images", arguments->images, "How many to write")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--training-images", arguments->training_images, "How many others to fit the model to")
      ->check(CLI::Range(64, 100'000))
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--seed", arguments->seed, "Decides everything")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 62U))
      ->capture_default_str()
      ->type_name("S");
  command->add_flag("--no-model", arguments->without_model, "Make the images only");
  command->add_flag("--force", arguments->force, "Replace a sample that is there");
  return [arguments] { return make_sample(*arguments); };
}

}  // namespace stagemark
