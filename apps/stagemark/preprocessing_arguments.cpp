#include "preprocessing_arguments.hpp"

#include <string>

#include "quantity.hpp"

namespace stagemark {

void PreprocessingArguments::add_to(CLI::App& command) {
  constexpr const char* group = "Preprocessing";
  command.add_option("--resize", resize, "Size of the network's input")
      ->capture_default_str()
      ->type_name("WxH")
      ->group(group);
  command
      .add_option("--keep-aspect", keep_aspect,
                  "Resize the shorter side to N and cut out the centre (torchvision's Resize(N), CenterCrop)")
      ->type_name("N")
      ->group(group);
  command.add_option("--mean", mean, "Subtracted from red, green and blue in [0, 1]")
      ->capture_default_str()
      ->type_name("R,G,B")
      ->group(group);
  command.add_option("--std", standard_deviation, "What the differences are divided by")
      ->capture_default_str()
      ->type_name("R,G,B")
      ->group(group);
  command
      .add_option("--sixteen-bit", sixteen_bit,
                  "Grey images with 16 bits per sample: shift keeps the high byte, pillow turns all above 255 white")
      ->check(CLI::IsMember({"shift", "pillow", "refuse"}))
      ->capture_default_str()
      ->group(group);
}

PreprocessingOptions PreprocessingArguments::preprocessing() const {
  PreprocessingOptions options;
  const auto [width, height] = parse_size("--resize", resize);
  options.width = width;
  options.height = height;
  options.shorter_side = keep_aspect;
  options.mean = parse_three_numbers("--mean", mean);
  options.standard_deviation = parse_three_numbers("--std", standard_deviation);
  return options;
}

ImageSourceOptions PreprocessingArguments::image_source() const {
  ImageSourceOptions options;
  options.sixteen_bit_grey = parse_enum<SixteenBitGrey>(sixteen_bit).value_or(SixteenBitGrey::shift);
  return options;
}

}  // namespace stagemark
