#include <iostream>
#include <memory>
#include <vector>

#include "command_line.hpp"
#include "npy_file.hpp"
#include "preprocessing_arguments.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

struct PreprocessArguments {
  std::string image;
  std::string output;
  std::string stage = "normalised";
  PreprocessingArguments preprocessing;
};

Image load(const PreprocessArguments& arguments) try {
  return make_image_source(arguments.preprocessing.image_source())->load(arguments.image);
} catch (const InputError& error) {
  throw InputError(error.within(arguments.image));
}

ExitCode preprocess(const PreprocessArguments& arguments) {
  const PreprocessingOptions options = arguments.preprocessing.preprocessing();
  const auto preprocessor = make_preprocessor(options);
  const Image image = load(arguments);
  if (arguments.stage == "resized") {
    const Image resized = resize_image(image, options);
    write_npy(arguments.output, resized.pixels, {resized.height, resized.width, resized.channels});
    std::cout << arguments.output << ": uint8 " << resized.height << 'x' << resized.width << 'x' << resized.channels;
  } else {
    const InputShape shape = preprocessor->shape();
    std::vector<float> tensor(shape.elements());
    preprocessor->run(image, tensor);
    write_npy(arguments.output, tensor, {1, shape.channels, shape.height, shape.width});
    std::cout << arguments.output << ": float32 1x" << shape.channels << 'x' << shape.height << 'x' << shape.width;
  }
  std::cout << ", of an image of " << image.width << 'x' << image.height << " pixels";
  if (image.sixteen_bit_range) {
    std::cout << ", grey with 16 bits per sample, from " << image.sixteen_bit_range->lowest << " to "
              << image.sixteen_bit_range->highest << ", of which the high byte was kept";
  }
  std::cout << std::endl;
  return ExitCode::success;
}

}  // namespace

Command add_preprocess_command(CLI::App& app) {
  auto arguments = std::make_shared<PreprocessArguments>();
  CLI::App* command = app.add_subcommand("preprocess", "Writes the exact input of a network, to compare with your own");
  command->footer(R"help(Examples:
  stagemark preprocess xray.png -o xray.npy
  python3 -c "import numpy; print(abs(numpy.load('xray.npy') - my_tensor.numpy()).max())"
  stagemark preprocess xray.png -o xray.npy --stage resized       before they are normalised
  stagemark preprocess photo.jpg -o photo.npy --keep-aspect 256   Resize(256), CenterCrop(224))help");
  command->add_option("image", arguments->image, "Image file")->required();
  command->add_option("-o,--output", arguments->output, "File to write, in NumPy's .npy format")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--stage", arguments->stage, "normalised: float32 1x3xHxW; resized: the uint8 HxWx3 it is made of")
      ->check(CLI::IsMember({"normalised", "resized"}))
      ->capture_default_str();
  arguments->preprocessing.add_to(*command);
  return [arguments] { return preprocess(*arguments); };
}

}  // namespace stagemark
