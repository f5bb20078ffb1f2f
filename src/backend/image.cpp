#include "stagemark/backend/image.hpp"

#include <string>
#include <vector>

#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

SampleRange range_of_all(std::span<const SampleRange> ranges) {
  SampleRange all = ranges.front();
  for (const SampleRange& range : ranges) all.widen(range);
  return all;
}

std::string eight_bits_shown(const SampleRange& range) {
  return " the network was shown " + std::to_string(range.lowest >> 8U) + " to " + std::to_string(range.highest >> 8U) +
         " of 255; ";
}

constexpr const char* scale_them = "scale them to 8 bits as they were for training, and measure those";

}  // namespace

std::string sixteen_bit_warning(std::span<const SampleRange> ranges, std::size_t of) {
  const SampleRange all = range_of_all(ranges);
  std::string text = std::to_string(ranges.size()) + " of " + std::to_string(of) +
                     " images are grey with 16 bits per sample, from " + thousands(all.lowest) + " to " +
                     thousands(all.highest) +
                     " of 65,535: the high byte was kept, where Pillow's convert(\"RGB\") turns all above 255 white";
  constexpr int half_of_all = 0x8000;
  if (all.highest - all.lowest < half_of_all) {
    text += ", so that" + eight_bits_shown(all);
    return text + (all.highest <= 255 ? "these are 8 bits already, which `sixteen_bit_grey` pillow keeps as they are"
                                      : scale_them);
  }
  // One image that fills the range, of another machine or with a mark burnt in, tells nothing of the others.
  constexpr std::uint16_t fourteen_bits = 0x4000;
  std::vector<SampleRange> dark;
  for (const SampleRange& range : ranges) {
    if (range.highest < fourteen_bits) dark.push_back(range);
  }
  if (2 * dark.size() <= ranges.size()) return text;
  const SampleRange most = range_of_all(dark);
  return text + "; " + std::to_string(dark.size()) + " of them stay within " + thousands(most.lowest) + " to " +
         thousands(most.highest) + ", of which" + eight_bits_shown(most) + scale_them;
}

}  // namespace stagemark
