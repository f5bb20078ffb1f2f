#include "stagemark/backend/image.hpp"

#include <string>

#include "stagemark/core/number_text.hpp"

namespace stagemark {

std::string sixteen_bit_warning(std::size_t images, std::size_t of, const SampleRange& range) {
  std::string text = std::to_string(images) + " of " + std::to_string(of) +
                     " images are grey with 16 bits per sample, from " + thousands(range.lowest) + " to " +
                     thousands(range.highest) +
                     " of 65,535: the high byte was kept, where Pillow's convert(\"RGB\") turns all above 255 white";
  constexpr int half_of_all = 0x8000;
  if (range.highest - range.lowest >= half_of_all) return text;
  text += ", so that the network was shown " + std::to_string(range.lowest >> 8U) + " to " +
          std::to_string(range.highest >> 8U) + " of 255; ";
  return text + (range.highest <= 255 ? "these are 8 bits already, which `sixteen_bit_grey` pillow keeps as they are"
                                      : "scale them to 8 bits as they were for training, and measure those");
}

}  // namespace stagemark
